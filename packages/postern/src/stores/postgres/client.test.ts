import { Pool, type Client, type PoolClient } from 'pg'
import { describe, expect, expectTypeOf, inject, test } from 'vitest'
import { createDatabase } from '../../../../../test/support/servers/database.ts'
import { leftOut } from '../../../../../test/support/servers/left-out.ts'
import { anEvent, claimOne, put, settle } from '../../testing/store-contract/fixtures.ts'
import { postgres, type PostgresClient, type PostgresPool, type PostgresStore } from './index.ts'

test('a pool and a client of the package pg are what the store asks for', () => {
  expectTypeOf<Pool>().toExtend<PostgresPool>()
  expectTypeOf<Client>().toExtend<PostgresClient>()
  expectTypeOf<PoolClient>().toExtend<Parameters<PostgresStore['settleIn']>[0]>()
})

describe.skipIf(leftOut().includes('postgres'))('clients that know no callbacks', () => {
  test('are heard by their promises, errors of the server included', async () => {
    const database = await createDatabase(inject('postgresUrl') ?? '')
    const pool = new Pool({ connectionString: database.url, max: 4 })
    const store = postgres(byPromises(pool))
    try {
      expect((await put(store, anEvent())).outcome).toBe('stored')
      expect(await settle(store, await claimOne(store))).toBe('settled')
      await pool.query('DROP SCHEMA postern CASCADE')
      await expect(put(store, anEvent({ id: 'evt_2' }))).rejects.toMatchObject({ code: 'store_unavailable' })
    } finally {
      await store.close()
      await pool.end()
      await database.drop()
    }
  })
})

function byPromises(pool: Pool): PostgresPool {
  return {
    connect: async () => {
      const client = await pool.connect()
      return {
        query: (text: string, values?: unknown[]) => client.query(text, values),
        release: (destroy) => client.release(destroy),
        on: client.on.bind(client),
        removeListener: client.removeListener.bind(client),
      }
    },
    query: (text, values) => pool.query(text, values),
    on: pool.on.bind(pool),
    removeListener: pool.removeListener.bind(pool),
  }
}
