import type { Logger } from '../core/index.ts'
import type { Claimed, Observer, Outcome, Settlement, SettleResult, Store } from '../inbox/index.ts'
import { LazyAbort, runAttempt, type AttemptOptions, type AttemptResult } from './attempt.ts'
import { nextTurn, pause } from './pause.ts'

export interface SettlingSettings<Effect, Tx = never> extends AttemptOptions<Effect, Tx> {
  readonly store: Pick<Store<Effect>, 'settle' | 'get'>
  readonly log: Logger
  readonly observe: Observer
}

export interface FinishedAttempt<Effect> {
  readonly claimed: Claimed
  readonly result: AttemptResult<Effect>
  /** Whether its handler may have settled it in a transaction of its own; absent where none ran. */
  readonly own?: { readonly isUsed: boolean }
  readonly durationMs: number
  readonly onEnd: ((end: AttemptEnd) => void) | undefined
}

/** How an attempt ended in the store; `unsettled` where nothing is known of that. */
export type AttemptEnd = Outcome['kind'] | 'lost' | 'unsettled'

/** How long to leave a store alone that has just failed, the first time. */
const STORE_PAUSE_MS = 1000
const SETTLE_TRIES = 3

const SUCCEEDED = { outcome: { kind: 'succeeded' }, effects: [] } as const

/** Tells the store how attempts ended, those of one turn of the event loop together, and then the observer. */
export class Settling<Effect, Tx = never> {
  readonly #settings: SettlingSettings<Effect, Tx>
  readonly #unsettled: FinishedAttempt<Effect>[] = []
  readonly #underWay = new Set<Promise<void>>()

  constructor(settings: SettlingSettings<Effect, Tx>) {
    this.#settings = settings
  }

  get isIdle(): boolean {
    return this.#underWay.size === 0
  }

  /** Fulfils once what is under way now is settled. */
  async idle(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  /** Whatever else finishes in this turn of the event loop is settled together with it. */
  add(attempt: FinishedAttempt<Effect>): void {
    this.#unsettled.push(attempt)
    if (this.#unsettled.length > 1) return
    const settling = nextTurn().then(() => this.now(this.#unsettled.splice(0)))
    this.#underWay.add(settling)
    void settling.then(() => this.#underWay.delete(settling))
  }

  /** Settles, and again where the store fails; after the last try the leases end by themselves and the deliveries run once more. */
  async now(attempts: readonly FinishedAttempt<Effect>[]): Promise<void> {
    const { store, log } = this.#settings
    for (let tries = 1; tries <= SETTLE_TRIES; tries += 1) {
      try {
        const results = await store.settle(attempts.map(toSettlement))
        await this.#settled(attempts, results)
        return
      } catch (error) {
        log.error('the store could not settle deliveries', { deliveries: attempts.length, tries, error })
        if (tries < SETTLE_TRIES) await pause(STORE_PAUSE_MS * tries)
      }
    }
    for (const { onEnd } of attempts) onEnd?.('unsettled')
  }

  async #settled(
    attempts: readonly FinishedAttempt<Effect>[],
    results: readonly SettleResult[],
  ): Promise<void> {
    const failed: FinishedAttempt<Effect>[] = []
    const doubtful: FinishedAttempt<Effect>[] = []
    for (const [index, attempt] of attempts.entries()) {
      const result = results[index]
      if (result?.result === 'lost' && attempt.own?.isUsed === true) doubtful.push(attempt)
      else if (result?.result !== 'failed') this.#report(attempt, result)
      else if (attempt.result.effects.length > 0)
        failed.push(await this.#withFailedEffects(attempt, result.error))
      else {
        this.#settings.log.error('the store could not settle a delivery; it runs again', {
          error: result.error,
        })
        attempt.onEnd?.('unsettled')
      }
    }
    await Promise.all(doubtful.map((attempt) => this.#reportDoubtful(attempt)))
    if (failed.length > 0) await this.now(failed)
  }

  /** Lost to another worker, or settled by the transaction of its own handler: where that was committed, it has succeeded. */
  async #reportDoubtful(attempt: FinishedAttempt<Effect>): Promise<void> {
    const { log } = this.#settings
    try {
      if (!(await this.#isSettledByHandler(attempt.claimed))) return this.#report(attempt, { result: 'lost' })
    } catch (error) {
      log.error('the store could not say whether a handler has settled its delivery', { error })
      return attempt.onEnd?.('unsettled')
    }
    const { outcome, error } = attempt.result
    if (error !== undefined && outcome.kind !== 'released') {
      const { source, id } = attempt.claimed.event
      log.error('a handler failed after it had settled its delivery, which stays succeeded', {
        source,
        id,
        error,
      })
    }
    this.#report({ ...attempt, result: SUCCEEDED }, { result: 'settled' })
  }

  async #isSettledByHandler({ deliverySeq, token, event }: Claimed): Promise<boolean> {
    const detail = await this.#settings.store.get(event.eventSeq)
    const delivery = detail?.deliveries.find((each) => each.deliverySeq === deliverySeq)
    return delivery?.state === 'succeeded' && delivery.token === token
  }

  /** Effects that cannot be written fail the attempt like a handler that throws. */
  async #withFailedEffects(attempt: FinishedAttempt<Effect>, error: Error): Promise<FinishedAttempt<Effect>> {
    const throwing = { ...this.#settings, handlersFor: () => [() => Promise.reject(error)] }
    return { ...attempt, result: await runAttempt(attempt.claimed, new LazyAbort(), throwing) }
  }

  #report(
    { claimed, result, durationMs, onEnd }: FinishedAttempt<Effect>,
    settled: SettleResult | undefined,
  ): void {
    const { event, destination, attempt } = claimed
    const { outcome, error } = result
    const end = settled?.result === 'lost' ? 'lost' : outcome.kind
    onEnd?.(end)
    this.#settings.observe({
      kind: 'attempted',
      source: event.source,
      eventSeq: event.eventSeq,
      id: event.id,
      type: event.type,
      destination,
      attempt,
      outcome: end,
      ...(outcome.kind === 'retry' && { retryAfterMs: outcome.afterMs }),
      // A delivery that is given back has met no error of its own.
      ...(error !== undefined && outcome.kind !== 'released' && { error }),
      durationMs,
    })
  }
}

function toSettlement<Effect>({ claimed, result, durationMs }: FinishedAttempt<Effect>): Settlement<Effect> {
  return {
    deliverySeq: claimed.deliverySeq,
    token: claimed.token,
    outcome: result.outcome,
    durationMs: Math.round(durationMs),
    effects: result.effects,
  }
}
