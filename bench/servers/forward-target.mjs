// Where forwarded events end: answers 204 at once, and counts how many came and how old they were.
import { createServer } from 'node:http'

const SENT_AT = Buffer.from('"sentMs":')
let received = 0
let agesMs = []

const server = createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    received += 1
    const body = Buffer.concat(chunks)
    const at = body.indexOf(SENT_AT) + SENT_AT.length
    agesMs.push(performance.timeOrigin + performance.now() - Number(body.latin1Slice(at, at + 17)))
    response.writeHead(204).end()
  })
})
server.keepAliveTimeout = 60_000
process.on('message', (message) => {
  if (message === 'stop') process.exit(0)
  process.send({ received, agesMs })
  agesMs = []
})
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
