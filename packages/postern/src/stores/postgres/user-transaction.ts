/**
 * A transaction that the user has opened, as their library hands it to them: anything that runs one statement without
 * parameters inside it. A library that is not among these is adapted by `{ query: (text) => … }`.
 */
export type UserTransaction =
  | QueryingTransaction
  | RawTransaction
  | ExecutingTransaction
  | CompiledTransaction

/** A client of `pg` after its BEGIN; TypeORM's `EntityManager` and `QueryRunner`. */
export interface QueryingTransaction {
  query(text: string): PromiseLike<unknown>
}

/** Prisma's `tx` of `$transaction(async (tx) => …)`. */
export interface RawTransaction {
  $queryRawUnsafe(text: string): PromiseLike<unknown>
}

/** Drizzle's `tx` of `transaction(async (tx) => …)`. */
export interface ExecutingTransaction {
  execute(text: string): PromiseLike<unknown>
}

/** Kysely's `trx`. */
export interface CompiledTransaction {
  executeQuery(statement: CompiledStatement): PromiseLike<unknown>
}

/** Kysely's `CompiledQuery`, as its own `CompiledQuery.raw` makes it. */
export interface CompiledStatement {
  readonly sql: string
  readonly parameters: readonly unknown[]
  readonly query: {
    readonly kind: 'RawNode'
    readonly sqlFragments: readonly string[]
    readonly parameters: readonly never[]
  }
  readonly queryId: { readonly queryId: string }
}

/** Runs one statement in the user's transaction. It has no parameters, since not all of the libraries take any with a text. */
export async function runIn(tx: UserTransaction, text: string): Promise<Readonly<Record<string, unknown>>> {
  const result = await send(tx, text)
  const rows = Array.isArray(result) ? (result as unknown[]) : (result as { readonly rows?: unknown }).rows
  const [row] = Array.isArray(rows) ? (rows as unknown[]) : []
  if (typeof row !== 'object' || row === null)
    throw new TypeError('settleIn: the transaction gave back no row')
  return row as Readonly<Record<string, unknown>>
}

/** The order matters: Drizzle's and Prisma's may have a `query` that is no function, and more than one method of these. */
function send(tx: UserTransaction, text: string): PromiseLike<unknown> {
  if (has(tx, '$queryRawUnsafe')) return tx.$queryRawUnsafe(text)
  if (has(tx, 'executeQuery')) return tx.executeQuery(compiled(text))
  if (has(tx, 'query')) return tx.query(text)
  if (has(tx, 'execute')) return tx.execute(text)
  throw new TypeError(
    'settleIn: expected a transaction of pg, Drizzle, Prisma, Kysely or TypeORM, or { query(text) }',
  )
}

function has<Name extends string>(
  tx: UserTransaction,
  name: Name,
): tx is Extract<UserTransaction, { readonly [Key in Name]: unknown }> {
  // Whatever a caller without a compiler has given.
  return typeof (tx as unknown as Readonly<Record<string, unknown>> | undefined)?.[name] === 'function'
}

function compiled(sql: string): CompiledStatement {
  return {
    sql,
    parameters: [],
    query: { kind: 'RawNode', sqlFragments: [sql], parameters: [] },
    queryId: { queryId: 'postern' },
  }
}
