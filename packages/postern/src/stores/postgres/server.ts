import type { AnsweredQuery, PooledClient, PostgresClient, PostgresPool, PostgresResult } from './client.ts'
import { codeOf, isVictim } from './failure.ts'

/** How often a transaction that gave way to another is run again. */
const MOST_RUNS = 5

/** Long enough for any commit but a stalled one, and after a batch's own wait still within a sender's patience. */
export const LOCK_TIMEOUT_MS = 1200

export interface TransactionOptions {
  /** How long to wait for a row that another transaction holds. Default `LOCK_TIMEOUT_MS`. */
  readonly lockTimeoutMs?: number
  /** A snapshot to read from, so that several statements agree. */
  readonly isReadOnly?: boolean
}

/** One transaction under way. */
export class Transaction {
  readonly client: PostgresClient

  constructor(client: PostgresClient) {
    this.client = client
  }

  /** Runs one statement; the caller says what its rows look like. */
  async rows<Row>(text: string, values: unknown[] = []): Promise<readonly Row[]> {
    return resultOf(await this.client.query(text, values)).rows as readonly Row[]
  }
}

/** Runs calls and transactions on the user's pool, each on whatever connection is free. Rejects with the server's own errors. */
export class Server {
  readonly #pool: PostgresPool
  readonly #onLoss: () => void
  /** Where a role or database has another isolation level by default, a statement alone would run in that. */
  #begins = false

  /** @param onLoss Called where a connection broke that nobody had borrowed. */
  constructor(pool: PostgresPool, onLoss: () => void) {
    this.#pool = pool
    this.#onLoss = onLoss
    pool.on('connect', hear)
    pool.on('error', this.#onLoss)
  }

  /** Leaves the pool to its owner. */
  close(): void {
    this.#pool.removeListener('connect', hear)
    this.#pool.removeListener('error', this.#onLoss)
  }

  /** Learns how calls are to be made. */
  async learnDefaults(): Promise<void> {
    const [row] = await this.#rows<{ level: string }>(
      `SELECT current_setting('default_transaction_isolation') AS level`,
    )
    this.#begins = row?.level !== 'read committed'
  }

  /**
   * Calls one function: a statement that is a transaction by itself, in one round trip. A function that has given way to
   * another's transaction is called again.
   */
  async call<Row>(text: string, values: unknown[]): Promise<Row> {
    for (let run = 1; ; run += 1) {
      try {
        const rows = this.#begins
          ? await this.#runOnce((tx) => tx.rows<Row>(text, values), {})
          : await this.#rows<Row>(text, values)
        const [row] = rows
        if (row === undefined) throw new Error('the server answered a function with no row')
        return row
      } catch (error) {
        if (!isVictim(error) || run >= MOST_RUNS) throw error
      }
    }
  }

  /** Runs work in one transaction, again where it was rolled back for another's sake. */
  async transaction<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    for (let run = 1; ; run += 1) {
      try {
        return await this.#runOnce(work, options)
      } catch (error) {
        if (!isVictim(error) || run >= MOST_RUNS) throw error
      }
    }
  }

  async #rows<Row>(text: string, values: unknown[] = []): Promise<readonly Row[]> {
    return resultOf(await this.#pool.query(text, values)).rows as readonly Row[]
  }

  async #runOnce<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions): Promise<T> {
    const client = await this.#pool.connect()
    client.on('error', ignore)
    let isBroken = true
    try {
      const result = await inTransaction(client, work, options)
      isBroken = false
      return result
    } catch (error) {
      isBroken = codeOf(error) === undefined || (await rollback(client)) === 'failed'
      throw error
    } finally {
      client.release(isBroken)
      // One that is being closed may still break, and the pool listens no more.
      if (!isBroken) client.removeListener('error', ignore)
    }
  }
}

/**
 * A connection that breaks while it is lent says so by an event as well as by its query, and the event would end the process
 * unheard. A new one may break in the very turn in which it is lent, before the borrower can listen.
 */
function hear(client: PooledClient): void {
  client.on('error', ignore)
}

function ignore(): void {}

async function inTransaction<T>(
  client: PooledClient,
  work: (tx: Transaction) => Promise<T>,
  { lockTimeoutMs = LOCK_TIMEOUT_MS, isReadOnly = false }: TransactionOptions,
): Promise<T> {
  await client.query(isReadOnly ? BEGIN_READING : beginWriting(lockTimeoutMs))
  const result = await work(new Transaction(client))
  const { command } = resultOf(await client.query('COMMIT'))
  if (command !== 'COMMIT') throw new Error(`COMMIT was answered with ${command}: an error was passed over`)
  return result
}

const BEGIN_READING = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'

/**
 * A role or database may have other defaults, and each breaks a promise: another isolation level the claims, `off` what is
 * acknowledged. Stronger settings than `on` stay.
 */
function beginWriting(lockTimeoutMs: number): string {
  return `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SELECT set_config('lock_timeout', '${lockTimeoutMs}ms', true),
           CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true) END`
}

async function rollback(client: PostgresClient): Promise<'done' | 'failed'> {
  try {
    await client.query('ROLLBACK')
    return 'done'
  } catch {
    return 'failed'
  }
}

function resultOf(result: PostgresResult): AnsweredQuery {
  const last = 'rows' in result ? result : result.at(-1)
  if (last === undefined) throw new Error('the client answered a query with no result')
  return last
}
