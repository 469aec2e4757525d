// A client in a process of its own that sends new events at a steady pace to several nodes, each event's copies at the
// same moment to different ones, and, as senders do, again until one of them has answered 200.
//
//   node spread-client.mjs '{"secret":"…","prefix":"","perSecond":200,"seed":1}'
//
// Hears `{ ports }` from its parent, at the start and whenever they change, and `{ stop: true }`. Says
// `{ kind: 'begun' }` at the first answer; when it was stopped it sends nothing new, and says `{ kind: 'done', … }` (see Spread) once everything is acknowledged.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { seededRandom } from './seeded-random.mjs'
import { SignedConnection } from './signed-connection.mjs'

/**
 * @typedef {object} Spread
 * @property {readonly string[]} acknowledged
 * @property {readonly string[]} storedTwice Ids with more than one answer that said: this is the first of them.
 * @property {Readonly<Record<string, number>>} answers By status; `none` where the connection broke.
 * @property {number} clientLateMs How late its own event loop was at worst: so much of the times may be its own.
 * @property {readonly { status: string, p50Ms: number, p99Ms: number, maxMs: number }[]} times
 */

/** How an id begins says what its handler does: see BEHAVIOURS in inbox-server.mjs. */
const BEGINNINGS = ['evt', 'evt', 'evt', 'evt', 'evt', 'own', 'own', 'own', 'stumbles', 'dies']
const MOST_COPIES = 3
/** Of the first retry; twice as much for each that follows, as senders do, whose copies would be the load else. */
const RETRY_MS = 200
const LONGEST_RETRY_MS = 2000
const TICK_MS = 5
/** Where the nodes cannot keep up, the pace is theirs. */
const MOST_UNDER_WAY = 100
const { secret, prefix, perSecond, seed } = JSON.parse(process.argv[2])

const random = seededRandom(seed)
const loopDelay = monitorEventLoopDelay({ resolution: 10 })
loopDelay.enable()
/** @type {Map<number, SignedConnection[]>} Connections without a request, by port. */
const idle = new Map()
/** @type {Set<string>} */
const acknowledged = new Set()
/** @type {Map<string, number>} */
const firsts = new Map()
/** @type {Map<string, number[]>} */
const timesOf = new Map()
const underWay = new Set()
let ports = []
const stop = new AbortController()

process.on('message', (message) => {
  if (message.ports) ports = message.ports
  if (message.stop) stop.abort()
})
await sendSteadily()
await Promise.all(underWay)
process.send({ kind: 'done', ...summary() }, () => process.disconnect())

async function sendSteadily() {
  let sent = 0
  let behindMs = performance.now()
  while (!stop.signal.aborted) {
    await pause(TICK_MS)
    const due = Math.floor(((performance.now() - behindMs) * perSecond) / 1000)
    behindMs += (due * 1000) / perSecond
    for (let each = 0; each < due && ports.length > 0 && underWay.size < MOST_UNDER_WAY; each += 1) {
      const delivered = deliver(`${BEGINNINGS[sent % BEGINNINGS.length]}_${prefix}${(sent += 1)}`)
      underWay.add(delivered)
      void delivered.then(() => underWay.delete(delivered))
    }
  }
}

/** Until somebody has answered 200. */
async function deliver(id) {
  const copies = 1 + Math.floor(random() * MOST_COPIES)
  for (let waitMs = RETRY_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_RETRY_MS)) {
    const first = Math.floor(random() * ports.length)
    const to = Array.from(
      { length: Math.min(copies, ports.length) },
      (_, index) => ports[(first + index) % ports.length],
    )
    await Promise.all(to.map((port) => send(id, port)))
    if (acknowledged.has(id)) return
    await pause(waitMs * (0.5 + random() / 2))
  }
}

async function send(id, port) {
  const free = idle.get(port) ?? []
  idle.set(port, free)
  const startedMs = performance.now()
  const connection = free.pop() ?? (await SignedConnection.open(port, secret))
  const answer = await connection?.send(id)
  note(answer?.status ?? 'none', performance.now() - startedMs)
  if (answer === undefined) return
  free.push(connection)
  if (answer.status !== 200) return
  acknowledged.add(id)
  if (!answer.isDuplicate) firsts.set(id, (firsts.get(id) ?? 0) + 1)
}

function note(status, tookMs) {
  if (timesOf.size === 0) process.send({ kind: 'begun' })
  const times = timesOf.get(String(status)) ?? []
  times.push(tookMs)
  timesOf.set(String(status), times)
}

function summary() {
  const sorted = [...timesOf].map(([status, times]) => [status, times.toSorted((a, b) => a - b)])
  const at = (times, share) => Math.round(times[Math.floor((times.length - 1) * share)])
  return {
    acknowledged: [...acknowledged],
    clientLateMs: Math.round(loopDelay.max / 1e6),
    storedTwice: [...firsts].filter(([, count]) => count > 1).map(([id]) => id),
    answers: Object.fromEntries(sorted.map(([status, times]) => [status, times.length])),
    times: sorted.map(([status, times]) => ({
      status,
      p50Ms: at(times, 0.5),
      p99Ms: at(times, 0.99),
      maxMs: at(times, 1),
    })),
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
