// Handles whatever waits in the store at a place, so that the next measurement begins without a backlog.
//
//   node drain-rest.mjs <place>
import { createPostern } from 'postern'
import { vastai } from 'postern/providers'
import { storeAt } from './store-at.mjs'

const postern = createPostern({
  store: await storeAt(process.argv[2]),
  sources: { vastai: vastai({ secret: 'drain_secret_0123456789abcdef' }) },
  handlers: (on) => [on('vastai', '*', () => {})],
})
await postern.drain()
await postern.stop()
process.exit(0)
