// Puts 64 new events at a time into a file, each time once the last are durable: one commit each. Prints one line of
// JSON. A commit's time is what its senders wait, the way to the writer's thread and its checkpoints included.
//
//   node commits.mjs <path> <commits>
import { randomBytes } from 'node:crypto'
import { sqlite } from 'postern/sqlite'
import { anEvent } from './an-event.mjs'

const [path, commits] = process.argv.slice(2)
const EVENTS_PER_COMMIT = 64
const body = Buffer.alloc(700, 'x')

const startedMs = performance.now()
const store = sqlite(path)
await store.put([event()])
const startMs = performance.now() - startedMs
const times = []
for (let commit = 0; commit < Number(commits); commit += 1) {
  const events = Array.from({ length: EVENTS_PER_COMMIT }, event)
  const sentMs = performance.now()
  await store.put(events)
  times.push(performance.now() - sentMs)
}
const elapsedS = (performance.now() - startedMs - startMs) / 1000
const rssMb = Math.round(process.memoryUsage.rss() / 1e6)
await store.close()

times.sort((a, b) => a - b)
const at = (share) => Number((times[Math.floor(times.length * share)] ?? 0).toFixed(2))
console.log(
  JSON.stringify({
    perSecond: Math.round((times.length * EVENTS_PER_COMMIT) / elapsedS),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    longestMs: at(0.999999),
    startMs: Math.round(startMs),
    rssMb,
  }),
)

function event() {
  const id = `evt_${randomBytes(12).toString('hex')}`
  return anEvent(id, { body: Buffer.from(body), createdMs: Date.now() })
}
