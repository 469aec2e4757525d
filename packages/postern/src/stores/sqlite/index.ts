/**
 * The embedded store: one SQLite file.
 *
 * @module
 */
export type { SqliteEffect } from './operation.ts'
export { sqlite, type SqliteOptions, type SqliteStore } from './sqlite.ts'
