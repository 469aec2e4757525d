import { PosternError } from '../../core/index.ts'
import { GroupCommit, type Lease } from '../../inbox/index.ts'
import { plainArray } from './array-literal.ts'
import type { Server } from './server.ts'
import { runIn, type UserTransaction } from './user-transaction.ts'

/** Leases that one question is about. */
const MOST_LEASES = 500

export interface SettlingInSettings {
  readonly server: Server
  /** As SQL. */
  readonly schema: string
  readonly offsetMs: () => number
  /** Told where something may have come free. */
  readonly onWork: () => void
}

/** Settles deliveries inside transactions that the user has opened in the store's database. */
export class SettlingIn {
  readonly #settings: SettlingInSettings
  readonly #questions: GroupCommit<Lease, boolean>
  /**
   * Leases whose end sets something free. It is announced when their worker asks for them, after the user's commit: a NOTIFY
   * in that transaction would let no two such commits wait for the disk at once.
   */
  readonly #bringingWork = new Set<string>()

  constructor(settings: SettlingInSettings) {
    this.#settings = settings
    this.#questions = new GroupCommit((leases) => this.#ask(leases), MOST_LEASES, MOST_LEASES)
  }

  /**
   * Settles one as succeeded. Where the lease is lost the transaction is made to fail, so that it cannot be committed even by
   * who passes over the error.
   */
  async settle(tx: UserTransaction, lease: Lease, durationMs: number): Promise<'settled' | 'lost'> {
    const { schema, offsetMs } = this.#settings
    // Two statements of one transaction have its number in common. What is in none would be settled on its own.
    const { xact } = await runIn(tx, 'SELECT pg_current_xact_id()::text AS xact')
    const numbers = [xact, lease.deliverySeq, lease.token, Math.ceil(durationMs), offsetMs()]
    const text = `SELECT ${schema}.settle_in_1(${numbers.map(asWholeNumber).join(', ')}) AS outcome`
    const { outcome } = await runIn(tx, text)
    if (outcome === 'elsewhere') throw inNoTransaction()
    if (outcome === 'lost') {
      await fail(tx, schema)
      return outcome
    }
    if (outcome === 'brings work') this.#bringingWork.add(keyOf(lease))
    return 'settled'
  }

  /** Which of these have ended with success. */
  haveSucceeded(leases: readonly Lease[]): Promise<readonly boolean[]> {
    return Promise.all(leases.map((lease) => this.#questions.add(lease)))
  }

  async #ask(leases: readonly Lease[]): Promise<readonly boolean[]> {
    const { server, schema, onWork } = this.#settings
    const { places } = await server.call<{ readonly places: string }>(
      `SELECT ${schema}.have_succeeded_1($1, $2) AS places`,
      [
        plainArray(leases.map(({ deliverySeq }) => deliverySeq)),
        plainArray(leases.map(({ token }) => token)),
      ],
    )
    // Written by the function.
    const succeeded = new Set(JSON.parse(places) as number[])
    const bringingWork = leases.filter((lease) => this.#bringingWork.delete(keyOf(lease)))
    // Also where it was not committed: then whoever looks finds nothing.
    if (bringingWork.length > 0) onWork()
    return leases.map((_lease, index) => succeeded.has(index + 1))
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
