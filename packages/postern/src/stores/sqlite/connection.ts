import type { Database, Statement } from './database.ts'
import { DedupeIndex } from './dedupe-index.ts'

/** A connection with its prepared statements and the dedupe index over it. */
export class Connection {
  readonly database: Database
  readonly #statements = new Map<string, Statement>()

  #dedupe: DedupeIndex | undefined

  constructor(database: Database) {
    this.database = database
  }

  /** Made on first use, once the tables are there. */
  get dedupe(): DedupeIndex {
    return (this.#dedupe ??= new DedupeIndex(this.database))
  }

  /** The prepared statement of a text, prepared once. */
  sql(text: string): Statement {
    let statement = this.#statements.get(text)
    if (statement === undefined) {
      statement = this.database.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }
}
