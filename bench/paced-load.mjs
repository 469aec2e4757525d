// Sends signed events at a rate, whatever becomes of them, over keep-alive connections. Prints one line of JSON. Requests are
// written by hand: the load shares the cores with what is measured.
//
//   node paced-load.mjs <url> <secret> <events a second> <seconds>
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'

const [url, secret, perSecond, seconds] = process.argv.slice(2)
const { hostname, port, pathname } = new URL(url)
const BODY_BYTES = 700
const CONNECTIONS = 64
const TICK_MS = 2
const statuses = {}
let sent = 0
const underWay = new Set()

const connections = await Promise.all(Array.from({ length: CONNECTIONS }, opened))
const free = [...connections]
const startedMs = performance.now()
while (performance.now() - startedMs < Number(seconds) * 1000) {
  const due = ((performance.now() - startedMs) / 1000) * Number(perSecond)
  // With no connection free the rest is sent late, which the caller sees by the number.
  for (; sent < due && free.length > 0; sent += 1) send(free.pop())
  await new Promise((resolve) => setTimeout(resolve, TICK_MS))
}
while (underWay.size > 0) await new Promise((resolve) => setTimeout(resolve, TICK_MS))
console.log(JSON.stringify({ sent, statuses, seconds: (performance.now() - startedMs) / 1000 }))
process.exit(0)

async function opened() {
  const socket = connect(Number(port), hostname)
  socket.setNoDelay(true)
  let pending = ''
  socket.on('error', () => socket.destroy())
  socket.on('close', () => ended(socket, 'none'))
  socket.on('data', (chunk) => {
    pending += chunk.toString('latin1')
    const head = pending.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = Number(/content-length: (\d+)/i.exec(pending)?.[1] ?? 0)
    if (pending.length < head + 4 + length) return
    const status = pending.slice(9, 12)
    pending = ''
    ended(socket, status)
    free.push(socket)
  })
  await once(socket, 'connect')
  return socket
}

function ended(socket, status) {
  if (!underWay.delete(socket)) return
  statuses[status] = (statuses[status] ?? 0) + 1
}

function send(socket) {
  const timestamp = String(Math.floor(Date.now() / 1000))
  const id = `evt_${randomBytes(12).toString('hex')}`
  const sentMs = (performance.timeOrigin + performance.now()).toFixed(3)
  const head = `{"id":"${id}","type":"resource.created","created":"2026-11-21T00:00:00Z","data":{"sentMs":${sentMs},"text":"`
  const body = `${head}${'x'.repeat(BODY_BYTES - head.length - 3)}"}}`
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
  underWay.add(socket)
  socket.write(
    `POST ${pathname} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n` +
      `x-vastai-timestamp: ${timestamp}\r\nx-vastai-signature: ${signature}\r\n\r\n${body}`,
  )
}
