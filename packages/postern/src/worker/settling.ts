import type { Logger } from '../core/index.ts'
import type {
  Claimed,
  Observer,
  Outcome,
  Settlement,
  SettleResult,
  SettlesIn,
  Store,
} from '../inbox/index.ts'
import { LazyAbort, runAttempt, type AttemptOptions, type AttemptResult } from './attempt.ts'
import { NoHandlerError, NoHandlerWarning } from './no-handler.ts'
import { nextTurn, pause } from './pause.ts'
import { isA } from './thrown.ts'

export interface SettlingSettings<Effect, Tx = never> {
  readonly store: Pick<Store<Effect>, 'settle'> & Partial<Pick<SettlesIn<Tx>, 'haveSucceeded'>>
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
  readonly #optionsOf: (destination: string) => AttemptOptions<Effect, Tx>
  readonly #unsettled: FinishedAttempt<Effect>[] = []
  readonly #underWay = new Set<Promise<void>>()
  readonly #noHandler: NoHandlerWarning

  constructor(
    settings: SettlingSettings<Effect, Tx>,
    optionsOf: (destination: string) => AttemptOptions<Effect, Tx>,
  ) {
    this.#settings = settings
    this.#optionsOf = optionsOf
    this.#noHandler = new NoHandlerWarning(settings.log)
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
    const own = attempts.filter(isSettledByItself)
    const others = own.length === 0 ? attempts : attempts.filter((attempt) => !isSettledByItself(attempt))
    await Promise.all([this.#settle(others), this.#settleOwn(own)])
  }

  /** Those whose handlers' own transactions were committed are settled already. */
  async #settleOwn(attempts: readonly FinishedAttempt<Effect>[]): Promise<void> {
    if (attempts.length === 0) return
    const succeeded = await this.#haveSucceeded(attempts)
    const open: FinishedAttempt<Effect>[] = []
    for (const [index, attempt] of attempts.entries()) {
      if (succeeded?.[index] === true) this.#reportSucceeded(attempt)
      else open.push(attempt)
    }
    await this.#settle(open)
  }

  async #settle(attempts: readonly FinishedAttempt<Effect>[]): Promise<void> {
    if (attempts.length === 0) return
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
      if (result?.result === 'lost' && isSettledByItself(attempt)) doubtful.push(attempt)
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
    if (doubtful.length > 0) await this.#reportDoubtful(doubtful)
    if (failed.length > 0) await this.now(failed)
  }

  /** Lost to another worker, or to the transaction of their own handler, that was committed only now. */
  async #reportDoubtful(attempts: readonly FinishedAttempt<Effect>[]): Promise<void> {
    const succeeded = await this.#haveSucceeded(attempts)
    for (const [index, attempt] of attempts.entries()) {
      if (succeeded === undefined) attempt.onEnd?.('unsettled')
      else if (succeeded[index] === true) this.#reportSucceeded(attempt)
      else this.#report(attempt, { result: 'lost' })
    }
  }

  /** `undefined` where the store does not say. */
  async #haveSucceeded(
    attempts: readonly FinishedAttempt<Effect>[],
  ): Promise<readonly boolean[] | undefined> {
    const { store, log } = this.#settings
    try {
      return await store.haveSucceeded?.(attempts.map(({ claimed }) => claimed))
    } catch (error) {
      log.error('the store could not say whether handlers have settled their deliveries', { error })
      return undefined
    }
  }

  #reportSucceeded(attempt: FinishedAttempt<Effect>): void {
    const { outcome, error } = attempt.result
    if (error !== undefined && outcome.kind !== 'released') {
      const { source, id } = attempt.claimed.event
      this.#settings.log.error('a handler failed after it had settled its delivery, which stays succeeded', {
        source,
        id,
        error,
      })
    }
    this.#report({ ...attempt, result: SUCCEEDED }, { result: 'settled' })
  }

  /** Effects that cannot be written fail the attempt like a handler that throws. */
  async #withFailedEffects(attempt: FinishedAttempt<Effect>, error: Error): Promise<FinishedAttempt<Effect>> {
    const { claimed } = attempt
    const throwing = {
      ...this.#optionsOf(claimed.destination),
      handlersFor: () => [() => Promise.reject(error)],
    }
    return { ...attempt, result: await runAttempt(claimed, new LazyAbort(), throwing) }
  }

  #report(
    { claimed, result, durationMs, onEnd }: FinishedAttempt<Effect>,
    settled: SettleResult | undefined,
  ): void {
    const { event, destination, attempt } = claimed
    const { outcome, error } = result
    if (isA(error, NoHandlerError)) this.#noHandler.tell(event)
    const end = settled?.result === 'lost' ? 'lost' : outcome.kind
    onEnd?.(end)
    const attempted = {
      kind: 'attempted',
      source: event.source,
      eventSeq: event.eventSeq,
      id: event.id,
      type: event.type,
      destination,
      attempt,
      outcome: end,
      durationMs,
    } as const
    // Nothing is spread for the many that succeed (docs/adr/0019-what-an-event-costs.md).
    if (outcome.kind === 'succeeded' && error === undefined) return this.#settings.observe(attempted)
    this.#settings.observe({
      ...attempted,
      ...(outcome.kind === 'retry' && { retryAfterMs: outcome.afterMs }),
      // A delivery that is given back has met no error of its own.
      ...(error !== undefined && outcome.kind !== 'released' && { error }),
    })
  }
}

function isSettledByItself<Effect>({ own }: FinishedAttempt<Effect>): boolean {
  return own?.isUsed === true
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
