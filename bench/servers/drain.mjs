// Records events, then handles all of them: how long each takes. Each engine has 64 handlers at once that do nothing, and
// takes its work as its documentation says is fastest: others take 500 jobs in hand, ahead of their handlers. Postern takes
// up to four for each handler, where those are quick; `postern-500` runs 500 at once.
//
//   node drain.mjs <engine> <place> <count>
import { Queue, Worker } from 'bullmq'
import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import PgBoss from 'pg-boss'
import { createPostern } from 'postern'
import { vastai } from 'postern/providers'
import { anEvent } from '../an-event.mjs'
import { storeAt } from '../store-at.mjs'

const [engine, place, count] = process.argv.slice(2)
const CONCURRENCY = 64
const BATCH = 500
/** A store that is measured again has seen the ids of the time before. */
const RUN = Date.now().toString(36)
const body = Buffer.from(JSON.stringify({ type: 'resource.created', text: 'x'.repeat(640) }))
const ENGINES = {
  postern: () => drainPostern(CONCURRENCY),
  'postern-500': () => drainPostern(BATCH),
  bullmq: drainBullmq,
  graphile: drainGraphile,
  pgboss: drainPgBoss,
}

console.log(JSON.stringify(await ENGINES[engine]()))
process.exit(0)

async function drainPostern(concurrency) {
  const store = await storeAt(place)
  const counter = countTo(Number(count))
  const postern = createPostern({
    store,
    sources: { vastai: vastai({ secret: 'drain_secret_0123456789abcdef' }) },
    handlers: (on) => [on('vastai', '*', counter.add)],
    worker: { concurrency },
  })
  await postern.isReady()
  const recordMs = await timed(() =>
    inBatches((from) => store.put(batch((index) => anEvent(`${RUN}_${from + index}`, { body })))),
  )
  const drainMs = await timed(() => postern.drain())
  await postern.stop()
  return { recordMs, drainMs, handled: counter.count }
}

async function drainBullmq() {
  const { hostname: host, port, password } = new URL(place)
  const connection = { host, port: Number(port), password, maxRetriesPerRequest: null }
  const queue = new Queue('bench', { connection, defaultJobOptions: { removeOnComplete: true } })
  const data = { body: body.toString('base64') }
  const recordMs = await timed(() =>
    inBatches((from) =>
      queue.addBulk(batch((index) => ({ name: 'event', data, opts: { jobId: `${RUN}_${from + index}` } }))),
    ),
  )
  const counter = countTo(Number(count))
  const drainMs = await timed(async () => {
    const worker = new Worker('bench', async () => {}, { connection, concurrency: CONCURRENCY })
    worker.on('completed', counter.add)
    await counter.reached
    await worker.close()
  })
  await queue.close()
  return { recordMs, drainMs, handled: counter.count }
}

/** A queue in memory and completions in batches: https://worker.graphile.org/docs/performance */
async function drainGraphile() {
  const utils = await makeWorkerUtils({ connectionString: place })
  await utils.migrate()
  const payload = { body: body.toString('base64') }
  const recordMs = await timed(() =>
    inBatches((from) =>
      utils.addJobs(batch((index) => ({ identifier: 'event', payload, jobKey: `${RUN}_${from + index}` }))),
    ),
  )
  const counter = countTo(Number(count))
  const drainMs = await timed(async () => {
    const runner = await run({
      connectionString: place,
      taskList: { event: counter.add },
      logger: silent(),
      preset: {
        worker: {
          concurrentJobs: CONCURRENCY,
          localQueue: { size: BATCH },
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
        },
      },
    })
    await counter.reached
    await runner.stop()
  })
  await utils.release()
  return { recordMs, drainMs, handled: counter.count }
}

async function drainPgBoss() {
  const boss = new PgBoss({ connectionString: place, supervise: false, schedule: false })
  await boss.start()
  await boss.createQueue('bench')
  const data = { body: body.toString('base64') }
  const recordMs = await timed(() => inBatches(() => boss.insert(batch(() => ({ name: 'bench', data })))))
  let handled = 0
  const drainMs = await timed(() => Promise.all(Array.from({ length: 4 }, takeTurns)))
  await boss.stop({ graceful: false })
  return { recordMs, drainMs, handled }

  async function takeTurns() {
    for (;;) {
      const jobs = await boss.fetch('bench', { batchSize: BATCH })
      if (jobs.length === 0) return
      await boss.complete(
        'bench',
        jobs.map(({ id }) => id),
      )
      handled += jobs.length
    }
  }
}

function countTo(goal) {
  let reach
  const counter = { count: 0, reached: new Promise((resolve) => (reach = resolve)), add }
  function add() {
    counter.count += 1
    if (counter.count === goal) reach()
  }
  return counter
}

async function inBatches(record) {
  for (let from = 0; from < Number(count); from += BATCH) await record(from)
}

function batch(make) {
  return Array.from({ length: BATCH }, (_, index) => make(index))
}

async function timed(work) {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}

function silent() {
  return new Logger(() => () => {})
}
