import { Deadlines, toError } from '../../inbox/index.ts'
import type { AnsweredQuery, PooledClient, PostgresClient, PostgresPool, PostgresResult } from './client.ts'
import { codeOf, isVictim } from './failure.ts'

/** How often a transaction that gave way to another is run again. */
const MOST_RUNS = 5

/** Long enough for any commit but a stalled one, and after a batch's own wait still within a sender's patience. */
export const LOCK_TIMEOUT_MS = 1200

/**
 * A call that takes longer is given up, and its connection closed: on a network that swallows what is sent, the answer may
 * come after a quarter of an hour, and everything behind it would wait as long. The wait for a connection may take as long again.
 */
const CALL_TIMEOUT_MS = 5000
/** As long for a transaction of several statements, such as a batch of rows to delete. */
const TRANSACTION_TIMEOUT_MS = 30_000

export interface TransactionOptions {
  /** How long to wait for a row that another transaction holds. Default `LOCK_TIMEOUT_MS`. */
  readonly lockTimeoutMs?: number
  /** A snapshot to read from, so that several statements agree. */
  readonly isReadOnly?: boolean
  /** For what takes as long as it takes: migrations, and the user's own statements. */
  readonly mayTakeLong?: boolean
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
  readonly #calls = new Deadlines(CALL_TIMEOUT_MS)
  readonly #transactions = new Deadlines(TRANSACTION_TIMEOUT_MS)
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
      [],
    )
    this.#begins = row?.level !== 'read committed'
  }

  /**
   * Calls one function: a statement that is a transaction by itself, in one round trip. A function that has given way to
   * another's transaction is called again.
   */
  call<Row>(text: string, values: unknown[]): Promise<Row> {
    return unlessVictim(async () => {
      const [row] = this.#begins
        ? await this.#transactionOnce((tx) => tx.rows<Row>(text, values), {})
        : await this.#rows<Row>(text, values)
      if (row === undefined) throw new Error('the server answered a function with no row')
      return row
    })
  }

  /** Runs work in one transaction, again where it was rolled back for another's sake. */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return unlessVictim(() => this.#transactionOnce(work, options))
  }

  async #rows<Row>(text: string, values: unknown[]): Promise<readonly Row[]> {
    const client = await this.#connect(this.#calls)
    const result = await this.#lend(client, this.#calls, () => answerOf(client, text, values))
    return resultOf(result).rows as readonly Row[]
  }

  async #transactionOnce<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions): Promise<T> {
    // A flood of refused requests to be kept waits for its turn.
    const client = await this.#connect(options.isReadOnly === true ? this.#calls : this.#transactions)
    const deadlines = options.mayTakeLong === true ? undefined : this.#transactions
    return this.#lend(client, deadlines, async () => {
      try {
        return await inTransaction(client, work, options)
      } catch (error) {
        if (codeOf(error) !== undefined) await client.query('ROLLBACK')
        throw error
      }
    })
  }

  /** Gives the connection back afterwards: closed, where it broke, or the time was over. */
  async #lend<T>(client: PooledClient, deadlines: Deadlines | undefined, work: () => Promise<T>): Promise<T> {
    let isLent = true
    const giveBack = (isBroken: boolean): void => {
      if (isLent) client.release(isBroken)
      isLent = false
    }
    const deadline = deadlines?.set(() => giveBack(true))
    try {
      const result = await work()
      giveBack(false)
      return result
    } catch (error) {
      giveBack(codeOf(error) === undefined)
      throw error
    } finally {
      deadline?.met()
    }
  }

  #connect(deadlines: Deadlines): Promise<PooledClient> {
    return new Promise((resolve, reject) => {
      const deadline = deadlines.set(() => reject(new Error('no connection was to be had in time')))
      const lend = (client: PooledClient): void => {
        const isLate = !deadline.isOpen
        deadline.met()
        hear(client)
        if (isLate) client.release()
        else resolve(client)
      }
      this.#pool.connect().then(lend, (error: unknown) => {
        deadline.met()
        reject(toError(error))
      })
    })
  }
}

/**
 * By a callback, which the package `pg` passes on as it is: of the promise that it would make, V8 lets no answer go before a full
 * collection (Node 20.20), and moves 90 KB for each claim of 64.
 */
function answerOf(client: PooledClient, text: string, values: unknown[]): Promise<PostgresResult> {
  return new Promise((resolve, reject) => {
    const answered = client.query(text, values, (error, result) => {
      if (error) reject(error)
      else resolve(result)
    })
    // Of a client that knows no callbacks.
    if (answered instanceof Promise) answered.then(resolve, reject)
  })
}

/** Runs again what was rolled back for the sake of another. */
async function unlessVictim<T>(run: () => Promise<T>): Promise<T> {
  for (let runs = 1; ; runs += 1) {
    try {
      return await run()
    } catch (error) {
      if (!isVictim(error) || runs >= MOST_RUNS) throw error
    }
  }
}

/**
 * A connection that breaks while it is lent says so by an event as well as by its query, and the event would end the process
 * unheard. A new one may break in the very turn in which it is lent, before the borrower can listen. Once for each: many
 * stores may share a pool.
 */
function hear(client: PooledClient): void {
  if (heard.has(client)) return
  heard.add(client)
  client.on('error', ignore)
}

const heard = new WeakSet<PooledClient>()

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

function resultOf(result: PostgresResult): AnsweredQuery {
  const last = 'rows' in result ? result : result.at(-1)
  if (last === undefined) throw new Error('the client answered a query with no result')
  return last
}
