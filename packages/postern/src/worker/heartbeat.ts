import type { Logger } from '../core/index.ts'
import type { Claimed, Store } from '../inbox/index.ts'
import { Released, type LazyAbort } from './attempt.ts'
import type { OwnTransaction } from './own-transaction.ts'
import type { Running } from './running.ts'

/** A delivery whose handlers run. */
export interface RunningAttempt<Tx> {
  readonly claimed: Claimed
  readonly abort: LazyAbort
  readonly own: OwnTransaction<Tx>
  /** Whether it has a place; what runs for its own request has none. */
  readonly isPlaced: boolean
}

interface HeartbeatSettings {
  readonly store: Pick<Store, 'extend'>
  readonly leaseMs: number
  readonly log: Logger
}

/** Prolongs the leases of what runs, all of them on one timer, and aborts what has lost its own. */
export class Heartbeat<Tx> {
  readonly #settings: HeartbeatSettings
  readonly #running: Running<RunningAttempt<Tx>>
  #timer: NodeJS.Timeout | undefined

  constructor(settings: HeartbeatSettings, running: Running<RunningAttempt<Tx>>) {
    this.#settings = settings
    this.#running = running
  }

  /** Calling it again changes nothing. */
  begin(): void {
    this.#timer ??= setInterval(() => void this.#extendLeases(), this.#settings.leaseMs / 3).unref()
  }

  end(): void {
    clearInterval(this.#timer)
  }

  async #extendLeases(): Promise<void> {
    const { store, leaseMs, log } = this.#settings
    // What runs for its own request is leased for as long as that request waits, and not for longer.
    // What its handler has settled is locked until the handler's transaction ends, and all the others would wait for it.
    const running = this.#running.all().filter(({ isPlaced, own }) => isPlaced && !own.isUsed)
    if (running.length === 0) return
    try {
      const leases = running.map(({ claimed }) => claimed)
      const results = await store.extend(leases, leaseMs)
      running.forEach(({ abort }, index) => {
        if (results[index] === 'lost') abort.abort(new Released('the lease went to another worker'))
      })
    } catch (error) {
      log.warn('leases could not be prolonged', { error })
    }
  }
}
