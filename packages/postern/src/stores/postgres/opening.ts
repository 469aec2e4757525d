import { inspect, refusalOf, schemaVersion } from './inspect.ts'
import { MIGRATIONS } from './migrations/index.ts'
import type { Server, Transaction } from './server.ts'

/** Making tables takes locks that long readers hold. */
const MIGRATION_LOCK_TIMEOUT_MS = 10_000

/** What `inspect` says of tables that are up to date. An older one's are, once any verb but that is called. */
export const SCHEMA_VERSION: number = MIGRATIONS.length

export interface OpeningSettings {
  readonly schema: string
  readonly mayLoseAcknowledgedEvents: boolean
}

/** Refuses a server that acknowledges what it may lose; then brings the tables up to date. */
export async function openServer(server: Server, settings: OpeningSettings): Promise<void> {
  const version = await server.transaction(
    async (tx) => {
      const inspection = await inspect(tx, { ...settings, offsetMs: 0 })
      const refusal = refusalOf(inspection)
      if (refusal !== undefined) throw refusal
      return inspection.schemaVersion
    },
    { isReadOnly: true },
  )
  await server.learnDefaults()
  if ((version ?? 0) >= SCHEMA_VERSION) return
  await server.transaction((tx) => migrate(tx, settings.schema), {
    lockTimeoutMs: MIGRATION_LOCK_TIMEOUT_MS,
    mayTakeLong: true,
  })
}

/**
 * Makes the schema and applies what is new, all of it or nothing, one opener at a time. The lock ends with the transaction:
 * one of the session would not pass a pooler in transaction mode.
 */
async function migrate(tx: Transaction, schema: string): Promise<void> {
  // IF NOT EXISTS alone lets two that open at once fail with a broken unique key of the catalogue.
  await tx.rows(`SELECT pg_advisory_xact_lock(hashtextextended('postern migrate ${schema}', 0))`)
  await tx.rows(`CREATE SCHEMA IF NOT EXISTS ${schema}`)
  await tx.rows(
    `CREATE TABLE IF NOT EXISTS ${schema}.migration (number integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())`,
  )
  const applied = await schemaVersion(tx, schema)
  for (const [index, migration] of MIGRATIONS.entries()) {
    if (index < applied) continue
    await tx.client.query(migration(schema))
    await tx.rows(`INSERT INTO ${schema}.migration (number) VALUES ($1)`, [index + 1])
  }
}
