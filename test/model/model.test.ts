import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { memory } from '../../packages/postern/src/stores/memory/index.ts'
import type { sqlite } from '../../packages/postern/src/stores/sqlite/index.ts'
import { BROKEN_MEMORY, BROKEN_SQLITE, broken } from './broken.ts'
import { leftOut } from '../support/servers/left-out.ts'
import { checkStore } from './check-store.ts'
import { FrozenPostgresWorlds } from './frozen-postgres.ts'
import { memoryWorld, SqliteWorlds } from './world.ts'

/** What is tried always, so that a failure today is a failure tomorrow. */
const FIXED_SEED = 20_261_121
/** And what is tried this time only; a failure prints it. */
const FRESH_SEED = Math.floor(Math.random() * 2 ** 31)
const MEMORY_RUNS = 300
const SQLITE_RUNS = 100
/** Each call is a commit of its own on the disk. */
const POSTGRES_RUNS = 3

const folder = mkdtempSync(join(tmpdir(), 'postern-broken-'))
const files = new SqliteWorlds()
beforeAll(() => files.prepare())
afterAll(() => {
  files.dispose()
  rmSync(folder, { recursive: true, force: true })
})

describe.each([
  ['fixed', FIXED_SEED],
  ['fresh', FRESH_SEED],
])('whatever is done to a store, the model of the contract allows its answers: %s seed %i', (_, seed) => {
  test('memory', () => checkStore(() => memoryWorld(memory), { runs: MEMORY_RUNS / 2, seed }))
  test('SQLite, inline', () => checkStore(() => files.make('inline'), { runs: SQLITE_RUNS / 2, seed }))
  test('SQLite, a writer in a thread and another beside it, as in another process', () =>
    checkStore(() => files.make('thread', 'inline'), { runs: 8, seed }))
})

describe.skipIf(leftOut().includes('postgres'))(
  'whatever is done to one node on PostgreSQL, the model allows its answers',
  () => {
    const worlds = new FrozenPostgresWorlds(inject('postgresUrl') ?? '')
    beforeAll(() => worlds.prepare())
    afterAll(() => worlds.dispose())

    for (const [name, seed] of Object.entries({ fixed: FIXED_SEED, fresh: FRESH_SEED })) {
      test(`${name} seed ${seed}`, async () => {
        await checkStore(() => worlds.make(1), { runs: POSTGRES_RUNS, seed, maxSteps: 40 })
      }, 60_000)
    }
  },
)

describe('the model finds a memory store that', () => {
  test.each(BROKEN_MEMORY)('$name', async (change) => {
    const entry = 'stores/memory/index.ts'
    const module = await broken<{ readonly memory: typeof memory }>(folder, entry, change, change)
    const checked = checkStore(() => memoryWorld(module.memory), {
      runs: MEMORY_RUNS,
      seed: FIXED_SEED,
      shrinks: false,
    })
    await expect(checked).rejects.toThrow('Property failed')
  })
})

describe('the model finds a SQLite store that', () => {
  test.each(BROKEN_SQLITE)('$name', async (change) => {
    const entry = 'stores/sqlite/index.ts'
    const module = await broken<{ readonly sqlite: typeof sqlite }>(folder, entry, change, change)
    const worlds = new SqliteWorlds(module.sqlite)
    try {
      await worlds.prepare()
      const bounds = { runs: SQLITE_RUNS, seed: FIXED_SEED, shrinks: false }
      await expect(checkStore(() => worlds.make('inline'), bounds)).rejects.toThrow('Property failed')
    } finally {
      worlds.dispose()
    }
  })
})
