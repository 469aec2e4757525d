// Tries the stores against the model of the Store contract, more often than a test suite may. Not part of `npm test`.
//
//   node scripts/proofs/model.mjs [--memory 75000] [--sqlite 25000] [--thread 0] [--postgres 1000] [--redis 1000]
//     [--killed-postgres 20] [--killed-redis 20] [--seed N]
//
// The servers are two nodes on one server of their own, whose crashes cut every connection; of the killed ones they end the
// server by SIGKILL and start it again.
//
// A failure prints its seed, path and replay path, and what was done. To repeat it, over one store:
//
//   node scripts/proofs/model.mjs --memory 0 --sqlite 1 --seed N --path 93:3:3 --replay mE/v:9P
import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const { values } = parseArgs({
  options: {
    memory: { type: 'string', default: '75000' },
    sqlite: { type: 'string', default: '25000' },
    thread: { type: 'string', default: '0' },
    postgres: { type: 'string', default: '1000' },
    redis: { type: 'string', default: '1000' },
    'killed-postgres': { type: 'string', default: '20' },
    'killed-redis': { type: 'string', default: '20' },
    path: { type: 'string' },
    replay: { type: 'string' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
  },
})
const outfile = `node_modules/.model-${process.pid}.tmp.mjs`
await build({
  entryPoints: ['test/model/proof.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
})
const {
  checkStore,
  memoryWorld,
  memory,
  PostgresWorlds,
  RedisWorlds,
  SqliteWorlds,
  startPostgres,
  startRedis,
  UNSYNCED,
} = await import(`../../${outfile}`)
rmSync(outfile)

const files = new SqliteWorlds()
await files.prepare()
const ends = [async () => files.dispose()]
const postgres = await onServer(['postgres', 'killed-postgres'], async () => {
  const server = await startPostgres(UNSYNCED.postgres)
  return { server, worlds: new PostgresWorlds(server) }
})
const redis = await onServer(['redis', 'killed-redis'], async () => {
  const server = await startRedis(UNSYNCED.redis)
  return { server, worlds: new RedisWorlds(server) }
})
const openers = {
  memory: () => memoryWorld(memory),
  sqlite: () => files.make('inline'),
  thread: () => files.make('thread', 'inline'),
  postgres: () => postgres.make(),
  redis: () => redis.make(),
  'killed-postgres': () => postgres.make({ killsServer: true }),
  'killed-redis': () => redis.make({ killsServer: true }),
}
console.log(`${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}, seed ${values.seed}`)
try {
  for (const [name, open] of Object.entries(openers)) await prove(name, open, Number(values[name]))
} finally {
  for (const end of ends.toReversed()) await end()
}

/** Starts a server where one of these is asked for. */
async function onServer(names, start) {
  if (names.every((name) => Number(values[name]) === 0)) return undefined
  const { server, worlds } = await start()
  ends.push(
    () => server.stop(),
    () => worlds.dispose(),
  )
  await worlds.prepare()
  return worlds
}

async function prove(name, open, runs) {
  if (runs === 0) return
  const startedMs = performance.now()
  const { steps } = await checkStore(open, {
    runs,
    seed: Number(values.seed),
    path: values.path,
    replayPath: values.replay,
  })
  const seconds = (performance.now() - startedMs) / 1000
  const each = ((seconds * 1000) / runs).toFixed(1)
  console.log(`${name}: ${runs} runs, ${steps} steps, ${seconds.toFixed(0)} s, ${each} ms a run: all allowed`)
}
