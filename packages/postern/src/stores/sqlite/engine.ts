import { claim } from './claim.ts'
import { Connection } from './connection.ts'
import { loadDriver } from './database.ts'
import { isInfrastructure } from './failure.ts'
import type { Operation, OperationResult, ResultOf, Verb } from './operation.ts'
import { put } from './put.ts'
import { extend, move, prune, record, remember, replay, settle } from './writes.ts'
import { MIGRATIONS } from './schema.ts'

/** How an engine opens its file. All of it crosses a thread boundary, so it is plain data. */
export interface EngineOptions {
  readonly path: string
  /** What `chooseDriver` answered. */
  readonly driver: string
  readonly role: 'writer' | 'reader'
  /** Pages of WAL after which a commit checkpoints by itself. */
  readonly autoCheckpointPages: number
}

/**
 * Page cache in KiB: the writer's hot pages are the right-hand edges of a few trees, and the open generation of dedupe keys,
 * which has up to 1,600 pages of 4 KiB and is written all through; lists are rare.
 */
const CACHE_KIB = { writer: 8192, reader: 1024 } as const

/**
 * The embedded store's writer: carries out the operations of one commit. Synchronous, for a thread of its own; the
 * same code runs inline.
 */
export class Engine {
  readonly #options: EngineOptions
  readonly #require: (id: string) => unknown
  #connection: Connection | undefined
  /** How long the newest COMMIT took: the fsync, and the WAL's pages before it. */
  lastFsyncMs = 0

  constructor(options: EngineOptions, require: (id: string) => unknown) {
    this.#options = options
    this.#require = require
    this.#connection = this.#open()
  }

  /**
   * Carries out all operations in one transaction with one fsync. Where one of them fails, each is tried again in a
   * transaction of its own, so that it fails alone. Throws where the file or disk fails: then nothing is known.
   */
  commit(operations: readonly Operation[]): OperationResult[] {
    const [only] = operations
    if (operations.length === 1 && only?.verb === 'checkpoint') return [this.#checkpoint()]
    try {
      return this.#inTransaction(operations)
    } catch (error) {
      if (isInfrastructure(error)) throw this.#broken(error)
    }
    return operations.map((operation) => this.#alone(operation))
  }

  /** A connection to read from. */
  get connection(): Connection {
    return (this.#connection ??= this.#open())
  }

  close(): void {
    this.#connection?.database.close()
    this.#connection = undefined
  }

  #alone(operation: Operation): OperationResult {
    try {
      const [result] = this.#inTransaction([operation])
      return result ?? { ok: false, error: 'no result' }
    } catch (error) {
      if (isInfrastructure(error)) throw this.#broken(error)
      return { ok: false, error: error instanceof Error ? error.message : String(error) }
    }
  }

  #inTransaction(operations: readonly Operation[]): OperationResult[] {
    const { connection } = this
    connection.sql('BEGIN IMMEDIATE').run()
    try {
      connection.newRows.begin()
      connection.dedupe.begin()
      const results = operations.map((operation): OperationResult => ({
        ok: true,
        value: run(connection, operation),
      }))
      connection.newRows.write()
      connection.dedupe.mergeSome()
      const startedMs = performance.now()
      connection.sql('COMMIT').run()
      this.lastFsyncMs = performance.now() - startedMs
      connection.dedupe.committed()
      return results
    } catch (error) {
      // First of all: the next statement would write what waits, outside of any transaction.
      connection.newRows.rolledBack()
      rollBack(connection)
      connection.dedupe.rolledBack()
      throw error
    }
  }

  /** Takes over what a checkpoint outside could not finish, so that the WAL starts from its beginning again. */
  #checkpoint(): OperationResult {
    this.connection.sql('PRAGMA wal_checkpoint(RESTART)').get()
    return { ok: true, value: undefined }
  }

  /**
   * After a failed fsync the page cache says one thing and the disk another, and what a retry would prove is nothing.
   * The next commit opens the file anew and reads what is really there.
   */
  #broken(error: unknown): unknown {
    try {
      this.close()
    } catch {
      this.#connection = undefined
    }
    return error
  }

  #open(): Connection {
    const { path, driver, role, autoCheckpointPages } = this.#options
    const { DatabaseSync } = loadDriver(driver, this.#require)
    const connection = new Connection(new DatabaseSync(path))
    const { database } = connection
    // Shorter than the 2.5 s after which senders get their answer.
    database.exec('PRAGMA busy_timeout = 1000')
    database.exec('PRAGMA journal_mode = WAL')
    database.exec('PRAGMA synchronous = FULL')
    database.exec(`PRAGMA wal_autocheckpoint = ${autoCheckpointPages}`)
    database.exec(`PRAGMA cache_size = -${CACHE_KIB[role]}`)
    if (role === 'writer') migrate(connection)
    assertDurable(connection)
    return connection
  }
}

const RUN: { readonly [V in Verb]: (connection: Connection, operation: never) => ResultOf[V] } = {
  put,
  claim,
  settle,
  extend,
  move,
  replay,
  prune,
  record,
  remember,
  checkpoint: () => undefined,
}

function run(connection: Connection, operation: Operation): ResultOf[Verb] {
  // The table pairs each verb with the function for it; the compiler cannot follow a union through the look-up.
  return RUN[operation.verb](connection, operation as never)
}

function rollBack(connection: Connection): void {
  try {
    connection.database.exec('ROLLBACK')
  } catch {
    // SQLite has rolled back by itself, as it does on a full disk.
  }
}

function migrate(connection: Connection): void {
  const { database } = connection
  database.exec('BEGIN IMMEDIATE')
  // One row with this one column, as the pragma is documented.
  const { user_version: done } = database.prepare('PRAGMA user_version').get() as { user_version: number }
  if (done > MIGRATIONS.length) {
    database.exec('ROLLBACK')
    throw new Error(
      `the file was made by a newer version (schema ${done}; this version knows ${MIGRATIONS.length}): update postern, or use another file`,
    )
  }
  for (const migration of MIGRATIONS.slice(done)) database.exec(migration)
  // A write even where nothing is migrated: what is asserted next counts from the first write on.
  database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`)
  database.exec('COMMIT')
}

/** Some builds fall back to NORMAL after the first write, when an assertion made earlier has already passed. */
function assertDurable(connection: Connection): void {
  const { database } = connection
  // One row each with this one column, as the pragmas are documented.
  const { synchronous } = database.prepare('PRAGMA synchronous').get() as { synchronous: number }
  const { journal_mode: mode } = database.prepare('PRAGMA journal_mode').get() as { journal_mode: string }
  if (synchronous !== 2 || mode !== 'wal') {
    throw new Error(
      `SQLite runs with synchronous=${synchronous} and journal_mode=${mode}; 2 (FULL) and wal are needed, or acknowledged events could be lost`,
    )
  }
}
