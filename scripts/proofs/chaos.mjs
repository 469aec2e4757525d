// Four nodes on one server under load, while nodes are killed and the server is killed and restarted, in an order drawn from a
// seed. What was acknowledged must be there once, every delivery come to its end, and every effect have happened once; and
// after each start of the server every node must take and handle events again by itself.
//
//   npm run proof:chaos -- --store postgres | redis [--seconds 600] [--nodes 4] [--rate 200] [--seed 1] [--script drawn | short] [--json]
import { randomBytes } from 'node:crypto'
import { cpus } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { seededRandom } from '../../test/support/seeded-random.mjs'
import { putPastNodes } from './bypass.mjs'
import { fsyncP50Ms } from './fsync.mjs'
import { makeGround } from './ground.mjs'
import { Nodes, resumptionTimes, startLoad } from './nodes.mjs'
import { tally } from './tally.mjs'
import { temporaryFolder } from './temporary-folder.mjs'

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'postgres' },
    seconds: { type: 'string', default: '600' },
    nodes: { type: 'string', default: '4' },
    rate: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    /** `drawn` by the seed until the time is over, or `short`: one of each. */
    script: { type: 'string', default: 'drawn' },
    json: { type: 'boolean', default: false },
  },
})
const SECRET = randomBytes(32).toString('hex')
/** Long enough for a stalled machine, short enough for what killed nodes leave behind. */
const LEASE_MS = 2000
/** Never killed, so that it meets every outage of the server; at the end it handles what is left, alone. */
const WITNESS = 0
const LEFT_FOR_WITNESS = 500
/** What goes wrong, and how often each of twenty times. */
const FAULTS = [
  { name: 'nodeKills', weight: 12, run: killOneOf },
  { name: 'serverKills', weight: 3, run: (load) => breakServer(load, async () => {}) },
  { name: 'serverKillsWithNode', weight: 2, run: (load) => breakServer(load, killOneOf) },
  { name: 'serverRestarts', weight: 3, run: restartServer },
]
/** What comes next, from how many there have been; nothing at the end. */
const SCRIPTS = {
  drawn: () => (performance.now() < endMs ? draw(FAULTS) : undefined),
  short: (done) => FAULTS[done],
}
const LONGEST_OUTAGE_MS = 2000
const LONGEST_CALM_MS = 2500

const [seconds, nodeCount, rate, seed] = [values.seconds, values.nodes, values.rate, values.seed].map(Number)
const endMs = performance.now() + seconds * 1000
const random = seededRandom(seed)
const say = values.json ? () => {} : console.log
const folder = temporaryFolder('postern-chaos-')
const ground = await makeGround(values.store, { folder })
const place = await ground.place('inbox')
const nodes = new Nodes(SECRET, () => ({
  place,
  leaseMs: LEASE_MS,
  // A delivery may meet every kill there is.
  retry: { attempts: 1000, baseMs: 50, capMs: 1000 },
}))
const resumptions = []
const found = await prove()
await ground.stop()
console.log(values.json ? JSON.stringify(found) : found)
if (isBad(found)) process.exitCode = 1

async function prove() {
  await nodes.start(nodeCount)
  const load = startLoad({ secret: SECRET, prefix: '', perSecond: rate, seed })
  load.sendTo(nodes.ports)
  const faults = await makeTrouble(load)
  const { acknowledged, storedTwice, answers, times, clientLateMs } = await load.stop()
  const witness = await nodes.killAllBut(WITNESS)
  const { ids, wokenP50Ms } = await putPastNodes(place, witness, LEFT_FOR_WITNESS)
  const { loopDelayMaxMs } = await witness.usage()
  await witness.finish()
  return {
    store: values.store,
    machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}`,
    fsyncP50Ms: fsyncP50Ms(folder),
    seconds,
    seed,
    faults,
    answers,
    times,
    clientLateMs,
    witnessLateMs: Math.round(loopDelayMaxMs),
    storedTwice: storedTwice.length,
    ...resumptionTimes(resumptions),
    wokenP50Ms,
    ...(await tally(place, [...acknowledged, ...nodes.probed, ...ids])),
  }
}

async function makeTrouble(load) {
  const faults = Object.fromEntries(FAULTS.map(({ name }) => [name, 0]))
  for (let done = 0; ; done += 1) {
    await setTimeout(random() * LONGEST_CALM_MS)
    const fault = SCRIPTS[values.script](done)
    if (fault === undefined) break
    say(`${Math.round((endMs - performance.now()) / 1000)} s left: ${fault.name}`)
    await fault.run(load)
    faults[fault.name] += 1
  }
  return faults
}

async function killOneOf(load) {
  const index = WITNESS + 1 + Math.floor(random() * (nodeCount - 1))
  await nodes.replace(index)
  load.sendTo(nodes.ports)
}

/** `kill -9` of the server; while it is away something may happen to the nodes as well. */
async function breakServer(load, meanwhile) {
  await ground.server.kill()
  const other = meanwhile(load)
  await setTimeout(random() * LONGEST_OUTAGE_MS)
  await ground.server.start()
  await other
  resumptions.push(...(await nodes.resumed()))
}

/** As a service manager does it. */
async function restartServer() {
  await ground.server.restart()
  resumptions.push(...(await nodes.resumed()))
}

function draw(weighted) {
  let left = random() * weighted.reduce((sum, { weight }) => sum + weight, 0)
  return weighted.find(({ weight }) => (left -= weight) < 0) ?? weighted[0]
}

function isBad({ wrong, storedTwice, neverResumed }) {
  return storedTwice + neverResumed > 0 || Object.values(wrong).some((count) => count !== 0)
}
