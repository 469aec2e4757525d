// Reads a store after everybody who wrote it is gone, and prints what it holds as one line of JSON. A process of its own:
// two SQLite libraries in one process do not see each other's locks, and a file stays open there for some time.
//
//   node inspect-store.mjs PLACE [whole | ids]
//
// `ids` looks at no more than a list shows: an altered body is one of another length.
import { placeAt } from './places/index.mjs'
import { bodyOf } from './signed-connection.mjs'

const PAGE = 1000
/** A call that waits for a connection for too long is given up. */
const AT_ONCE = 50
const [at, depth = 'whole'] = process.argv.slice(2)
const place = placeAt(at)
const READ = { whole: readWhole, ids: readIds }

const inbox = await readInbox()
const effects = await place.readEffects()
process.stdout.write(JSON.stringify({ ...inbox, effects, integrity: await place.integrity() }))

/** Through the store, as an application would; the recovery after a crash is its own as well. */
async function readInbox() {
  // Also what was run with settings that lose.
  const { store, close } = await place.open({ mayLose: true })
  const found = { ids: [], altered: [], succeeded: [], dead: [], open: [] }
  for (let before; ;) {
    const page = await store.list({ of: 'events', limit: PAGE, ...(before !== undefined && { before }) })
    await READ[depth](store, page.events, found)
    if (page.next === undefined) break
    before = page.next
  }
  await store.close()
  await close()
  return found
}

async function readWhole(store, events, found) {
  for (let first = 0; first < events.length; first += AT_ONCE) {
    const some = events.slice(first, first + AT_ONCE)
    const details = await Promise.all(some.map(({ eventSeq }) => store.get(eventSeq)))
    for (const detail of details) sort(detail, found)
  }
}

async function readIds(_, events, { ids, altered }) {
  for (const { id, bodyBytes } of events) {
    ids.push(id)
    if (bodyBytes !== bodyOf(id).length) altered.push(id)
  }
}

function sort({ event, deliveries }, { ids, altered, succeeded, dead, open }) {
  const isIn = (...states) => deliveries.some(({ state }) => states.includes(state))
  ids.push(event.id)
  if (isIn('succeeded')) succeeded.push(event.id)
  if (isIn('dead')) dead.push(event.id)
  if (isIn('pending', 'leased')) open.push(event.id)
  if (Buffer.from(event.body).toString('latin1') !== bodyOf(event.id)) altered.push(event.id)
}
