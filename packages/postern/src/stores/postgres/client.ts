/** What the store needs of a connection; a client of the package `pg` has it. */
export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<PostgresResult>
}

/** Several statements in one text are answered with several results. */
export type PostgresResult = AnsweredQuery | readonly AnsweredQuery[]

export interface AnsweredQuery {
  /** The command tag: a COMMIT of a transaction that had failed is answered with ROLLBACK, and no error. */
  readonly command: string
  readonly rows: readonly unknown[]
}

/** A connection lent by the pool. */
export interface PooledClient extends PostgresClient {
  query(text: string, values?: unknown[]): Promise<PostgresResult>
  query(
    text: string,
    values: unknown[],
    callback: (error: Error | null | undefined, result: PostgresResult) => void,
  ): Promise<PostgresResult> | void
  /** Gives it back; with `true` the connection is closed. */
  release(destroy?: boolean): void
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'notification', listener: (message: { readonly payload?: string | undefined }) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'notification', listener: (message: { readonly payload?: string }) => void): unknown
}

/** The user's own pool. The store never ends it. */
export interface PostgresPool extends PostgresClient {
  /** Of a pool that says how many connections it may open. */
  readonly options?: { readonly max?: number | undefined }
  connect(): Promise<PooledClient>
  /** A new connection, before anybody has borrowed it. */
  on(event: 'connect', listener: (client: PooledClient) => void): unknown
  /** A connection that broke while nobody had borrowed it. */
  on(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'connect', listener: (client: PooledClient) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
}

/**
 * A write that commits together with a delivery's success: it runs its queries on the client it is given, inside the
 * store's transaction, and must not end that transaction.
 */
export type PostgresEffect = (client: PostgresClient) => Promise<void>
