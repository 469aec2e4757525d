import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { storeContract, type Clause, type StoreHarness } from '../../testing/index.ts'
import { chooseDriver } from './driver.ts'
import { loadDriver } from './database.ts'
import { sqlite, type SqliteEffect, type SqliteOptions, type SqliteStore } from './index.ts'

/** What a store inline cannot keep, and why. */
const SKIPPED: Readonly<Record<'thread' | 'inline', Partial<Record<Clause, string>>>> = {
  thread: {},
  inline: {
    'claim/keep': 'without a thread of its own nothing prolongs a lease while the event loop is blocked',
  },
}

for (const writer of ['thread', 'inline'] as const) {
  describe(`the Store contract over SQLite, writer: ${writer}`, () => {
    for (const { clause, name, run } of storeContract) {
      const reason = SKIPPED[writer][clause]
      test.skipIf(reason)(`${clause}: ${name}${reason ? ` (${reason})` : ''}`, async () => {
        const harness = sqliteHarness(writer)
        await run(harness).finally(() => harness.dispose())
      })
    }
  })
}

/** Effects write to a table of their own in the same file, and are read back on a connection of their own. */
function sqliteHarness(writer: NonNullable<SqliteOptions['writer']>): StoreHarness {
  const folder = mkdtempSync(join(tmpdir(), 'postern-sqlite-'))
  const path = join(folder, 'postern.db')
  const { DatabaseSync } = loadDriver(chooseDriver(), createRequire(import.meta.url))
  const database = new DatabaseSync(path)
  database.exec('CREATE TABLE effect (name TEXT NOT NULL)')
  const opened: SqliteStore[] = []
  let nowMs = 1_750_000_000_000
  const open = async (): Promise<SqliteStore> => {
    const store = sqlite(path, { writer, now: () => nowMs })
    opened.push(store)
    return store
  }
  return {
    open,
    reopen: open,
    advance: (ms) => void (nowMs += ms),
    effect: (name): SqliteEffect => ({ sql: 'INSERT INTO effect VALUES (?)', params: [name] }),
    failingEffect: (): SqliteEffect => ({ sql: 'INSERT INTO effect VALUES (NULL)' }),
    effectsSeen: async () =>
      (database.prepare('SELECT name FROM effect').all() as { name: string }[]).map(({ name }) => name),
    dispose: async () => {
      await Promise.all(opened.map((store) => store.close()))
      database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
