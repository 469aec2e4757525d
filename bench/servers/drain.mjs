// Records events, then handles all of them: how long each takes. `postern` over SQLite FULL, or `bullmq` over a Redis that
// syncs each write as well. Both have 64 handlers at once that do nothing.
import { Queue, Worker } from 'bullmq'
import { createPostern } from 'postern'
import { vastai } from 'postern/providers'
import { sqlite } from 'postern/sqlite'

const [engine, folder, port, count] = process.argv.slice(2)
const CONCURRENCY = 64
const BATCH = 500
const body = Buffer.from(JSON.stringify({ type: 'resource.created', text: 'x'.repeat(640) }))

const result = engine === 'postern' ? await drainPostern() : await drainBullmq()
console.log(JSON.stringify(result))
process.exit(0)

async function drainPostern() {
  const store = sqlite(`${folder}/postern.db`)
  let handled = 0
  const postern = createPostern({
    store,
    sources: { vastai: vastai({ secret: 'drain_secret_0123456789abcdef' }) },
    handlers: (on) => [on('vastai', '*', () => void (handled += 1))],
    worker: { concurrency: CONCURRENCY },
  })
  const recordMs = await timed(async () => {
    for (let from = 0; from < Number(count); from += BATCH) {
      await store.put(Array.from({ length: BATCH }, (_, index) => event(`evt_${from + index}`)))
    }
  })
  const drainMs = await timed(() => postern.drain())
  await postern.stop()
  return { recordMs, drainMs, handled }
}

async function drainBullmq() {
  const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null }
  const queue = new Queue('bench', { connection, defaultJobOptions: { removeOnComplete: true } })
  const recordMs = await timed(async () => {
    for (let from = 0; from < Number(count); from += BATCH) {
      const data = { body: body.toString('base64') }
      await queue.addBulk(
        Array.from({ length: BATCH }, (_, index) => ({
          name: 'event',
          data,
          opts: { jobId: `evt_${from + index}` },
        })),
      )
    }
  })
  let handled = 0
  const drainMs = await timed(async () => {
    const worker = new Worker('bench', async () => {}, { connection, concurrency: CONCURRENCY })
    await new Promise((resolve) =>
      worker.on('completed', () => {
        handled += 1
        if (handled === Number(count)) resolve()
      }),
    )
    await worker.close()
  })
  await queue.close()
  return { recordMs, drainMs, handled }
}

async function timed(work) {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}

function event(id) {
  return {
    tenant: '',
    source: 'vastai',
    id,
    idKind: 'signed',
    type: 'resource.created',
    createdMs: undefined,
    orderingKey: undefined,
    onDead: undefined,
    verifiedBy: 'bench',
    body,
    headers: [],
    dedupeWindowMs: 7 * 86_400_000,
    onConflict: 'hold',
    destinations: ['handlers'],
  }
}
