import type { Database, Statement } from './database.ts'
import { DedupeIndex } from './dedupe-index.ts'
import { NewRows } from './new-rows.ts'

/** A connection with its prepared statements and the dedupe index over it. */
export class Connection {
  readonly database: Database
  readonly #statements = new Map<string, Statement>()

  #dedupe: DedupeIndex | undefined
  #newRows: NewRows | undefined

  constructor(database: Database) {
    this.database = database
  }

  /** Made on first use, once the tables are there. */
  get dedupe(): DedupeIndex {
    return (this.#dedupe ??= new DedupeIndex(this.database))
  }

  /** Events and deliveries that the transaction under way has made. */
  get newRows(): NewRows {
    return (this.#newRows ??= new NewRows(this.database))
  }

  /** The prepared statement of a text, prepared once; to be run at once, since it finds all new rows written. */
  sql(text: string): Statement {
    this.#newRows?.write()
    let statement = this.#statements.get(text)
    if (statement === undefined) {
      statement = this.database.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }
}
