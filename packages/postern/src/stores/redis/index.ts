export type { RedisClient } from './client.ts'
export { redis, type RedisOptions, type RedisStore } from './redis.ts'
export type { RedisEffect } from './settle-operation.ts'
