// How many single calls a job queue takes when many callers wait for theirs: what a handler of webhooks would do without
// Postern. Prints one line of JSON.
//
//   node queue-calls.mjs <engine> <url> <callers> <seconds>
import { randomBytes } from 'node:crypto'
import { makeWorkerUtils } from 'graphile-worker'
import PgBoss from 'pg-boss'

const [engine, url, callers, seconds] = process.argv.slice(2)
const CONNECTIONS = 10
const data = { body: Buffer.alloc(640, 'x').toString('base64') }

const call = await { pgboss, graphile }[engine]()
let calls = 0
await Promise.all(Array.from({ length: 8 }, call))
const startedMs = performance.now()
const endMs = startedMs + Number(seconds) * 1000
await Promise.all(Array.from({ length: Number(callers) }, repeat))
console.log(JSON.stringify({ perSecond: Math.round((calls / (performance.now() - startedMs)) * 1000) }))
process.exit(0)

async function repeat() {
  while (performance.now() < endMs) {
    await call()
    calls += 1
  }
}

async function pgboss() {
  const boss = new PgBoss({ connectionString: url, max: CONNECTIONS, supervise: false, schedule: false })
  await boss.start()
  await boss.createQueue('bench')
  return () => boss.send('bench', data)
}

/** With the event's id, so that it too has each once. */
async function graphile() {
  const utils = await makeWorkerUtils({ connectionString: url, maxPoolSize: CONNECTIONS })
  await utils.migrate()
  return () => utils.addJob('event', data, { jobKey: randomBytes(12).toString('hex') })
}
