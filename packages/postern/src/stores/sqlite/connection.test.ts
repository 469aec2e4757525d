import { expect, test } from 'vitest'
import { Connection } from './connection.ts'
import type { Database } from './database.ts'

/** Counts what is prepared; runs nothing. */
function countingDatabase(): { readonly database: Database; readonly prepared: string[] } {
  const prepared: string[] = []
  const database: Database = {
    exec() {},
    close() {},
    prepare(sql) {
      prepared.push(sql)
      return {
        run: () => ({ changes: 0, lastInsertRowid: 0 }),
        get: () => undefined,
        all: () => [],
        setReturnArrays: () => undefined,
      }
    },
  }
  return { database, prepared }
}

test('an effect that is used again and again is prepared once', () => {
  const { database, prepared } = countingDatabase()
  const connection = new Connection(database)
  const first = connection.effect('INSERT INTO seen VALUES (?)')
  for (let turn = 0; turn < 1000; turn += 1) {
    expect(connection.effect('INSERT INTO seen VALUES (?)')).toBe(first)
    connection.effect(`INSERT INTO seen VALUES (${turn})`)
  }
  expect(prepared.filter((sql) => sql.includes('?'))).toHaveLength(1)
})

test('effects with values written into them do not stay', () => {
  const { database, prepared } = countingDatabase()
  const connection = new Connection(database)
  const texts = Array.from({ length: 1000 }, (_, index) => `INSERT INTO seen VALUES (${index})`)
  for (const text of texts) connection.effect(text)
  const before = prepared.length
  // Backwards: what is still there is found before it is let go.
  for (const text of texts.toReversed()) connection.effect(text)
  expect(prepared.length - before).toBe(1000 - 256)
})
