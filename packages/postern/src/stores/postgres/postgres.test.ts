import { Pool } from 'pg'
import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../../test/support/servers/database.ts'
import { leftOut } from '../../../../../test/support/servers/left-out.ts'
import { storeContract, type Clause, type StoreHarness } from '../../testing/index.ts'
import { postgres, type PostgresEffect, type PostgresStore } from './index.ts'

/** What a server cannot keep, and why. */
const SKIPPED: Partial<Record<Clause, string>> = {
  'claim/keep': 'a server does not see that a process whose event loop is blocked still runs',
}
/** Emptied after each case: making a schema takes longer than most of them. */
const TABLES = [
  'event',
  'finished',
  'attempt',
  'delivery',
  'further_delivery',
  'lane',
  'dedupe',
  'duplicate',
  'rejected',
  'state',
]

describe.skipIf(leftOut().includes('postgres'))('the Store contract over PostgreSQL', () => {
  let database: TestDatabase
  let pool: Pool

  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl') ?? '')
    // No listener for its errors, as users' pools have none.
    pool = new Pool({ connectionString: database.url, max: 10 })
    await pool.query('CREATE TABLE effect (seq serial, name text NOT NULL)')
  })

  afterAll(async () => {
    await pool?.end()
    await database?.drop()
  })

  for (const { clause, name, run } of storeContract) {
    const reason = SKIPPED[clause]
    test.skipIf(reason)(`${clause}: ${name}${reason ? ` (${reason})` : ''}`, async () => {
      const harness = postgresHarness(pool)
      await run(harness).finally(() => harness.dispose())
    })
  }
})

/** Effects write to a table beside the inbox's own. */
function postgresHarness(pool: Pool): StoreHarness {
  const opened: PostgresStore[] = []
  let offsetMs = 0
  const open = async (): Promise<PostgresStore> => {
    const store = postgres(pool, { offsetMs: () => offsetMs })
    opened.push(store)
    return store
  }
  return {
    open,
    reopen: open,
    advance: (ms) => void (offsetMs += ms),
    effect:
      (name): PostgresEffect =>
      async (client) =>
        void (await client.query('INSERT INTO effect (name) VALUES ($1)', [name])),
    failingEffect: (): PostgresEffect => async (client) =>
      void (await client.query('INSERT INTO effect (name) VALUES (NULL)')),
    effectsSeen: async () => {
      const { rows } = await pool.query<{ name: string }>('SELECT name FROM effect ORDER BY seq')
      return rows.map(({ name }) => name)
    },
    dispose: async () => {
      await Promise.all(opened.map((store) => store.close()))
      await pool.query(TABLES.map((table) => `DELETE FROM postern.${table}`).join(';'))
      await pool.query('DELETE FROM effect')
    },
  }
}
