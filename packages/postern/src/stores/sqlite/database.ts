/** The part of `node:sqlite` that the store uses, which `@photostructure/sqlite` has too. */
export interface Database {
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

export interface Statement {
  run(...params: SqliteValue[]): {
    readonly changes: number | bigint
    readonly lastInsertRowid: number | bigint
  }
  get(...params: SqliteValue[]): unknown
  all(...params: SqliteValue[]): unknown[]
  setReturnArrays(returnArrays: boolean): void
}

export type SqliteValue = null | number | bigint | string | Uint8Array

export interface DatabaseModule {
  readonly DatabaseSync: new (path: string, options?: { readonly readOnly?: boolean }) => Database
}

/** Loads a driver chosen before; runs in the main thread and in the engine's. */
export function loadDriver(specifier: string, require: (id: string) => unknown): DatabaseModule {
  // Both packages export the class under this name; checked when it is first used.
  return require(specifier) as DatabaseModule
}
