// Postern with SQLite FULL: the worker stopped, or draining everything through a handler that does nothing.
import { createServer } from 'node:http'
import { createPostern } from 'postern'
import { vastai } from 'postern/providers'
import { sqlite } from 'postern/sqlite'
import { report } from './report.mjs'

const [folder, secret, worker] = process.argv.slice(2)
const store = sqlite(`${folder}/postern.db`)
let handled = 0
const postern = createPostern({
  store,
  sources: { vastai: vastai({ secret }) },
  handlers: (on) => [on('vastai', '*', () => void (handled += 1))],
})
if (worker === 'drained') await postern.start()
const server = createServer(postern.node)
const backlog = async () => {
  const { destinations } = await store.stat()
  return destinations.reduce((sum, { pending, leased }) => sum + pending + leased, 0)
}
server.listen(0, '127.0.0.1', () => report({ port: server.address().port, backlog, handled: () => handled }))
