// An inbox in a process of its own, for tests and proofs that kill it, cut its power or break its disk. Each handled
// event leaves one effect through `tx`, or in a transaction of its own where its id begins with `own` and the store can do
// that; so effects can be counted by id.
//
//   node inbox-server.mjs '{"place":"…","secret":"…"}'      (see ServerOptions in child-server.mjs)
//
// It speaks over IPC: `{ kind: 'ready', port }` first, or `{ kind: 'failed', message }`, then an answer to each of `usage`, `forget` and `finish`. It
// ends with its parent.
import { createServer } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createPostern, NonRetryableError } from 'postern'
import { vastai } from 'postern/providers'
import { placeAt } from './places/index.mjs'

const RESOLUTION_MS = 10
const options = JSON.parse(process.argv[2])
const { secret, driver, mayLose, leaseMs = 500, concurrency = 64, retry, isSilent = true } = options
const { ack = 'stored', senderTimeoutMs, isHarmless = false } = options

const place = placeAt(options.place)
const { store, close, inOwnTransaction } = await place.open({ driver, mayLose })
const loopDelay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })

let handled = 0

/** What the handler does beside its effect, by the beginning of the event's id. */
const BEHAVIOURS = [
  // Never comes to an end by itself.
  { start: 'hangs', run: () => new Promise(() => {}) },
  { start: 'exits', run: () => process.exit(1) },
  { start: 'killed', run: () => process.kill(process.pid, 'SIGKILL') },
  // An attempt that fails leaves no effect.
  { start: 'stumbles', run: (attempt) => attempt === 1 && fail(new Error('the first time')) },
  { start: 'dies', run: () => fail(new NonRetryableError('never')) },
]

async function handle(event, { tx, attempt, settleIn }) {
  if (options.reportsHandling) process.send({ kind: 'handling', id: event.id, attempt, atMs: Date.now() })
  handled += 1
  if (inOwnTransaction && event.id.startsWith('own')) await inOwnTransaction(event.id, attempt, settleIn)
  else tx(place.effect(event.id, attempt))
  if (!isHarmless) await BEHAVIOURS.find(({ start }) => event.id.startsWith(start))?.run(attempt)
}

function fail(error) {
  throw error
}

const source = vastai({ secret, ack })
const log = { debug() {}, info() {}, warn() {}, error() {} }
const postern = createPostern({
  store,
  sources: { vastai: { ...source, provider: { ...source.provider, senderTimeoutMs } } },
  handlers: (on) => [on('vastai', '*', handle)],
  worker: { leaseMs, concurrency },
  ...(retry && { retry }),
  ...(isSilent && { log }),
})
let slowestAnswerMs = 0
const server = createServer((request, response) => {
  const startedMs = performance.now()
  response.once('close', () => (slowestAnswerMs = Math.max(slowestAnswerMs, performance.now() - startedMs)))
  void postern.node(request, response)
})
// As a balancer's back end has it: at Node's 5 s a client meets connections that close as it writes.
server.keepAliveTimeout = 75_000

const ANSWERS = {
  usage: () => ({
    loopDelayP50Ms: loopDelay.percentile(50) / 1e6,
    loopDelayP90Ms: loopDelay.percentile(90) / 1e6,
    loopDelayP99Ms: loopDelay.percentile(99) / 1e6,
    loopDelayMaxMs: loopDelay.max / 1e6,
    rssMb: Math.round(process.memoryUsage.rss() / 1e6),
    handled,
    slowestAnswerMs: Math.round(slowestAnswerMs),
  }),
  // What happened until now, the start above all, does not count.
  forget: () => {
    loopDelay.reset()
    slowestAnswerMs = 0
  },
  finish,
}

process.on('disconnect', () => process.exit())
process.on('message', async (question) => {
  process.send({ kind: question, value: (await ANSWERS[question]()) ?? {} })
  if (question === 'finish') process.disconnect()
})
server.listen(0, '127.0.0.1', () => {
  begin().catch(({ message }) => process.send({ kind: 'failed', message }, () => process.exit(1)))
})

async function begin() {
  if (options.startsWorker !== false) await postern.start()
  loopDelay.enable()
  process.send({ kind: 'ready', port: server.address().port })
}

/** Handles whatever is left, leases of a process that was killed included, and lets go of everything. */
async function finish() {
  while (!(await isDone())) await new Promise((resolve) => setTimeout(resolve, 20))
  await postern.stop()
  await close()
  server.close()
  server.closeAllConnections()
}

async function isDone() {
  const { destinations } = await store.stat()
  return destinations.every(({ pending, leased }) => pending + leased === 0)
}
