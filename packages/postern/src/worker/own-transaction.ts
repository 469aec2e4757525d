import { PosternError } from '../core/index.ts'
import type { Lease, SettlesIn } from '../inbox/index.ts'
import { LeaseLostError } from './handler.ts'

/**
 * One attempt's way to settle inside a transaction that its handler opened. Whether that transaction was committed is
 * not known here: it is the handler's, and only the store can tell.
 */
export class OwnTransaction<Tx> {
  readonly #store: Partial<SettlesIn<Tx>>
  readonly #lease: Lease
  readonly #startedMs: number
  /** A settlement was sent: the delivery may be settled, or be locked by a transaction that is still open. */
  isUsed = false

  /** @param startedMs When the attempt began, by the monotonic clock. */
  constructor(store: Partial<SettlesIn<Tx>>, lease: Lease, startedMs: number = performance.now()) {
    this.#store = store
    this.#lease = lease
    this.#startedMs = startedMs
  }

  async settle(tx: Tx): Promise<void> {
    if (this.#store.settleIn === undefined) {
      throw new PosternError(
        'cannot_settle',
        'settleIn: this store cannot settle inside a transaction of yours; write through `tx`, which commits with the delivery',
      )
    }
    // Before it is sent: the settlement may be done though its answer is lost.
    this.isUsed = true
    const durationMs = Math.round(performance.now() - this.#startedMs)
    const result = await this.#store.settleIn(tx, this.#lease, durationMs)
    if (result === 'lost') throw new LeaseLostError()
  }
}
