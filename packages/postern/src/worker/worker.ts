import type { Logger } from '../core/index.ts'
import type { Claimed, Observer, Settlement, SettleResult, Store } from '../inbox/index.ts'
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

/** Claims deliveries, runs their handlers, settles them. Knows the Store contract, not databases. */
export class Worker<Effect> {
  readonly #settings: WorkerSettings<Effect>
  readonly #running = new Map<Claimed, LazyAbort>()
  readonly #runningPerDestination = new Map<string, number>()
  readonly #settling = new Set<Promise<void>>()
  readonly #stop = new AbortController()
  #loop: Promise<void> | undefined
  #heartbeat: NodeJS.Timeout | undefined
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
      const claimed = await this.#claim(0)
      attempts += claimed.length
      claimed.forEach((delivery) => this.#begin(delivery))
      if (claimed.length > 0) continue
      if (this.#running.size === 0 && this.#settling.size === 0) return attempts
      await (this.#running.size > 0 ? this.#oneFinished() : Promise.all(this.#settling))
    }
  }

  /** Claims no more, waits up to `graceMs` for what runs, gives the rest back. */
  async stop(graceMs: number): Promise<void> {
    this.#stop.abort()
    await this.#loop
    const graceEnds = setTimeout(() => {
      for (const abort of this.#running.values()) abort.abort(new Released('the worker is stopping'))
    }, graceMs)
    while (this.#running.size > 0) await this.#oneFinished()
    clearTimeout(graceEnds)
    await Promise.all(this.#settling)
    clearInterval(this.#heartbeat)
  }

  async #claimUntilStopped(): Promise<void> {
    const { log } = this.#settings
    while (!this.#stop.signal.aborted) {
      try {
        const claimed = await this.#claim(CLAIM_WAIT_MS)
        claimed.forEach((delivery) => this.#begin(delivery))
        if (this.#isFull()) await this.#oneFinished()
      } catch (error) {
        log.error('the store gave no work; trying again', { error, afterMs: STORE_PAUSE_MS })
        await pause(STORE_PAUSE_MS, this.#stop.signal)
      }
    }
  }

  async #claim(waitMs: number): Promise<Claimed[]> {
    const { store, leaseMs } = this.#settings
    const destinations = this.#freePlaces()
    if (destinations.length === 0) return []
    return store.claim({ destinations, leaseMs, waitMs, signal: this.#stop.signal })
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

  #begin(claimed: Claimed): void {
    this.#heartbeat ??= this.#startHeartbeat()
    const abort = new LazyAbort()
    this.#running.set(claimed, abort)
    this.#count(claimed.destination, 1)
    const startedMs = performance.now()
    void runAttempt(claimed, abort, this.#settings).then((result) => {
      this.#running.delete(claimed)
      this.#count(claimed.destination, -1)
      const settled = this.#settle(claimed, result, performance.now() - startedMs)
      this.#settling.add(settled)
      void settled.then(() => this.#settling.delete(settled))
      this.#onFinished?.()
    })
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

  /** Settles, and again where the store fails; after the last try the lease ends by itself and the delivery runs once more. */
  async #settle(claimed: Claimed, result: AttemptResult<Effect>, durationMs: number): Promise<void> {
    const { store, log } = this.#settings
    const { deliverySeq, token } = claimed
    const settlement: Settlement<Effect> = {
      deliverySeq,
      token,
      outcome: result.outcome,
      durationMs: Math.round(durationMs),
      effects: result.effects,
    }
    for (let attempt = 1; attempt <= SETTLE_TRIES; attempt += 1) {
      try {
        const [settled] = await store.settle([settlement])
        if (settled?.result === 'failed')
          return await this.#settleFailedEffects(claimed, settled.error, durationMs)
        return this.#report(claimed, result, settled, durationMs)
      } catch (error) {
        log.error('the store could not settle a delivery', { deliverySeq, attempt, error })
        if (attempt < SETTLE_TRIES) await pause(STORE_PAUSE_MS * attempt)
      }
    }
  }

  /** Effects that cannot be written fail the attempt like a handler that throws. */
  async #settleFailedEffects(claimed: Claimed, error: Error, durationMs: number): Promise<void> {
    const rejecting: AttemptOptions<Effect> = {
      ...this.#settings,
      handlersFor: () => [() => Promise.reject(error)],
    }
    const failed = await runAttempt(claimed, new LazyAbort(), rejecting)
    if (failed.outcome.kind !== 'succeeded') await this.#settle(claimed, failed, durationMs)
  }

  #report(
    claimed: Claimed,
    result: AttemptResult<Effect>,
    settled: SettleResult | undefined,
    durationMs: number,
  ): void {
    const { event, destination, attempt } = claimed
    const { outcome, error } = result
    this.#settings.observe({
      kind: 'attempted',
      source: event.source,
      eventSeq: event.eventSeq,
      id: event.id,
      type: event.type,
      destination,
      attempt,
      outcome: settled?.result === 'lost' ? 'lost' : outcome.kind,
      ...(outcome.kind === 'retry' && { retryAfterMs: outcome.afterMs }),
      ...(error !== undefined && { error }),
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

/** Waits, or until the signal. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
