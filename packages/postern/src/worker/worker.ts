import type { Logger } from '../core/index.ts'
import {
  Deadlines,
  type Claimed,
  type Observer,
  type Outcome,
  type Settlement,
  type SettleResult,
  type Store,
} from '../inbox/index.ts'
import { LazyAbort, Released, runAttempt, type AttemptOptions, type AttemptResult } from './attempt.ts'

export interface WorkerSettings<Effect> extends AttemptOptions<Effect> {
  readonly store: Pick<Store<Effect>, 'claim' | 'settle' | 'extend'>
  readonly destinations: readonly string[]
  /** Handlers that run at once, per destination. */
  readonly concurrency: number
  readonly leaseMs: number
  readonly log: Logger
  readonly observe: Observer
}

/** How long one claim waits for work before it looks again, should a wake-up be lost. */
const CLAIM_WAIT_MS = 5000
/** How long to leave a store alone that has just failed. */
const STORE_PAUSE_MS = 1000
const SETTLE_TRIES = 3
const DEADLINE_STEP_MS = 250

/** Claims deliveries, runs their handlers, settles them. Knows the Store contract, not databases. */
export class Worker<Effect> {
  readonly #settings: WorkerSettings<Effect>
  readonly #running = new Map<Claimed, LazyAbort>()
  readonly #runningPerDestination = new Map<string, number>()
  readonly #unsettled: FinishedAttempt<Effect>[] = []
  readonly #settling = new Set<Promise<void>>()
  readonly #stop = new AbortController()
  /** The loop's claim, which may be waiting, and the destinations that it is for. */
  #waitingClaim: { readonly abort: AbortController; readonly names: ReadonlySet<string> } | undefined
  #loop: Promise<void> | undefined
  #heartbeat: NodeJS.Timeout | undefined
  /** By their length, for attempts whose request leaves them less time than usual. */
  readonly #deadlines = new Map<number, Deadlines>()
  #onFinished: (() => void) | undefined

  constructor(settings: WorkerSettings<Effect>) {
    this.#settings = settings
  }

