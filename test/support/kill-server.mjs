// A server to be killed: node:http, the inbox, SQLite, one handler. Started by `kill-harness.ts` with an IPC channel.
//
//   node kill-server.mjs FOLDER SECRET [sound | early-ack | silent]
//
// `early-ack` answers before the commit: the fault that the harness must find. `silent` commits and never answers: a
// death between commit and answer, made certain.
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { createPostern } from 'postern'
import { vastai } from 'postern/providers'
import { sqlite } from 'postern/sqlite'

const [folder, secret, mode = 'sound'] = process.argv.slice(2)
const real = sqlite(join(folder, 'postern.db'))

const puts = {
  sound: (events) => real.put(events),
  'early-ack': async (events) => {
    setTimeout(() => void real.put(events), 50)
    return events.map(() => ({ outcome: 'stored', eventSeq: 0 }))
  },
  silent: async (events) => {
    await real.put(events)
    process.send({ kind: 'committed', ids: events.map(({ id }) => id) })
    return new Promise(() => {})
  },
}
const store = new Proxy(real, {
  get(target, name) {
    if (name === 'put') return puts[mode]
    const value = Reflect.get(target, name)
    return typeof value === 'function' ? value.bind(target) : value
  },
})

// The page cache outlives the process, so this needs no fsync to be believed after a kill.
const handled = (event) => appendFileSync(join(folder, 'handled.log'), `${event.id}\n`)

const postern = createPostern({
  store,
  sources: { vastai: vastai({ secret }) },
  handlers: (on) => [on('vastai', '*', handled)],
  worker: { leaseMs: 500 },
})
const server = createServer((request, response) => void postern.node(request, response))
server.listen(0, '127.0.0.1', () => void begin())
process.on('message', () => void finish())

async function begin() {
  await postern.start()
  process.send({ kind: 'ready', port: server.address().port })
}

/** Leases of a process that was killed have to run out first; the worker looks for that by itself. */
async function isDone() {
  const { destinations } = await real.stat()
  return destinations.every(({ pending, leased }) => pending + leased === 0)
}

async function finish() {
  while (!(await isDone())) await new Promise((resolve) => setTimeout(resolve, 20))
  await postern.stop()
  server.close()
  server.closeAllConnections()
  process.disconnect()
}
