// One run of the fairness part, in a process of its own: 100 sources with 10 destinations each, 200 events a second, each to the
// ten of its source. With `dead`, one of the thousand never answers and has 5,000 deliveries due. Prints one line of JSON:
// how long the other destinations' deliveries took from the put to their handler's end.
//
//   node fairness-run.mjs <store> <seconds> [dead]
import { createPostern } from 'postern'
import { vastai } from 'postern/providers'
import { anEvent } from './an-event.mjs'
import { storeAt } from './store-at.mjs'

const [place, seconds, dead] = process.argv.slice(2)
const SOURCES = 100
const DESTINATIONS = 10
const EVENTS_PER_SECOND = 200
const PARKED = 5000
const WARM_UP_MS = 1000
const BODY = Buffer.from('{"measured":true}')

const store = await storeAt(place)
const names = Array.from({ length: SOURCES }, (_, index) => `source-${index}`)
const destinationsOf = (source) => Array.from({ length: DESTINATIONS }, (_, index) => `${source}-to-${index}`)
const sentMs = new Map()
const latenciesMs = []
let countFromMs = Infinity

const postern = createPostern({
  store,
  sources: Object.fromEntries(names.map((name) => [name, vastai({ secret: name.padEnd(32, '_') })])),
  handlers: (on) =>
    names.flatMap((source) =>
      destinationsOf(source).map((name) => on(source, '*', handlerOf(name), { name, timeoutMs: 10_000 })),
    ),
  log: { debug() {}, info() {}, warn() {}, error() {} },
})

if (dead === 'dead') {
  for (let count = 0; count < PARKED; count += 500) {
    const ids = Array.from({ length: 500 }, (_, index) => `parked-${count + index}`)
    await store.put(ids.map((id) => event(names[0], id, ['source-0-to-0'])))
  }
}
await postern.start()
const startedMs = performance.now()
countFromMs = startedMs + WARM_UP_MS
const endMs = countFromMs + Number(seconds) * 1000
let sent = 0
while (performance.now() < endMs) {
  const due = ((performance.now() - startedMs) / 1000) * EVENTS_PER_SECOND
  for (; sent < due; sent += 1) {
    const source = names[(sent * 37) % SOURCES]
    sentMs.set(`evt-${sent}`, performance.now())
    void store.put([event(source, `evt-${sent}`, destinationsOf(source))])
  }
  await new Promise((resolve) => setTimeout(resolve, 2))
}
await new Promise((resolve) => setTimeout(resolve, 1000))
latenciesMs.sort((left, right) => left - right)
const at = (share) => Number((latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0).toFixed(1))
console.log(
  JSON.stringify({
    deliveries: latenciesMs.length,
    sent,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(0.99999),
  }),
)
// What never answers would be waited for.
process.exit(0)

function handlerOf(name) {
  if (dead === 'dead' && name === 'source-0-to-0') {
    return (_event, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  }
  return ({ id }) => {
    const atMs = sentMs.get(id) ?? 0
    if (atMs > countFromMs) latenciesMs.push(performance.now() - atMs)
  }
}

function event(source, id, destinations) {
  return { ...anEvent(id, { body: BODY }), source, destinations }
}
