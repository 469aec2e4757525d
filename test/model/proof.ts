/** What `scripts/proofs/model.mjs` bundles. */
export { memory } from '../../packages/postern/src/stores/memory/index.ts'
export { checkStore } from './check-store.ts'
export { memoryWorld, SqliteWorlds } from './world.ts'
export { PostgresWorlds, RedisWorlds, UNSYNCED } from './server-worlds.ts'
export { startPostgres } from '../support/servers/postgres.ts'
export { startRedis } from '../support/servers/redis.ts'
