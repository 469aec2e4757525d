// Reads a store's file after everybody who wrote it is gone, and prints what it holds as one line of JSON. A process of
// its own: two libraries in one process do not see each other's locks, and a file stays open there for some time.
//
//   node inspect-store.mjs FILE
import { createRequire } from 'node:module'
import { sqlite } from 'postern/sqlite'
import { bodyOf } from './signed-connection.mjs'

const PAGE = 1000
const [file] = process.argv.slice(2)

const inbox = await readInbox()
process.stdout.write(JSON.stringify({ ...inbox, ...readTables() }))

/** Through the store, as an application would; the recovery after a crash is its own as well. */
async function readInbox() {
  const store = sqlite(file)
  const ids = []
  const altered = []
  const succeeded = []
  const dead = []
  for (let before; ;) {
    const page = await store.list({ of: 'events', limit: PAGE, ...(before !== undefined && { before }) })
    const details = await Promise.all(page.events.map(({ eventSeq }) => store.get(eventSeq)))
    for (const { event, deliveries } of details) {
      ids.push(event.id)
      if (deliveries.some(({ state }) => state === 'succeeded')) succeeded.push(event.id)
      if (deliveries.some(({ state }) => state === 'dead')) dead.push(event.id)
      if (Buffer.from(event.body).toString('latin1') !== bodyOf(event.id)) altered.push(event.id)
    }
    if (page.next === undefined) break
    before = page.next
  }
  await store.close()
  return { ids, altered, succeeded, dead }
}

function readTables() {
  const { DatabaseSync } = createRequire(import.meta.url)('@photostructure/sqlite')
  const database = new DatabaseSync(file)
  const effects = database.prepare('SELECT id, count(*) AS effects FROM effect GROUP BY id').all()
  const integrity = database.prepare('PRAGMA integrity_check').all()
  return {
    effects: effects.map((row) => [row.id, row.effects]),
    integrity: integrity.map((row) => row.integrity_check).join('; '),
  }
}
