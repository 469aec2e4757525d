// Three nodes on one server, two of them by way of a network that is made slow, cut, silent or stranded, under load. Whatever
// the network does, senders are answered before they give up, or with a 503; afterwards every node takes and handles events by
// itself, what was acknowledged is there once, and every effect has happened once.
//
//   npm run proof:partitions -- --store postgres | redis [--seconds 15] [--rate 100] [--json]
import { randomBytes } from 'node:crypto'
import { cpus } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { seededRandom } from '../../test/support/seeded-random.mjs'
import { startProxy, throughPort } from '../../test/support/servers/for-scripts.mjs'
import { putPastNodes } from './bypass.mjs'
import { makeGround } from './ground.mjs'
import { Nodes, resumptionTimes, startLoad } from './nodes.mjs'
import { tally } from './tally.mjs'
import { temporaryFolder } from './temporary-folder.mjs'

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'postgres' },
    /** How long each trouble lasts. */
    seconds: { type: 'string', default: '15' },
    rate: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const SECRET = randomBytes(32).toString('hex')
const LEASE_MS = 2000
/** GitHub's. */
const SENDER_GIVES_UP_MS = 10_000
const CUT_EVERY_MS = 400
const MOST_BYTES_BEFORE_CUT = 8000
const LEFT_FOR_WITNESS = 200
/** Behind the network at its worst all the time; at the end it handles what is left, alone. */
const WITNESS = 0

const TROUBLES = [
  { name: 'none', last: pause },
  { name: '200 ms each way', last: (proxies) => lasting(proxies, (proxy) => proxy.delay(200)) },
  { name: 'cut', last: (proxies) => lasting(proxies, (proxy) => proxy.cut()) },
  { name: 'silent', last: (proxies) => lasting(proxies, (proxy) => proxy.silence()) },
  { name: 'stranded', last: (proxies) => lasting(proxies, (proxy) => proxy.forget()) },
  { name: 'cut on the way there', last: (proxies) => cutAgainAndAgain(proxies, 'toServer') },
  { name: 'cut on the way back', last: (proxies) => cutAgainAndAgain(proxies, 'toClient') },
]

const [seconds, rate, seed] = [values.seconds, values.rate, values.seed].map(Number)
const random = seededRandom(seed)
const say = values.json ? () => {} : console.log
const ground = await makeGround(values.store, { folder: temporaryFolder('postern-partitions-') })
const place = await ground.place('inbox')
const proxies = await Promise.all([1, 2].map(() => startProxy(ground.server.port)))
const places = [...proxies.map(({ port }) => throughPort(place, port)), place]
const nodes = new Nodes(SECRET, (index) => ({
  place: places[index],
  leaseMs: LEASE_MS,
  retry: { attempts: 1000, baseMs: 50, capMs: 1000 },
}))
const found = await prove()
await Promise.all(proxies.map((proxy) => proxy.close()))
await ground.stop()
console.log(values.json ? JSON.stringify(found) : JSON.stringify(found, undefined, 1))
if (isBad(found)) process.exitCode = 1

async function prove() {
  await nodes.start(places.length)
  const troubles = []
  const acknowledged = []
  for (const [index, { name, last }] of TROUBLES.entries()) {
    const { trouble, ids } = await live(name, `${index}_`, last)
    say(JSON.stringify(trouble))
    troubles.push(trouble)
    acknowledged.push(...ids)
  }
  const witness = await nodes.killAllBut(WITNESS)
  const { ids, wokenP50Ms } = await putPastNodes(place, witness, LEFT_FOR_WITNESS)
  await witness.finish()
  return {
    store: values.store,
    machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}`,
    seconds,
    rate,
    troubles,
    wokenP50Ms,
    ...(await tally(place, [...acknowledged, ...nodes.probed, ...ids])),
  }
}

/** One trouble under load, and the calm after it. */
async function live(name, prefix, last) {
  const load = startLoad({ secret: SECRET, prefix, perSecond: rate, seed })
  load.sendTo(nodes.ports)
  await load.begun
  await last(proxies)
  for (const proxy of proxies) proxy.heal()
  const resumptions = await nodes.resumed()
  const { acknowledged, storedTwice, answers, times } = await load.stop()
  const slowestMs = await nodes.slowestAnswerMs()
  const trouble = { name, answers, slowestMs, times, storedTwice, ...resumptionTimes(resumptions) }
  return { trouble, ids: acknowledged }
}

function pause() {
  return setTimeout(seconds * 1000)
}

async function lasting(all, make) {
  for (const proxy of all) make(proxy)
  await pause()
}

/** Anywhere in a request or an answer. */
async function cutAgainAndAgain(all, way) {
  const endMs = performance.now() + seconds * 1000
  while (performance.now() < endMs) {
    for (const proxy of all) proxy.cutAfter(1 + Math.floor(random() * MOST_BYTES_BEFORE_CUT), way)
    await setTimeout(CUT_EVERY_MS)
  }
}

function isBad({ wrong, troubles }) {
  const isBadTrouble = ({ slowestMs, storedTwice, neverResumed }) =>
    slowestMs >= SENDER_GIVES_UP_MS || storedTwice.length + neverResumed > 0
  return troubles.some(isBadTrouble) || Object.values(wrong).some((count) => count !== 0)
}
