import { GroupCommit, type SettleResult } from '../../inbox/index.ts'
import { Places } from './places.ts'
import { LOCK_TIMEOUT_MS, type Server } from './server.ts'
import { settleAll, type PostgresSettlement } from './settle.ts'

/** Arrays of settlements that one commit carries at most. */
const MOST_ARRAYS = 500
/** A batch waits no longer for a delivery or lane that another transaction holds; longer than a commit takes on a slow disk. */
const BATCH_LOCK_TIMEOUT_MS = 400
/** Transactions for what a batch could not settle, at once: the pool has others to serve. */
const MOST_APART = 4

export interface SettlingSettings {
  readonly server: Server
  readonly schema: string
  readonly offsetMs: () => number
  /** Told of each batch that was settled. */
  readonly onBatch: (batch: {
    readonly bringsWork: boolean
    readonly count: number
    readonly tookMs: number
  }) => void
}

/** Where a settle's deliveries are held, how to wait for them apart from its batch. */
type Answer = SettleResult[] | (() => Promise<SettleResult[]>)

/**
 * Gathers settlements without effects into batches, one call each. A transaction that a handler keeps open holds what it has
 * settled, for as long as it likes: such a delivery is taken out of its batch, waited for alone, and answered `failed`.
 */
export class Settling {
  readonly #settings: SettlingSettings
  readonly #batches: GroupCommit<readonly PostgresSettlement[], Answer>
  readonly #apart = new Places(MOST_APART)

  constructor(settings: SettlingSettings) {
    this.#settings = settings
    this.#batches = new GroupCommit((arrays) => this.#settleBatch(arrays), MOST_ARRAYS)
  }

  /** Ends leases. Answers in the order given. */
  async settle(settlements: readonly PostgresSettlement[]): Promise<SettleResult[]> {
    const answer = await this.#batches.add(settlements)
    return typeof answer === 'function' ? answer() : answer
  }

  async #settleBatch(arrays: readonly (readonly PostgresSettlement[])[]): Promise<Answer[]> {
    const results = await this.#settle(arrays.flat(), BATCH_LOCK_TIMEOUT_MS)
    let next = 0
    return arrays.map((array) => {
      const own = results.slice(next, (next += array.length))
      if (own.every(isAnswered)) return own
      return () => Promise.all(own.map(async (result, index) => result ?? this.#settleAlone(array[index])))
    })
  }

  #settleAlone(settlement: PostgresSettlement | undefined): Promise<SettleResult> {
    return this.#apart.within(async () => {
      const [result] = settlement === undefined ? [] : await this.#settle([settlement], LOCK_TIMEOUT_MS)
      return result ?? { result: 'failed', error: new Error('another transaction holds the delivery') }
    })
  }

  /** `undefined` for what may be held. */
  async #settle(
    settlements: readonly PostgresSettlement[],
    lockTimeoutMs: number,
  ): Promise<(SettleResult | undefined)[]> {
    const { server, schema, offsetMs, onBatch } = this.#settings
    const startedMs = performance.now()
    const { results, bringsWork } = await settleAll(server, settlements, {
      schema,
      offsetMs: offsetMs(),
      lockTimeoutMs,
    })
    onBatch({ bringsWork, count: settlements.length, tookMs: performance.now() - startedMs })
    return results
  }
}

function isAnswered(result: SettleResult | undefined): result is SettleResult {
  return result !== undefined
}
