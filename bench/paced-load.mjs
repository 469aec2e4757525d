// Sends signed events at a rate, whatever becomes of them, over keep-alive connections. Prints one line of JSON.
//
//   node paced-load.mjs <url> <secret> <events a second> <seconds>
import { createHmac, randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'

const [url, secret, perSecond, seconds] = process.argv.slice(2)
const BODY_BYTES = 700
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const statuses = {}
let sent = 0
const underWay = new Set()

const startedMs = performance.now()
while (performance.now() - startedMs < Number(seconds) * 1000) {
  const due = ((performance.now() - startedMs) / 1000) * Number(perSecond)
  for (; sent < due; sent += 1) send()
  await new Promise((resolve) => setTimeout(resolve, 2))
}
while (underWay.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
console.log(JSON.stringify({ sent, statuses, seconds: (performance.now() - startedMs) / 1000 }))
process.exit(0)

function send() {
  const timestamp = String(Math.floor(Date.now() / 1000))
  const id = `evt_${randomBytes(12).toString('hex')}`
  const sentMs = (performance.timeOrigin + performance.now()).toFixed(3)
  const head = `{"id":"${id}","type":"resource.created","created":"2026-11-21T00:00:00Z","data":{"sentMs":${sentMs},"text":"`
  const body = `${head}${'x'.repeat(BODY_BYTES - head.length - 3)}"}}`
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-vastai-timestamp': timestamp,
    'x-vastai-signature': signature,
  }
  const sending = request(url, { method: 'POST', agent, headers }, (response) => {
    statuses[response.statusCode] = (statuses[response.statusCode] ?? 0) + 1
    response.resume().on('close', () => underWay.delete(sending))
  })
  sending.on('error', () => {
    statuses['none'] = (statuses['none'] ?? 0) + 1
    underWay.delete(sending)
  })
  underWay.add(sending)
  sending.end(body)
}
