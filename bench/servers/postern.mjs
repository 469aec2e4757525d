// Postern over the store at a place. `stopped`: nothing is handled; `drained`: everything, by a handler that does nothing. Then how
// many schemes the source has, and how many named handlers each event goes to.
import { createServer } from 'node:http'
import { createPostern, custom } from 'postern'
import { vastai } from 'postern/providers'
import { storeAt } from '../store-at.mjs'
import { report } from './report.mjs'

const [place, secret, worker, schemes = '2', destinations = '1'] = process.argv.slice(2)
const store = await storeAt(place)
let handled = 0
const handle = () => void (handled += 1)
const postern = createPostern({
  store,
  sources: { vastai: schemes === '1' ? oneScheme() : vastai({ secret }) },
  handlers: (on) =>
    Array.from({ length: Number(destinations) }, (_, index) =>
      on('vastai', '*', handle, index === 0 ? {} : { name: `named-${index}` }),
    ),
})
if (worker === 'drained') await postern.start()
const server = createServer(postern.node)
const backlog = async () => {
  const { destinations: all } = await store.stat()
  return all.reduce((sum, { pending, leased }) => sum + pending + leased, 0)
}
server.listen(0, '127.0.0.1', () => report({ port: server.address().port, backlog, handled: () => handled }))

/** The second scheme of the source alone, with the envelope that goes with it. */
function oneScheme() {
  const { provider } = vastai()
  return custom({ secret, scheme: provider.schemes[1], envelope: provider.envelopes[1] })
}
