/**
 * The stores under test, each with a clock, effects and a way to crash.
 *
 * @module
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { memory } from '../../packages/postern/src/stores/memory/index.ts'
import { loadDriver, type Database } from '../../packages/postern/src/stores/sqlite/database.ts'
import { chooseDriver } from '../../packages/postern/src/stores/sqlite/driver.ts'
import {
  sqlite as soundSqlite,
  type sqlite,
  type SqliteOptions,
  type SqliteStore,
} from '../../packages/postern/src/stores/sqlite/index.ts'
import type { ContractStore } from '../../packages/postern/src/testing/index.ts'
import type { Effect } from './effect.ts'

export const START_MS = 1_750_000_000_000

/** A store, and what lies outside it. */
export interface World {
  /**
   * Whether calls made at once are carried out one after another, or side by side: then numbers need not rise in one order,
   * and a claim may pass by what another call holds.
   */
  readonly writers: 'one' | 'many'
  /** The store as one of two workers has it open. */
  store(worker: number): ContractStore
  advance(ms: number): void
  /** The store's own kind of effect. */
  effectOf(effect: Effect): unknown
  /** The names of the effects that are there for good, in their order. */
  effectsSeen(): Promise<readonly string[]>
  /** Whether what a failed settlement's effects did is undone. */
  readonly undoes: boolean
  /** Ends the store and opens it again: `stop` in good order, `kill` with what was on the disk at that moment. */
  crash(how: 'stop' | 'kill'): Promise<void>
  dispose(): Promise<void>
}

/** The memory store; a crash is nothing, since nothing would be left. */
export function memoryWorld(open: typeof memory): World {
  const seen: string[] = []
  let nowMs = START_MS
  const store = open({ now: () => nowMs })
  return {
    writers: 'one',
    // Its effects are functions; the commands make them by `effectOf` only.
    store: () => store as ContractStore,
    advance: (ms) => void (nowMs += ms),
    effectOf:
      ({ name, fails }) =>
      () => {
        if (fails) throw new Error(`the effect ${name} fails`)
        seen.push(name)
      },
    effectsSeen: async () => seen,
    undoes: false,
    crash: async () => {},
    dispose: () => store.close(),
  }
}

/** Files in memory where the system has such a folder: what is asked here is not whether the disk holds its promise. */
const FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** Opens stores over SQLite files; made once, so that not each run makes its tables. */
export class SqliteWorlds {
  readonly #folder = mkdtempSync(join(FOLDER, 'postern-model-'))
  readonly #driver = loadDriver(chooseDriver(), createRequire(import.meta.url))
  readonly #open: typeof sqlite
  #count = 0

  constructor(open: typeof sqlite = soundSqlite) {
    this.#open = open
  }

  /** Makes the empty file that each run starts with a copy of. */
  async prepare(): Promise<void> {
    const database = this.#connect(this.#template)
    database.exec('CREATE TABLE effect (seq INTEGER PRIMARY KEY, name TEXT NOT NULL)')
    database.close()
    const store = this.#open(this.#template, { writer: 'inline' })
    await store.stat()
    await store.close()
  }

  /** With two writers, the workers have engines of their own on one file, as two processes have. */
  make(...writers: readonly NonNullable<SqliteOptions['writer']>[]): World {
    const folder = join(this.#folder, String((this.#count += 1)))
    mkdirSync(folder)
    let path = copyOf(this.#template, join(folder, '0.db'))
    let nowMs = START_MS
    const open = (): SqliteStore[] => writers.map((writer) => this.#open(path, { writer, now: () => nowMs }))
    let stores = open()
    let database: Database | undefined
    const close = async (all: readonly SqliteStore[]): Promise<void> => {
      for (const store of all) await store.close()
      database?.close()
      database = undefined
    }
    return {
      writers: 'one',
      store: (worker) => stores[worker % stores.length] as ContractStore,
      advance: (ms) => void (nowMs += ms),
      effectOf: ({ name, fails }) => ({
        sql: 'INSERT INTO effect (name) VALUES (?)',
        params: [fails ? null : name],
      }),
      effectsSeen: async () => {
        database ??= this.#connect(path)
        const rows = database.prepare('SELECT name FROM effect ORDER BY seq').all() as { name: string }[]
        return rows.map(({ name }) => name)
      },
      undoes: true,
      crash: async (how) => {
        const before = path
        if (how === 'kill') path = copyOf(path, join(folder, `${(this.#count += 1)}.db`))
        await close(stores)
        if (how === 'kill') rmSync(before)
        stores = open()
      },
      dispose: async () => {
        await close(stores)
        rmSync(folder, { recursive: true, force: true })
      },
    }
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get #template(): string {
    return join(this.#folder, 'template.db')
  }

  #connect(path: string): Database {
    return new this.#driver.DatabaseSync(path)
  }
}

/** The file and its log as they are at this moment, which is what a process that is killed leaves. */
function copyOf(path: string, copy: string): string {
  copyFileSync(path, copy)
  if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`)
  return copy
}
