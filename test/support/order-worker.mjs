// A worker in a process of its own that handles events in order. What each run does is written down at once, so that the
// lines of a process that was killed are there too: `<b|s|f> <key> <n> <ns>` for begun, succeeded, failed. `ns` is the
// machine's monotonic clock, the same for all processes.
//
//   node order-worker.mjs '{"place":"…","log":"…"}'      (see WorkerOptions in scripts/proofs/order.mjs)
import { createHash } from 'node:crypto'
import { openSync, writeSync } from 'node:fs'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { createPostern, NonRetryableError } from 'postern'
import { vastai } from 'postern/providers'
import { placeAt } from './places/index.mjs'

const { place, log, leaseMs, concurrency, failureRate, stuckKeys, stuckAt } = JSON.parse(process.argv[2])
const lines = openSync(log, 'a')
let isStuck = true

async function handle({ id, source }, { attempt }) {
  const [key, n] = id.split('/').map(Number)
  note('b', key, n)
  // Some end in the same turn, some later.
  const dice = createHash('sha256').update(`${source}/${id}/${attempt}`).digest()
  await (dice[0] < 64 ? setTimeout(dice[0] % 4) : setImmediate())
  const isDeadly = isStuck && key < stuckKeys && n === stuckAt
  const fails = isDeadly || dice[1] / 256 < failureRate
  note(fails ? 'f' : 's', key, n)
  if (isDeadly) throw new NonRetryableError('stuck')
  if (fails) throw new Error('by chance')
}

function note(kind, key, n) {
  writeSync(lines, `${kind} ${key} ${n} ${process.hrtime.bigint()}\n`)
}

let storeErrors = 0
const { store, close } = await placeAt(place).open()
const postern = createPostern({
  store,
  sources: { vastai: vastai({ secret: 'a secret of more than sixteen bytes' }) },
  handlers: (on) => [on('vastai', '*', handle)],
  worker: { leaseMs, concurrency },
  retry: { attempts: 1000, baseMs: 20, capMs: 200 },
  log: { debug() {}, info() {}, warn() {}, error: () => (storeErrors += 1) },
})

process.on('disconnect', () => process.exit())
process.on('message', async (message) => {
  if (message === 'unstick') isStuck = false
  if (message !== 'stop') return
  await postern.stop()
  await close()
  process.send({ kind: 'stopped', storeErrors })
  process.disconnect()
})
await start()
process.send({ kind: 'ready' })

/** Among others that write all the time, the lock that opens the file may not be had within SQLite's second. */
async function start() {
  try {
    await postern.start()
  } catch {
    storeErrors += 1
    await start()
  }
}
