// A worker in a process of its own whose handler can hold up its event loop. It tells of every run over IPC.
//
//   node blocking-worker.mjs '{"file":"…","leaseMs":300,"handlerTimeoutMs":2000,"blockMs":900}'
//
// The channel is written to at once, before the handler blocks: `{ kind: 'began' | 'ended', pid, attempt, ns }`.
import { createPostern } from 'postern'
import { vastai } from 'postern/providers'
import { sqlite } from 'postern/sqlite'

const { file, leaseMs, handlerTimeoutMs, blockMs } = JSON.parse(process.argv[2])

async function handle(_event, { attempt }) {
  await tell('began', attempt)
  block(blockMs)
  await tell('ended', attempt)
}

function tell(kind, attempt) {
  const message = { kind, pid: process.pid, attempt, ns: `${process.hrtime.bigint()}` }
  return new Promise((resolve) => process.send(message, resolve))
}

/** No timer, no answer of the store and no heartbeat of the worker comes through meanwhile. */
function block(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

const postern = createPostern({
  store: sqlite(file),
  sources: { vastai: vastai({ secret: 'a secret of more than sixteen bytes' }) },
  handlers: (on) => [on('vastai', '*', handle)],
  worker: { leaseMs, handlerTimeoutMs },
  retry: { attempts: 5, baseMs: 0 },
  observe: (occurrence) => {
    if (occurrence.kind === 'attempted')
      process.send({ kind: 'settled', pid: process.pid, outcome: occurrence.outcome })
  },
  log: { debug() {}, info() {}, warn() {}, error() {} },
})

process.on('disconnect', () => process.exit())
process.on('message', async () => {
  await postern.stop()
  process.disconnect()
})
await postern.start()
process.send({ kind: 'ready' })
