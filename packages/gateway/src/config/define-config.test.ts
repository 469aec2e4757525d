import { vastai } from 'postern/providers'
import type { PostgresEffect, UserTransaction } from 'postern/postgres'
import { expect, expectTypeOf, test } from 'vitest'
import { defineConfig } from './define-config.ts'

const sources = { vastai: vastai({ secret: 'a-secret-of-16-bytes-or-more' }) }

test('answers what it was given', () => {
  const config = { sources }
  expect(defineConfig(config)).toBe(config)
})

test('types handlers by the sources and, by default, their effects for SQLite', () => {
  defineConfig({
    sources,
    handlers: (on) => [
      on('vastai', 'outbid', (event, { tx }) => {
        expectTypeOf(event.type).toEqualTypeOf<'outbid'>()
        tx({ sql: 'INSERT INTO seen VALUES (?)', params: [event.id] })
      }),
      // @ts-expect-error -- no such source
      on('castai', '*', () => {}),
    ],
  })
})

test('takes another store’s effects by their type', () => {
  defineConfig<typeof sources, PostgresEffect>({
    sources,
    handlers: (on) => [
      on('vastai', '*', (event, { tx }) => {
        tx(async (client) => void (await client.query('INSERT INTO seen VALUES ($1)', [event.id])))
        // @ts-expect-error -- what SQLite takes
        tx({ sql: 'INSERT INTO seen VALUES (?)', params: [event.id] })
      }),
    ],
  })
})

test('takes the transactions that another store settles in by their type', () => {
  defineConfig<typeof sources, PostgresEffect, UserTransaction>({
    sources,
    handlers: (on) => [
      on('vastai', '*', (_event, { settleIn }) => {
        expectTypeOf(settleIn).parameter(0).toEqualTypeOf<UserTransaction>()
      }),
    ],
  })
  defineConfig({
    sources,
    // @ts-expect-error -- SQLite settles in no transaction of its user's
    handlers: (on) => [on('vastai', '*', (_event, { settleIn }) => settleIn)],
  })
})
