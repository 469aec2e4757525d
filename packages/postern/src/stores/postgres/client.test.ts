import type { Client, Pool, PoolClient } from 'pg'
import { expectTypeOf, test } from 'vitest'
import type { PostgresClient, PostgresPool, PostgresStore } from './index.ts'

test('a pool and a client of the package pg are what the store asks for', () => {
  expectTypeOf<Pool>().toExtend<PostgresPool>()
  expectTypeOf<Client>().toExtend<PostgresClient>()
  expectTypeOf<PoolClient>().toExtend<Parameters<PostgresStore['settleIn']>[0]>()
})
