/**
 * The store for many nodes: the user's PostgreSQL.
 *
 * @module
 */
export type { PostgresClient, PostgresEffect, PostgresPool } from './client.ts'
export type { UserTransaction } from './user-transaction.ts'
export { SCHEMA_VERSION } from './opening.ts'
export { postgres, type PostgresOptions, type PostgresStore } from './postgres.ts'
