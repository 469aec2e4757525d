import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { sqlite } from 'postern/sqlite'
import { chooseDriver } from '../../../packages/postern/dist/stores/sqlite/driver.js'

/** @param {string} file @returns {import('./index.mjs').Place} */
export function sqlitePlace(file) {
  return {
    open: async ({ driver, writer } = {}) => ({
      store: sqlite(file, { ...(driver && { driver }), ...(writer && { writer }) }),
      close: async () => {},
    }),
    prepare: async () => {
      if (!existsSync(file)) makeEffectTable(file)
    },
    effect: (id, attempt) => ({
      sql: 'INSERT INTO effect (id, attempt) VALUES (?, ?)',
      params: [id, attempt],
    }),
    readEffects: async () => {
      const rows = withDatabase(file, (database) =>
        database.prepare('SELECT id, count(*) AS effects FROM effect GROUP BY id').all(),
      )
      return rows.map((row) => [row.id, row.effects])
    },
    integrity: async () => {
      const rows = withDatabase(file, (database) => database.prepare('PRAGMA integrity_check').all())
      return rows.map((row) => row.integrity_check).join('; ')
    },
  }
}

/**
 * The table that handlers write their effects to. In a process that is never broken, and without a statement that would
 * keep the file open.
 * @param {string} file
 */
export function makeEffectTable(file) {
  withDatabase(file, (database) =>
    database.exec('CREATE TABLE effect (id TEXT NOT NULL, attempt INTEGER NOT NULL)'),
  )
}

/**
 * Beside the store, by the library that it uses: a second one in the process, as it closes the file, would let go of locks that
 * the first one has on it.
 */
function withDatabase(file, use) {
  const { DatabaseSync } = createRequire(import.meta.url)(chooseDriver())
  const database = new DatabaseSync(file)
  try {
    return use(database)
  } finally {
    database.close()
  }
}
