import { PosternError } from '../../core/index.ts'
import type { Lease } from '../../inbox/index.ts'
import { runIn, type UserTransaction } from './user-transaction.ts'

export interface SettlingInOptions {
  /** As SQL. */
  readonly schema: string
  readonly offsetMs: number
}

/** Settles deliveries inside transactions that the user has opened in the store's database. */
export class SettlingIn {
  /**
   * Leases whose end sets something free. It is announced when their worker settles them as well, after the user's commit: a
   * NOTIFY in that transaction would let no two such commits wait for the disk at once.
   */
  readonly #bringingWork = new Set<string>()

  /**
   * Settles one as succeeded. Where the lease is lost the transaction is made to fail, so that it cannot be committed even by
   * who passes over the error.
   */
  async settle(
    tx: UserTransaction,
    lease: Lease,
    durationMs: number,
    { schema, offsetMs }: SettlingInOptions,
  ): Promise<'settled' | 'lost'> {
    // Two statements of one transaction have its number in common. What is in none would be settled on its own.
    const { xact } = await runIn(tx, 'SELECT pg_current_xact_id()::text AS xact')
    const numbers = [xact, lease.deliverySeq, lease.token, durationMs, offsetMs].map(asWholeNumber).join(', ')
    const { outcome } = await runIn(tx, `SELECT ${schema}.settle_in_1(${numbers}) AS outcome`)
    if (outcome === 'elsewhere') throw inNoTransaction()
    if (outcome === 'lost') {
      await fail(tx, schema)
      return outcome
    }
    if (outcome === 'brings work') this.#bringingWork.add(keyOf(lease))
    return 'settled'
  }

  /** Whether any of these leases, that are settled again, has set something free, provided that it was committed. */
  haveBroughtWork(leases: readonly Lease[]): boolean {
    return (
      this.#bringingWork.size > 0 &&
      leases.filter((lease) => this.#bringingWork.delete(keyOf(lease))).length > 0
    )
  }
}

function keyOf({ deliverySeq, token }: Lease): string {
  return `${deliverySeq}:${token}`
}

/** What stands in the statement itself, since not every library takes parameters with a text. */
function asWholeNumber(value: unknown): string {
  const text = String(value)
  if (!/^-?\d{1,20}$/.test(text)) throw new TypeError(`settleIn: not a whole number: ${text}`)
  return text
}

/** The error is the purpose: from then on the server answers a COMMIT with a rollback. */
async function fail(tx: UserTransaction, schema: string): Promise<void> {
  try {
    await runIn(tx, `SELECT ${schema}.lease_lost_1()`)
  } catch {
    // The lost lease has an error of its own.
  }
}

function inNoTransaction(): PosternError {
  return new PosternError(
    'cannot_settle',
    'settleIn: what it was given is in no transaction; give it the one that the work is done in, not the pool or the database',
  )
}
