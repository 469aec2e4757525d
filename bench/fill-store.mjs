// Fills the store at a place with events that have all been handled. Through its verbs, so that it holds what a history holds.
//
//   node fill-store.mjs <place> <events>
import { anEvent } from './an-event.mjs'
import { storeAt } from './store-at.mjs'

const [place, events] = process.argv.slice(2)
const AT_ONCE = 4
const BATCH = 500
const body = Buffer.from('{"old":true}')
const store = await storeAt(place)
let from = 0
await Promise.all(Array.from({ length: AT_ONCE }, fill))
await store.close()
process.exit(0)

async function fill() {
  while (from < Number(events)) {
    const first = from
    from += BATCH
    await store.put(Array.from({ length: BATCH }, (_, index) => anEvent(`old_${first + index}`, { body })))
    await handle()
  }
}

async function handle() {
  const destinations = [{ name: 'handlers', limit: BATCH }]
  const claimed = await store.claim({ destinations, leaseMs: 60_000, waitMs: 0 })
  if (claimed.length === 0) return
  await store.settle(
    claimed.map(({ deliverySeq, token }) => ({
      deliverySeq,
      token,
      outcome: { kind: 'succeeded' },
      durationMs: 1,
    })),
  )
}
