import { Pool } from 'pg'
import { describe, expect, inject, test } from 'vitest'
import { createDatabase } from '../../../../../test/support/servers/database.ts'
import { leftOut } from '../../../../../test/support/servers/left-out.ts'
import { Vacuum } from './vacuum.ts'

describe.skipIf(leftOut().includes('postgres'))('the places of deliveries that have ended', () => {
  test('are cleared at the start, for what the last process left, and then once so many have', async () => {
    const database = await createDatabase(inject('postgresUrl') ?? '')
    const pool = new Pool({ connectionString: database.url, max: 1 })
    const ending = `INSERT INTO inbox.delivery SELECT generate_series(1, 1000); DELETE FROM inbox.delivery`
    try {
      await pool.query(
        `CREATE SCHEMA inbox; CREATE TABLE inbox.delivery (seq bigint) WITH (autovacuum_enabled = off); ${ending}`,
      )
      const pages = async (): Promise<number> => {
        const { rows } = await pool.query<{ relallvisible: number }>(
          `SELECT relallvisible FROM pg_class WHERE oid = 'inbox.delivery'::regclass`,
        )
        return rows[0]!.relallvisible
      }
      const vacuum = new Vacuum(pool, 'inbox', 1000)
      expect(await pages()).toBe(0)
      vacuum.ended(1)
      await vacuum.idle()
      const cleared = await pages()
      expect(cleared).toBeGreaterThan(0)
      // More than fit where the first were.
      await pool.query(`${ending}; ${ending}`)
      await pool.query(
        'INSERT INTO inbox.delivery SELECT generate_series(1, 3000); DELETE FROM inbox.delivery',
      )
      vacuum.ended(999)
      await vacuum.idle()
      expect(await pages()).toBe(cleared)
      vacuum.ended(1)
      vacuum.ended(1)
      await vacuum.idle()
      expect(await pages()).toBeGreaterThan(cleared)
    } finally {
      await pool.end()
      await database.drop()
    }
  })

  test('are left to autovacuum where the server is out of reach', async () => {
    const pool = new Pool({ host: '127.0.0.1', port: 1 })
    const vacuum = new Vacuum(pool, 'inbox', 1)
    vacuum.ended(1)
    await vacuum.idle()
    await pool.end()
  })
})
