// Where forwarded events end: answers 204 at once, and counts how many came and how old they were. It reads requests by hand,
// since it shares the cores with what is measured: a server of node:http takes some four times the CPU for each.
import { createServer } from 'node:net'

const ANSWER = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n')
const END_OF_HEAD = Buffer.from('\r\n\r\n')
const LENGTH = Buffer.from('content-length: ')
const SENT_AT = Buffer.from('"sentMs":')
let received = 0
let agesMs = []

const server = createServer((socket) => {
  let pending
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    const bytes = pending === undefined ? chunk : Buffer.concat([pending, chunk])
    let at = 0
    for (let end = endOfRequest(bytes, at); end !== undefined; end = endOfRequest(bytes, at)) {
      arrived(bytes, at, end)
      socket.write(ANSWER)
      at = end
    }
    pending = at === bytes.length ? undefined : bytes.subarray(at)
  })
})

function endOfRequest(bytes, from) {
  const head = bytes.indexOf(END_OF_HEAD, from)
  if (head < 0) return undefined
  const length = bytes.indexOf(LENGTH, from) + LENGTH.length
  const end = head + END_OF_HEAD.length + Number.parseInt(bytes.latin1Slice(length, length + 12), 10)
  return end <= bytes.length ? end : undefined
}

function arrived(bytes, from, to) {
  received += 1
  const at = bytes.indexOf(SENT_AT, from) + SENT_AT.length
  if (at > SENT_AT.length && at < to)
    agesMs.push(performance.timeOrigin + performance.now() - Number(bytes.latin1Slice(at, at + 17)))
}

process.on('message', (message) => {
  if (message === 'stop') process.exit(0)
  process.send({ received, agesMs })
  agesMs = []
})
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
