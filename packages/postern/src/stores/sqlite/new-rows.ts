import { places } from './batches.ts'
import type { Database, SqliteValue, Statement } from './database.ts'

/** Rows that one statement writes at most; more are hardly faster. */
const MOST_ROWS = 16

/**
 * New rows of a transaction, several written by one statement, and what they have in common bound once: each value that is bound
 * takes 0.1 to 0.3 µs. They wait until something else of the transaction is to be read or written (`Connection.sql`), and
 * know their numbers before.
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

  /** The transaction left nothing, and what waits is of no use. */
  rolledBack(): void {
    this.#events.rolledBack()
    this.#deliveries.rolledBack()
  }

  /** Writes what waits. */
  write(): void {
    this.#events.write()
    this.#deliveries.write()
  }
}

/** What one value of a row is for. */
interface Column {
  readonly names: readonly string[]
  /** Those of one letter are bound once for all rows of a statement, where all of them are equal. */
  readonly together?: string
  /** Around the value's place. */
  readonly as?: (place: string) => string
}

/** In the order of their values. */
const EVENT_COLUMNS: readonly Column[] = [
  { names: ['dedupe_key'] },
  { names: ['guard_key'], together: 'a' },
  { names: ['digest'] },
  { names: ['expires_ms'] },
  { names: ['tenant'], together: 'a' },
  { names: ['source'], together: 'a' },
  { names: ['id'] },
  { names: ['type'], together: 'b' },
  { names: ['created_ms'] },
  { names: ['received_ms'] },
  { names: ['ordering_key'], together: 'a' },
  { names: ['verified_by'], together: 'a' },
  { names: ['conflicts_with'], together: 'a' },
  { names: ['on_dead'], together: 'a' },
  // May come as bytes, which become text as they are.
  { names: ['headers'], as: (place) => `CAST(${place} AS TEXT)` },
  // Node 22's SQLite binds an array without bytes as NULL.
  { names: ['body'], as: (place) => `coalesce(${place}, x'')` },
]

/** What is equal in every new delivery is one value. */
const DELIVERY_COLUMNS: readonly Column[] = [
  { names: ['event_seq'] },
  { names: ['destination'], together: 'a' },
  { names: ['state'], together: 'b' },
  { names: ['made_ms', 'due_ms'], together: 'c' },
  { names: ['lease_until_ms'], together: 'b' },
  { names: ['token', 'attempt'], together: 'b' },
  { names: ['lane', 'open_lane'], together: 'b' },
]

class Table {
  readonly #database: Database
  readonly #name: string
  readonly #columns: readonly Column[]
  /** The places of the values of one letter. */
  readonly #letters: readonly (readonly number[])[]
  /** By what the rows have in common: a bit for each letter. */
  readonly #shapes: Shape[] = []
  #lastSeq = 0
  #waiting: (readonly SqliteValue[])[] = []

  constructor(database: Database, name: string, columns: readonly Column[]) {
    this.#database = database
    this.#name = name
    this.#columns = columns
    const letters = new Set(columns.flatMap(({ together }) => together ?? []))
    this.#letters = [...letters].map((letter) =>
      columns.flatMap(({ together }, at) => (together === letter ? at : [])),
    )
  }

  begin(lastSeq: number): void {
    this.#lastSeq = lastSeq
  }

  rolledBack(): void {
    this.#waiting = []
  }

  add(values: readonly SqliteValue[]): number {
    this.#lastSeq += 1
    this.#waiting.push(values)
    const seq = this.#lastSeq
    if (this.#waiting.length === MOST_ROWS) this.write()
    return seq
  }

  write(): void {
    const rows = this.#waiting
    const [first] = rows
    if (first === undefined) return
    this.#waiting = []
    const shape = this.#shapeOf(rows, first)
    const values: SqliteValue[] = [this.#lastSeq - rows.length + 1]
    // Each row has a value for each column.
    for (const at of shape.common) values.push(first[at] as SqliteValue)
    for (const row of rows) for (const at of shape.own) values.push(row[at] as SqliteValue)
    const statement = (shape.statements[rows.length] ??= this.#prepare(shape, rows.length))
    statement.run(...values)
  }

  #shapeOf(rows: readonly (readonly SqliteValue[])[], first: readonly SqliteValue[]): Shape {
    let bits = 0
    this.#letters.forEach((columns, bit) => {
      if (rows.every((row) => columns.every((at) => row[at] === first[at]))) bits |= 1 << bit
    })
    return (this.#shapes[bits] ??= this.#makeShape(bits))
  }

  #makeShape(bits: number): Shape {
    const common = this.#letters.flatMap((columns, bit) => ((bits & (1 << bit)) === 0 ? [] : columns))
    const own = this.#columns.flatMap((_, at) => (common.includes(at) ? [] : at))
    return { common, own, statements: [] }
  }

  /**
   * `OR FAIL`: before a statement of several rows that could be taken back by itself, SQLite copies each page that it touches
   * into a journal of its own, at every row a page, and beyond 64 KiB into a temporary file. What a failed one has left is
   * taken back with its transaction.
   */
  #prepare({ common, own }: Shape, count: number): Statement {
    const rows = Array.from({ length: count }, (_, row) => {
      const values = this.#columns.flatMap(({ names, as = same }, at) => {
        const isOwn = own.includes(at)
        const place = isOwn ? 2 + common.length + row * own.length + own.indexOf(at) : 2 + common.indexOf(at)
        return names.map(() => as(places(place, 1)))
      })
      return `(?1 + ${row}, ${values.join(', ')})`
    })
    const names = ['seq', ...this.#columns.flatMap((column) => column.names)]
    return this.#database.prepare(
      `INSERT OR FAIL INTO ${this.#name} (${names.join(', ')}) VALUES ${rows.join(', ')}`,
    )
  }
}

/** Which values are bound once and which for each row, and the statements for it by how many rows they write. */
interface Shape {
  readonly common: readonly number[]
  readonly own: readonly number[]
  readonly statements: Statement[]
}

function same(place: string): string {
  return place
}
