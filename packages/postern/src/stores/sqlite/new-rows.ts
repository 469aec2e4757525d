import { batchSizes } from './batches.ts'
import type { Database, SqliteValue, Statement } from './database.ts'

/** Rows that one statement writes at most; more are no faster. */
const MOST_ROWS = 8

/**
 * New rows of a transaction, several written by one statement: an event and its delivery cost 7.5 µs so, and 10.2 with a
 * statement each. They wait until something else of the transaction is to be read or written (`Connection.sql`), and know
 * their numbers before.
 */
export class NewRows {
  readonly #lastSeqs: Statement
  readonly #events: Table
  readonly #deliveries: Table

  constructor(database: Database) {
    // Kept by AUTOINCREMENT, also where it is given the numbers.
    this.#lastSeqs = database.prepare(
      `SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'event') AS event,
              (SELECT seq FROM sqlite_sequence WHERE name = 'delivery') AS delivery`,
    )
    this.#events = new Table(database, 'event', EVENT_COLUMNS)
    this.#deliveries = new Table(database, 'delivery', DELIVERY_COLUMNS)
  }

  /** At the start of a transaction: learns which numbers are taken. */
  begin(): void {
    // Null where nothing was ever written.
    const { event, delivery } = this.#lastSeqs.get() as { event: number | null; delivery: number | null }
    this.#events.begin(event ?? 0)
    this.#deliveries.begin(delivery ?? 0)
  }

  /** Answers the event's number. */
  addEvent(values: readonly SqliteValue[]): number {
    return this.#events.add(values)
  }

  /** Answers the delivery's number. */
  addDelivery(values: readonly SqliteValue[]): number {
    return this.#deliveries.add(values)
  }

  /** Writes what waits. */
  write(): void {
    this.#events.write()
    this.#deliveries.write()
  }
}

/**
 * Columns in the order of their values. `coalesce`: Node 22's SQLite binds an array without bytes as NULL. `CAST`: headers
 * may come as bytes, which become text as they are.
 */
const EVENT_COLUMNS: Columns = {
  dedupe_key: '?',
  guard_key: '?',
  digest: '?',
  expires_ms: '?',
  tenant: '?',
  source: '?',
  id: '?',
  type: '?',
  created_ms: '?',
  received_ms: '?',
  ordering_key: '?',
  verified_by: '?',
  conflicts_with: '?',
  on_dead: '?',
  headers: 'CAST(? AS TEXT)',
  body: `coalesce(?, x'')`,
}

const DELIVERY_COLUMNS: Columns = {
  event_seq: '?',
  destination: '?',
  state: '?',
  made_ms: '?',
  due_ms: '?',
  lease_until_ms: '?',
  token: '?',
  attempt: '?',
  lane: '?',
  open_lane: '?',
}

/** How each column's value is bound. */
type Columns = Readonly<Record<string, string>>

class Table {
  readonly #database: Database
  readonly #name: string
  readonly #columns: Columns
  /** By how many rows they write. */
  readonly #statements = new Map<number, Statement>()
  #lastSeq = 0
  #waiting: SqliteValue[] = []
  #rows = 0

  constructor(database: Database, name: string, columns: Columns) {
    this.#database = database
    this.#name = name
    this.#columns = columns
  }

  begin(lastSeq: number): void {
    this.#lastSeq = lastSeq
    // What a transaction that was rolled back has left.
    this.#waiting = []
    this.#rows = 0
  }

  add(values: readonly SqliteValue[]): number {
    this.#lastSeq += 1
    this.#waiting.push(this.#lastSeq, ...values)
    this.#rows += 1
    const seq = this.#lastSeq
    if (this.#rows === MOST_ROWS) this.write()
    return seq
  }

  write(): void {
    if (this.#rows === 0) return
    const values = this.#waiting
    const perRow = values.length / this.#rows
    this.#waiting = []
    const rows = this.#rows
    this.#rows = 0
    let at = 0
    for (const count of batchSizes(rows, MOST_ROWS)) {
      this.#statement(count).run(...values.slice(at, at + count * perRow))
      at += count * perRow
    }
  }

  #statement(count: number): Statement {
    let statement = this.#statements.get(count)
    if (statement === undefined) {
      const row = `(?, ${Object.values(this.#columns).join(', ')})`
      const names = ['seq', ...Object.keys(this.#columns)].join(', ')
      statement = this.#database.prepare(
        `INSERT INTO ${this.#name} (${names}) VALUES ${Array(count).fill(row).join(', ')}`,
      )
      this.#statements.set(count, statement)
    }
    return statement
  }
}
