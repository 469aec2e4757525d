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
const SIGNATURE_HEX = 64
const ID_HEX = 24
const BEFORE_SIGNATURE = `${HEAD}x-vastai-signature: `
const BEFORE_ID = `\r\n\r\n${START}`
/** One request, whose signature and id are written over for each event. */
const TEMPLATE = Buffer.from(
  `${BEFORE_SIGNATURE}${'0'.repeat(SIGNATURE_HEX)}${BEFORE_ID}${'0'.repeat(ID_HEX)}${END}`,
)
const SIGNATURE_AT = Buffer.byteLength(BEFORE_SIGNATURE)
const ID_AT = SIGNATURE_AT + SIGNATURE_HEX + BEFORE_ID.length
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
    const request = Buffer.from(TEMPLATE)
    let sentMs = 0
    let pending = ''
    const send = () => {
      if (stop) {
        socket.end()
        return resolve()
      }
      sentMs = performance.now()
      // Its bytes have left for good before it is written over: the answer to it has come.
      const { id, signature } = ready.pop() ?? signed()
      request.latin1Write(signature, SIGNATURE_AT)
      request.latin1Write(id, ID_AT)
      socket.write(request)
    }
    const read = (length, bytes) => {
      pending += bytes.latin1Slice(0, length)
      const status = statusOf(pending)
      if (status === undefined) return true
      statuses[status] = (statuses[status] ?? 0) + 1
      latencies.push(performance.now() - sentMs)
      pending = ''
      send()
      return true
    }
    // Without a stream of chunks, and with one request written over, an event takes 5 µs of this process where it took 9,
    // the kernel's 10 beside: two cores carry both sides.
    const onread = { buffer: Buffer.alloc(16_384), callback: read }
    const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true, onread })
    socket.on('connect', send)
    socket.on('error', reject)
  })
}

/** Of an answer that is there as a whole. */
function statusOf(answer) {
  const headEnd = answer.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const length = Number(/content-length: (\d+)/i.exec(answer)?.[1] ?? 0)
  return answer.length < headEnd + 4 + length ? undefined : answer.slice(9, 12)
}

/** The part of an event that is its own. Should the server be faster than was thought, the rest is signed on the way. */
function signed() {
  const id = randomBytes(ID_HEX / 2).toString('hex')
  const signature = createHmac('sha256', secret).update(`${timestamp}.${START}${id}${END}`).digest('hex')
  return { id, signature }
}
