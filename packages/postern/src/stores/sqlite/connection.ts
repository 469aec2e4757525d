import type { Database, Statement } from './database.ts'

/** A connection with its prepared statements. */
export class Connection {
  readonly database: Database
  readonly #statements = new Map<string, Statement>()

  constructor(database: Database) {
    this.database = database
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
