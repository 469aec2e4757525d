// The load generator, in a process of its own: keep-alive connections that each send the next signed event as soon as
// the last one is answered. Prints one line of JSON. Events are signed before the clock starts: it shares two cores with
// what is measured.
//
//   node load.mjs <port> <path> <secret> <connections> <seconds>
import { createHmac, randomBytes } from 'node:crypto'
import { connect } from 'node:net'

const [port, path, secret, connections, seconds] = process.argv.slice(2)
const BODY_BYTES = 700
const SIGNED_PER_SECOND = 60_000
const START = '{"id":"evt_'
const REST = '","type":"resource.created","created":"2026-11-21T00:00:00Z","data":{"text":"'
const END = `${REST}${'x'.repeat(BODY_BYTES - START.length - 24 - REST.length - 3)}"}}`
const timestamp = Math.floor(Date.now() / 1000)
const HEAD =
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${BODY_BYTES}\r\n` +
  `x-vastai-timestamp: ${timestamp}\r\n`
const ready = Array.from({ length: Number(seconds) * SIGNED_PER_SECOND }, signed)
const latencies = []
const statuses = {}
let stop = false

const startedMs = performance.now()
setTimeout(() => (stop = true), Number(seconds) * 1000)
await Promise.all(Array.from({ length: Number(connections) }, run))
const elapsedS = (performance.now() - startedMs) / 1000

latencies.sort((a, b) => a - b)
const at = (share) => Number((latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2))
console.log(
  JSON.stringify({
    perSecond: Math.round(latencies.length / elapsedS),
    answered: latencies.length,
    seconds: Number(elapsedS.toFixed(2)),
    statuses,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(0.999999),
  }),
)

function run() {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1')
    socket.setNoDelay(true)
    let sentMs = 0
    let pending = ''
    const send = () => {
      if (stop) {
        socket.end()
        return resolve()
      }
      sentMs = performance.now()
      socket.write(request())
    }
    socket.on('connect', send)
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1')
      const headEnd = pending.indexOf('\r\n\r\n')
      if (headEnd < 0) return
      const length = Number(/content-length: (\d+)/i.exec(pending)?.[1] ?? 0)
      if (pending.length < headEnd + 4 + length) return
      const status = pending.slice(9, 12)
      statuses[status] = (statuses[status] ?? 0) + 1
      latencies.push(performance.now() - sentMs)
      pending = ''
      send()
    })
  })
}

/** The part of an event that is its own. */
function signed() {
  const id = randomBytes(12).toString('hex')
  const signature = createHmac('sha256', secret).update(`${timestamp}.${START}${id}${END}`).digest('hex')
  return { id, signature }
}

/** Should the server be faster than was thought, the rest is signed on the way. */
function request() {
  const { id, signature } = ready.pop() ?? signed()
  return `${HEAD}x-vastai-signature: ${signature}\r\n\r\n${START}${id}${END}`
}