  /** Starts to claim and run. Calling it again changes nothing. */
  start(): void {
    if (this.#settings.destinations.length > 0) this.#loop ??= this.#claimUntilStopped()
  }

  /** Runs what is due until nothing is, and answers the number of attempts. */
  async drain(): Promise<number> {
    let attempts = 0
    for (;;) {
      // Looked at before the claim: what settles while the claim is under way may be due again at once.
      const wasIdle = this.#running.size === 0 && this.#settling.size === 0
      const claimed = await this.#claim(0)
      attempts += claimed.length
      claimed.forEach((delivery) => this.#begin(delivery))
      if (claimed.length > 0) continue
      if (wasIdle || this.#stop.signal.aborted) return attempts
      await (this.#running.size > 0 ? this.#oneFinished() : Promise.all(this.#settling))
    }
  }

  /**
   * Runs a delivery that its request has leased already, and settles it, for at most `withinMs`. It counts towards no
   * concurrency: the request's own connection bounds it.
   */
  run(claimed: Claimed, withinMs: number): Promise<AttemptEnd> {
    const { handlerTimeoutMs } = this.#settings
    const timeoutMs = Math.min(handlerTimeoutMs, Math.max(0, withinMs))
    const options = {
      ...this.#settings,
      handlerTimeoutMs: timeoutMs,
      deadlines: this.#deadlinesOf(timeoutMs),
    }
    return new Promise((resolve) => this.#begin(claimed, options, resolve))
  }

  #deadlinesOf(timeoutMs: number): Deadlines {
    // In steps, so that requests share timers.
    const afterMs = Math.floor(timeoutMs / DEADLINE_STEP_MS) * DEADLINE_STEP_MS
    const deadlines = this.#deadlines.get(afterMs) ?? new Deadlines(afterMs)
    this.#deadlines.set(afterMs, deadlines)
    return deadlines
  }

  /** Claims no more, waits up to `graceMs` for what runs, gives the rest back. */
  async stop(graceMs: number): Promise<void> {
    this.#stop.abort()
    this.#waitingClaim?.abort.abort()
    const graceEnds = setTimeout(() => {
      for (const abort of this.#running.values()) abort.abort(new Released('the worker is stopping'))
    }, graceMs)
    await this.#loop
    while (this.#running.size > 0) await this.#oneFinished()
    clearTimeout(graceEnds)
    await this.settled()
    clearInterval(this.#heartbeat)
  }

  /** Fulfils once everything that has ended is settled. */
  async settled(): Promise<void> {
    await Promise.all(this.#settling)
  }

  async #claimUntilStopped(): Promise<void> {
    const { log } = this.#settings
    while (!this.#stop.signal.aborted) {
      try {
        const claimed = await this.#claim(CLAIM_WAIT_MS)
        claimed.forEach((delivery) => this.#begin(delivery))
        if (this.#isFull()) await this.#oneFinished()
        // Handlers that had nothing to wait for are done by then, and the next claim takes as many as this one.
        await nextTurn()
      } catch (error) {
        log.error('the store gave no work; trying again', { error, afterMs: STORE_PAUSE_MS })
        await pause(STORE_PAUSE_MS, this.#stop.signal)
      }
    }
  }

  async #claim(waitMs: number): Promise<Claimed[]> {
    const { store, leaseMs, handlerTimeoutMs: keepMs } = this.#settings
    const destinations = this.#freePlaces()
    if (destinations.length === 0 || this.#stop.signal.aborted) return []
    const abort = new AbortController()
    // A claim that does not wait ends by itself; put here, a drain's would take the place of the loop's, and a stop
    // would wait for that one.
    if (waitMs > 0) this.#waitingClaim = { abort, names: new Set(destinations.map(({ name }) => name)) }
    return store.claim({ destinations, leaseMs, keepMs, waitMs, signal: abort.signal })
  }

  /** A destination that was full has a place again: a claim that waits without it asks anew. */
  #placeIsFree(destination: string): void {
    if (this.#waitingClaim?.names.has(destination) === false) this.#waitingClaim.abort.abort()
  }

  #freePlaces(): { readonly name: string; readonly limit: number }[] {
    const { destinations, concurrency } = this.#settings
    return destinations
      .map((name) => ({ name, limit: concurrency - (this.#runningPerDestination.get(name) ?? 0) }))
      .filter(({ limit }) => limit > 0)
  }

  #isFull(): boolean {
    return this.#freePlaces().length === 0
  }

  #begin(
    claimed: Claimed,
    options: AttemptOptions<Effect> = this.#settings,
    onEnd?: (end: AttemptEnd) => void,
  ): void {
    if (this.#stop.signal.aborted) return this.#giveBack(claimed, onEnd)
    this.#heartbeat ??= this.#startHeartbeat()
    const abort = new LazyAbort()
    this.#running.set(claimed, abort)
    const takesPlace = onEnd === undefined
    if (takesPlace) this.#count(claimed.destination, 1)
    const startedMs = performance.now()
    void runAttempt(claimed, abort, options).then((result) => {
      this.#running.delete(claimed)
      if (takesPlace) this.#count(claimed.destination, -1)
      if (takesPlace) this.#placeIsFree(claimed.destination)
      this.#finished({ claimed, result, durationMs: performance.now() - startedMs, onEnd })
      this.#onFinished?.()
    })
  }

  /** What a claim or a put has leased while the stop began: it was not tried. */
  #giveBack(claimed: Claimed, onEnd: ((end: AttemptEnd) => void) | undefined): void {
    this.#finished({ claimed, result: { outcome: { kind: 'released' }, effects: [] }, durationMs: 0, onEnd })
  }

  /** Whatever else finishes in this turn of the event loop is settled together with it. */
  #finished(attempt: FinishedAttempt<Effect>): void {
    this.#unsettled.push(attempt)
    if (this.#unsettled.length > 1) return
    const settling = nextTurn().then(() => this.#settle(this.#unsettled.splice(0)))
    this.#settling.add(settling)
    void settling.then(() => this.#settling.delete(settling))
  }

  #count(destination: string, change: number): void {
    this.#runningPerDestination.set(destination, (this.#runningPerDestination.get(destination) ?? 0) + change)
  }

  #oneFinished(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#onFinished
      this.#onFinished = () => {
        this.#onFinished = undefined
        before?.()
        resolve()
      }
    })
  }

  /** Settles, and again where the store fails; after the last try the leases end by themselves and the deliveries run once more. */
  async #settle(attempts: readonly FinishedAttempt<Effect>[]): Promise<void> {
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
    for (const [index, attempt] of attempts.entries()) {
      const result = results[index]
      if (result?.result !== 'failed') this.#report(attempt, result)
      else if (attempt.result.effects.length > 0)
        failed.push(await this.#withFailedEffects(attempt, result.error))
      else {
        this.#settings.log.error('the store could not settle a delivery; it runs again', {
          error: result.error,
        })
        attempt.onEnd?.('unsettled')
      }
    }
    if (failed.length > 0) await this.#settle(failed)
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

  /** One timer for all leases. */
  #startHeartbeat(): NodeJS.Timeout {
    const { leaseMs } = this.#settings
    return setInterval(() => void this.#extendLeases(), leaseMs / 3).unref()
  }

  async #extendLeases(): Promise<void> {
    const { store, leaseMs, log } = this.#settings
    const running = [...this.#running]
    if (running.length === 0) return
    try {
      const results = await store.extend(
        running.map(([claimed]) => claimed),
        leaseMs,
      )
      running.forEach(([, abort], index) => {
        if (results[index] === 'lost') abort.abort(new Released('the lease went to another worker'))
      })
    } catch (error) {
      log.warn('leases could not be prolonged', { error })
    }
  }
}

interface FinishedAttempt<Effect> {
  readonly claimed: Claimed
  readonly result: AttemptResult<Effect>
  readonly durationMs: number
  readonly onEnd: ((end: AttemptEnd) => void) | undefined
}

/** How an attempt ended in the store; `unsettled` where nothing is known of that. */
export type AttemptEnd = Outcome['kind'] | 'lost' | 'unsettled'

function toSettlement<Effect>({ claimed, result, durationMs }: FinishedAttempt<Effect>): Settlement<Effect> {
  return {
    deliverySeq: claimed.deliverySeq,
    token: claimed.token,
    outcome: result.outcome,
    durationMs: Math.round(durationMs),
    effects: result.effects,
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Waits, or until the signal. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end)
  })
}
