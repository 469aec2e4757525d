// What a careful user of BullMQ would write: the same HTTP server and the same verification as ours, and a job under the
// event's id. `stopped`: nothing is handled; `drained`: everything, by a handler that does nothing.
import { createServer } from 'node:http'
import { Queue, Worker } from 'bullmq'
import { verify } from 'postern'
import { vastai } from 'postern/providers'
import { report } from './report.mjs'

const [place, secret, worker] = process.argv.slice(2)
const { hostname: host, port, password } = new URL(place)
const connection = { host, port: Number(port), password, maxRetriesPerRequest: null }
const queue = new Queue('bench', { connection, defaultJobOptions: { removeOnComplete: true } })
const source = vastai({ secret })
let handled = 0
const options = { connection, concurrency: 64, autorun: false }
const handling = new Worker('bench', async () => void (handled += 1), options)
if (worker === 'drained') void handling.run()

const server = createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => void answer(request, Buffer.concat(chunks), response))
})
const backlog = async () => {
  const { waiting, active } = await queue.getJobCounts('waiting', 'active')
  return waiting + active
}
server.listen(0, '127.0.0.1', () => report({ port: server.address().port, backlog, handled: () => handled }))

async function answer({ method, url, rawHeaders }, body, response) {
  const verified = await verify({ method, url, headers: rawHeaders, body }, source)
  if (!verified.ok) return end(response, 401, '{"error":"Invalid signature"}')
  await queue.add('event', { body: body.toString('base64') }, { jobId: verified.event.id })
  return end(response, 200, '{"received":true}')
}

function end(response, status, text) {
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': String(text.length) })
    .end(text)
}
