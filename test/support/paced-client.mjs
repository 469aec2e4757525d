// A client in a process of its own that sends at a steady pace, whether or not the answers come: a sender does not wait
// for the receiver's disk. Prints one line of JSON.
//
//   node paced-client.mjs '{"port":1,"secret":"…","prefix":"…","perSecond":500,"seconds":5}'
import { SignedConnection } from './signed-connection.mjs'

const TICK_MS = 2
const { port, secret, prefix, perSecond, seconds } = JSON.parse(process.argv[2])
/** @type {SignedConnection[]} */
const idle = []
const latencies = []
const statuses = {}
const answers = []

const startedMs = performance.now()
const endMs = startedMs + seconds * 1000
let sent = 0
while (performance.now() < endMs) {
  const dueCount = Math.floor(((performance.now() - startedMs) * perSecond) / 1000)
  for (; sent < dueCount; sent += 1) answers.push(sendOne(`${prefix}_${sent}`, dueMsOf(sent)))
  await new Promise((resolve) => setTimeout(resolve, TICK_MS))
}
await Promise.all(answers)
for (const connection of idle) connection.close()

latencies.sort((a, b) => a - b)
const at = (share) => Number((latencies[Math.floor((latencies.length - 1) * share)] ?? 0).toFixed(1))
console.log(JSON.stringify({ sent, statuses, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }))

/** From the moment it was due, so that a client that falls behind does not flatter the server. */
function dueMsOf(index) {
  return startedMs + (index * 1000) / perSecond
}

async function sendOne(id, dueMs) {
  const connection = idle.pop() ?? (await SignedConnection.open(port, secret))
  const answer = await connection?.send(id)
  latencies.push(performance.now() - dueMs)
  const status = answer?.status ?? 'none'
  statuses[status] = (statuses[status] ?? 0) + 1
  if (connection && answer) idle.push(connection)
}
