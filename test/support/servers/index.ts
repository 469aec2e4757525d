// What scripts get by `for-scripts.mjs`.
export { createDatabase } from './database.ts'
export { startPgBouncer } from './pgbouncer.ts'
export { QUICK_RECOVERY, startPostgres } from './postgres.ts'
export { startProxy, throughPort } from './proxy.ts'
export { startRedis } from './redis.ts'
