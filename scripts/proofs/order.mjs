// Order at scale. Several worker processes on one store, many keys, random failures, leases that are left lying and workers
// that are killed: no key may ever run two at once or out of order, and no key may wait for another. Then one key with a long
// line: what it costs those who claim from other keys.
//
//   npm run proof:order -- [--store sqlite | postgres | redis] [--workers 4] [--keys 1000] [--events 100] [--kills 20] [--line 100000] [--json]
import { fork } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { endWithThisProcess } from '../../test/support/child-server.mjs'
import { inOrder } from '../../test/support/in-order.mjs'
import { placeAt } from '../../test/support/places/index.mjs'
import { orderedEvent } from '../../test/support/ordered-event.mjs'
import { fsyncP50Ms } from './fsync.mjs'
import { makeGround } from './ground.mjs'
import { longLine } from './long-line.mjs'
import { temporaryFolder } from './temporary-folder.mjs'

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'sqlite' },
    workers: { type: 'string', default: '4' },
    keys: { type: 'string', default: '1000' },
    events: { type: 'string', default: '100' },
    kills: { type: 'string', default: '20' },
    line: { type: 'string', default: '100000' },
    json: { type: 'boolean', default: false },
  },
})
const WORKER = fileURLToPath(new URL('../../test/support/order-worker.mjs', import.meta.url))
const [workers, keys, events, kills, line] = [
  values.workers,
  values.keys,
  values.events,
  values.kills,
  values.line,
].map(Number)

/** Keys whose head is dead until everything else is done: nobody else may wait for them. */
const STUCK_KEYS = Math.ceil(keys / 100)
const STUCK_AT = 5
const FAILURE_RATE = 0.05
const LEASE_MS = 2000
const CONCURRENCY = 16
/** Leases that are taken and left lying, a few at a time. */
const ABANDONED_AT_ONCE = 3
const ABANDON_EVERY_MS = 100
const ABANDONED_LEASE_MS = 500
/** Events of the same round whose puts share a commit. */
const PUT_AT_ONCE = 500

const folder = temporaryFolder('postern-order-')
const ground = await makeGround(values.store, { folder })
const place = await ground.place('inbox')
const { store, close } = await placeAt(place).open()
const killedAtNs = new Map()
let started = 0
const work = { isOver: false }
const found = {
  store: (await store.inspect()).engine,
  machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}`,
  fsyncP50Ms: fsyncP50Ms(folder),
  ...(await prove()),
  line: await longLine(line, values.store),
}
await ground.stop()
console.log(values.json ? JSON.stringify(found) : found)
const wrong = found.overlaps + found.outOfOrder + found.missing
if (wrong > 0 || found.blockedKeys !== STUCK_KEYS || found.left > 0) process.exitCode = 1

async function prove() {
  const startedMs = performance.now()
  const running = await Promise.all(Array.from({ length: workers }, startWorker))
  const background = [killAlongTheWay(running), leaveLeases()]
  await putAll()
  const waiting = STUCK_KEYS * (events - STUCK_AT - 1)
  await until(({ pending, leased }) => leased === 0 && pending === waiting)
  const [{ blockedKeys }] = (await store.stat()).destinations
  const othersDoneSeconds = secondsSince(startedMs)
  work.isOver = true
  const [killed, abandoned] = await Promise.all(background)
  await redriveStuck(running)
  await until(({ pending, leased }) => pending + leased === 0)
  const left = (await store.list({ of: 'deliveries', state: 'dead', limit: 1 })).deliveries.length
  const stopped = await Promise.all(running.map(stopWorker))
  await store.close()
  await close()
  return {
    workers,
    keys,
    events,
    stuckKeys: STUCK_KEYS,
    blockedKeys,
    kills: killed,
    abandoned,
    left,
    othersDoneSeconds,
    seconds: secondsSince(startedMs),
    storeErrors: stopped.reduce((sum, { storeErrors }) => sum + storeErrors, 0),
    ...inOrder(readLogs(), { keys, events, killedAtNs }),
  }
}

async function startWorker() {
  const name = `${(started += 1)}`
  const options = {
    place,
    log: join(folder, `${name}.log`),
    leaseMs: LEASE_MS,
    concurrency: CONCURRENCY,
    failureRate: FAILURE_RATE,
    stuckKeys: STUCK_KEYS,
    stuckAt: STUCK_AT,
  }
  const child = fork(WORKER, [JSON.stringify(options)], { execArgv: [] })
  endWithThisProcess(child)
  await messageOf(child, 'ready')
  return { name, child }
}

/** Rounds of one event for each key, one after the other: the next is put once this one is acknowledged. */
async function putAll() {
  for (let n = 0; n < events; n += 1) {
    for (let first = 0; first < keys; first += PUT_AT_ONCE) {
      const length = Math.min(PUT_AT_ONCE, keys - first)
      await putUntilAcknowledged(
        Array.from({ length }, (_, index) => orderedEvent(`${first + index}/${n}`, `key_${first + index}`)),
      )
    }
  }
}

async function putUntilAcknowledged(batch) {
  for (;;) {
    try {
      const results = await store.put(batch)
      if (results.every(({ outcome }) => outcome !== 'failed')) return
    } catch {
      // The store was held up for too long: what is there already is a duplicate of the next try.
    }
  }
}

/** Kills the workers in turn at even distances of work done, and starts others. */
async function killAlongTheWay(running) {
  let killed = 0
  while (!work.isOver && killed < kills) {
    await setTimeout(50)
    if ((await done()) < ((killed + 1) * keys * events) / (kills + 2)) continue
    const index = killed % running.length
    const { name, child } = running[index]
    killedAtNs.set(name, process.hrtime.bigint())
    child.kill('SIGKILL')
    killed += 1
    running[index] = await startWorker()
  }
  return killed
}

async function done() {
  const { events: stored, destinations } = await store.stat()
  return stored - destinations.reduce((sum, { pending, leased }) => sum + pending + leased, 0)
}

/** Claims and does nothing with it. */
async function leaveLeases() {
  let left = 0
  while (!work.isOver) {
    await setTimeout(ABANDON_EVERY_MS)
    try {
      const destinations = [{ name: 'handlers', limit: ABANDONED_AT_ONCE }]
      left += (await store.claim({ destinations, leaseMs: ABANDONED_LEASE_MS, waitMs: 0 })).length
    } catch {
      // The store was held up for too long.
    }
  }
  return left
}

async function redriveStuck(running) {
  for (const { child } of running) child.send('unstick')
  const { deliveries } = await store.list({ of: 'deliveries', state: 'dead', limit: 1000 })
  await store.move(deliveries.map(({ deliverySeq }) => ({ deliverySeq, to: 'redrive' })))
}

async function until(isSo) {
  for (;;) {
    const [destination] = (await store.stat()).destinations
    if (destination === undefined || isSo(destination)) return
    await setTimeout(100)
  }
}

async function stopWorker({ child }) {
  const stopped = messageOf(child, 'stopped')
  child.send('stop')
  return stopped
}

function messageOf(child, wanted) {
  return new Promise((resolve, reject) => {
    child.on('message', (message) => message.kind === wanted && resolve(message))
    child.on('exit', (code, signal) => reject(new Error(`a worker ended with ${code ?? signal}`)))
  })
}

/** The lines of every worker, by its name. */
function readLogs() {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .map((name) => [name.slice(0, -'.log'.length), readFileSync(join(folder, name), 'utf8')])
}

function secondsSince(startedMs) {
  return Math.round((performance.now() - startedMs) / 100) / 10
}
