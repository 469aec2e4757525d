import type { Logger } from '../core/index.ts'
import type { Claimed, Observer, Reservation, SettlesIn, Store } from '../inbox/index.ts'
import { caughtUpIn, type ClaimRound } from './claim-round.ts'
import { ClaimedAhead } from './claimed-ahead.ts'
import { Places, type FreePlaces } from './places.ts'
import type { DestinationLimits } from './limits.ts'
import { LazyAbort, Released, runAttempt, type AttemptOptions, type AttemptResult } from './attempt.ts'
import { Heartbeat, type RunningAttempt } from './heartbeat.ts'
import { DestinationOptions } from './destination-options.ts'
import { OwnTransaction } from './own-transaction.ts'
import { nextTurn, Occasion, pause } from './pause.ts'
import { Running } from './running.ts'
import { Settling, type AttemptEnd } from './settling.ts'

export interface WorkerSettings<Effect, Tx = never> extends AttemptOptions<Effect, Tx> {
  readonly store: Pick<Store<Effect>, 'claim' | 'settle' | 'extend'> & Partial<SettlesIn<Tx>>
  readonly destinations: readonly string[]
  /** Handlers that run at once, per destination. */
  readonly concurrency: number
  /** Of destinations that have some of their own. */
  readonly limits?: ReadonlyMap<string, DestinationLimits>
  readonly leaseMs: number
  readonly log: Logger
  readonly observe: Observer
}

/** How long one claim waits for work before it looks again, should a wake-up be lost. */
const CLAIM_WAIT_MS = 5000
/** What one claim may bring, where there are fewer destinations: more would make its commit long, and is all in memory. */
const MOST_PER_CLAIM = 1024
/** How long to leave a store alone that has just failed. */
const STORE_PAUSE_MS = 1000
/** How long what has outlived its last attempt waits for another such delivery to be done. */
const SUSPECT_PAUSE_MS = 250

/** Claims deliveries, runs their handlers, settles them. Knows the Store contract, not databases. */
export class Worker<Effect, Tx = never> {
  readonly #settings: WorkerSettings<Effect, Tx>
  readonly #options: DestinationOptions<Effect, Tx>
  readonly #running = new Running<RunningAttempt<Tx>>()
  readonly #heartbeat: Heartbeat<Tx>
  readonly #places: Places
  /** Leased by their puts, to begin in the next turn. */
  readonly #arrived: Claimed[] = []
  readonly #settling: Settling<Effect, Tx>
  readonly #stop = new AbortController()
  /** The loop's claim, which may be waiting, and the destinations that it is for. */
  #waitingClaim: { readonly abort: AbortController; readonly names: ReadonlySet<string> } | undefined
  /** Of which the loop's last claim left nothing that was due: what is due now has come since. */
  #caughtUp = new Set<string>()
  readonly #ahead: ClaimedAhead
  /** The last of the claims that stand in line, with the beginning of what it took. */
  #claiming: Promise<void> = Promise.resolve()
  #drainsInLine = 0
  /** Stopped, and everything settled: the store may be closed. */
  #isOver = false
  #loop: Promise<void> | undefined
  readonly #finished = new Occasion()

  constructor(settings: WorkerSettings<Effect, Tx>) {
    this.#settings = settings
    const { destinations, concurrency, limits, log } = settings
    this.#options = new DestinationOptions(settings, limits)
    this.#heartbeat = new Heartbeat(settings, this.#running)
    this.#ahead = new ClaimedAhead(settings.leaseMs, (late) => this.#giveBackUnbegun(late, undefined, false))
    this.#places = new Places(destinations, concurrency, limits, this.#ahead, log)
    this.#places.onOpen((destination) => this.#gotPlaces(destination))
    this.#settling = new Settling(settings, (destination) => this.#options.of(destination))
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
      const wasIdle = this.#running.size === 0 && this.#settling.isIdle && this.#places.areFree
      const begun = await this.#beginDueForDrain(() => (attempts -= 1))
      attempts += begun
      if (begun > 0) continue
      if (wasIdle || this.#stop.signal.aborted) return attempts
      const isWorking = this.#running.size > 0 || !this.#places.areFree
      await (isWorking ? this.#finished.next() : this.#settling.idle())
    }
  }

  /** The loop must not wait for work meanwhile: its claim would hold this one up. */
  async #beginDueForDrain(onGivenBack: () => void): Promise<number> {
    this.#drainsInLine += 1
    this.#waitingClaim?.abort.abort()
    return this.#oneAtATime(async () => {
      this.#drainsInLine -= 1
      return this.#beginAll(await this.#claim(this.#places.freeForOneClaim(MOST_PER_CLAIM)), onGivenBack)
    })
  }

  /**
   * Runs a delivery that its request has leased already, and settles it, for at most `withinMs`; with no time left it is
   * given back. It counts towards no concurrency: the request's own connection bounds it.
   */
  run(claimed: Claimed, withinMs: number): Promise<AttemptEnd> {
    if (withinMs <= 0) return new Promise((resolve) => this.#giveBackUnbegun(claimed, resolve, false))
    const options = this.#options.within(claimed.destination, withinMs)
    return new Promise((resolve) => this.#begin(claimed, { options, onEnd: resolve, isPlaced: false }))
  }

  /**
   * A place for what arrives now, so that its put can lease it and no claim is needed. Only while nothing older is due but
   * what came since the last claim; `undefined` otherwise.
   */
  reserve(destination: string): Reservation | undefined {
    if (this.#stop.signal.aborted) return undefined
    if (!this.#caughtUp.has(destination) || this.#ahead.has(destination)) return undefined
    if (!this.#places.hasSpare(destination)) {
      // A claim that waits brings what arrives now. Without one, nothing later may pass it by until it has been claimed.
      if (this.#waitingClaim === undefined) this.#caughtUp.delete(destination)
      return undefined
    }
    this.#places.take(destination)
    const { leaseMs } = this.#settings
    const { handlerTimeoutMs: keepMs } = this.#options.of(destination)
    return {
      lease: { destination, leaseMs, keepMs, leavesCopies: true },
      begin: (claimed) => this.#beginArrived(claimed),
      release: () => this.#giveBackPlace(destination),
    }
  }

  /** Begins in the next turn: the answers to the senders come first. */
  #beginArrived(claimed: Claimed): void {
    this.#arrived.push(claimed)
    if (this.#arrived.length > 1) return
    setImmediate(() => this.#beginAllArrived())
  }

  #beginAllArrived(): void {
    for (const claimed of this.#arrived.splice(0)) this.#begin(claimed)
  }

  /**
   * Claims no more, waits up to `graceMs` for what runs, gives the rest back. What a put leases until `arriving` is over is
   * given back as well.
   */
  async stop(graceMs: number, arriving: Promise<void> = Promise.resolve()): Promise<void> {
    this.#stop.abort()
    this.#waitingClaim?.abort.abort()
    // With every gate closed nothing runs whose end the loop could be waiting for.
    this.#finished.happened()
    const graceEnds = setTimeout(() => {
      for (const { abort } of this.#running.all()) abort.abort(new Released('the worker is stopping'))
    }, graceMs)
    await this.#loop
    await arriving
    this.#beginAllArrived()
    await this.#claiming
    this.#ahead.giveBackAll()
    while (this.#running.size > 0) await this.#finished.next()
    clearTimeout(graceEnds)
    await this.#settling.idle()
    this.#heartbeat.end()
    this.#isOver = true
  }

  async #claimUntilStopped(): Promise<void> {
    const { log } = this.#settings
    let isBusy = true
    while (!this.#stop.signal.aborted) {
      try {
        const round = await this.#oneAtATime(() => (isBusy ? this.#beginDue() : this.#beginWhatComes()))
        this.#caughtUp = caughtUpIn(round)
        // There may be more of those that got all that was asked for.
        isBusy = round.isCutShort || this.#caughtUp.size < round.destinations.length
        if (this.#places.isFull && !this.#stop.signal.aborted) await this.#onePlaceFree()
        // Handlers that had nothing to wait for are done by then, and the next claim takes as many as this one.
        await nextTurn()
      } catch (error) {
        this.#caughtUp.clear()
        log.error('the store gave no work; trying again', { error, afterMs: STORE_PAUSE_MS })
        await pause(STORE_PAUSE_MS, this.#stop.signal)
      }
    }
  }

  async #beginDue(): Promise<ClaimRound> {
    const destinations = this.#places.freeForOneClaim(MOST_PER_CLAIM)
    const claimed = await this.#claim(destinations)
    await this.#beginAll(claimed)
    return { destinations, claimed, isCutShort: false }
  }

  async #beginWhatComes(): Promise<ClaimRound> {
    if (this.#drainsInLine > 0) return { destinations: [], claimed: [], isCutShort: true }
    const round = await this.#waitForWork()
    await this.#beginAll(round.claimed)
    return round
  }

  /** One claim after another, a drain's as well: two that count the same free places would both fill them. */
  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#claiming.then(work)
    this.#claiming = result.then(
      () => {},
      () => {},
    )
    return result
  }

  async #claim(destinations: readonly FreePlaces[]): Promise<Claimed[]> {
    if (destinations.length === 0 || this.#stop.signal.aborted) return []
    return this.#claimFor(destinations, 0)
  }

  /** Waits for what is due next, and leaves places to what arrives meanwhile. */
  async #waitForWork(): Promise<ClaimRound> {
    const { asked: destinations, promised } = this.#places.leaving(MOST_PER_CLAIM)
    if (destinations.length === 0 || this.#stop.signal.aborted)
      return { destinations, claimed: [], isCutShort: false }
    const abort = new AbortController()
    this.#waitingClaim = { abort, names: new Set(destinations.map(({ name }) => name)) }
    this.#places.promise(promised)
    try {
      const claimed = await this.#claimFor(destinations, CLAIM_WAIT_MS, abort.signal)
      return { destinations, claimed, isCutShort: abort.signal.aborted }
    } finally {
      this.#waitingClaim = undefined
      this.#places.takeBackPromise()
    }
  }

  #claimFor(
    destinations: readonly FreePlaces[],
    waitMs: number,
    signal: AbortSignal = this.#stop.signal,
  ): Promise<Claimed[]> {
    const { store, leaseMs } = this.#settings
    const keepMs = this.#options.keepMs(destinations)
    return store.claim({ destinations, leaseMs, keepMs, waitMs, signal })
  }

  #giveBackPlace(destination: string): void {
    this.#places.giveBack(destination)
    const next = this.#ahead.next(destination)
    if (next === undefined) this.#gotPlaces(destination)
    else this.#beginInPlace(next)
  }

  /** A destination that was full has a place again: a claim that waits without it asks anew. */
  #gotPlaces(destination: string): void {
    if (this.#waitingClaim?.names.has(destination) === false) this.#waitingClaim.abort.abort()
    this.#finished.happened()
  }

  /**
   * Begins what was claimed, or lets it wait for a place, and answers how many. Deliveries that have outlived their last attempt
   * go one at a time: all that ran beside a handler that ends the process have used up their attempts together with it, and only
   * apart from each other can it be told which one it was.
   */
  async #beginAll(claimed: readonly Claimed[], onGivenBack: () => void = () => {}): Promise<number> {
    const suspects = claimed.filter((each) => this.#options.hasOutlived(each))
    const next = suspects.length === 0 || this.#isSuspectRunning ? undefined : suspects[0]
    const waiting = suspects.filter((suspect) => suspect !== next)
    // Before the next one begins: should it end the process, those that wait have not been tried.
    if (waiting.length > 0) await this.#giveBack(waiting)
    const begun = waiting.length === 0 ? claimed : claimed.filter((delivery) => !waiting.includes(delivery))
    for (const delivery of begun) {
      if (delivery === next || this.#places.hasPlaceFor(delivery)) this.#beginInPlace(delivery)
      else this.#ahead.add(delivery, onGivenBack)
    }
    return begun.length
  }

  /** Leaves deliveries as they were before the claim, for a while. */
  async #giveBack(claimed: readonly Claimed[]): Promise<void> {
    const outcome = { kind: 'released', afterMs: SUSPECT_PAUSE_MS } as const
    const result: AttemptResult<Effect> = { outcome, effects: [] }
    await this.#settling.now(
      claimed.map((each) => ({ claimed: each, result, durationMs: 0, onEnd: undefined })),
    )
  }

  get #isSuspectRunning(): boolean {
    return this.#running.some(({ claimed }) => this.#options.hasOutlived(claimed))
  }

  #beginInPlace(claimed: Claimed): void {
    this.#places.take(claimed.destination)
    this.#begin(claimed)
  }

  /** Runs what is leased; what is placed gives its place back in the end. */
  #begin(
    claimed: Claimed,
    { options = this.#options.of(claimed.destination), onEnd, isPlaced = true }: Beginning<Effect, Tx> = {},
  ): void {
    if (this.#stop.signal.aborted) return this.#giveBackUnbegun(claimed, onEnd, isPlaced)
    this.#heartbeat.begin()
    const abort = new LazyAbort()
    const startedMs = performance.now()
    const own = new OwnTransaction(this.#settings.store, claimed, startedMs)
    const running = this.#running.add({ claimed, abort, own, isPlaced })
    void runAttempt(claimed, abort, options, own).then((result) => {
      const durationMs = performance.now() - startedMs
      this.#running.remove(running)
      if (isPlaced) {
        this.#ahead.ended(claimed.destination, durationMs)
        this.#giveBackPlace(claimed.destination)
      }
      this.#settling.add({ claimed, result, own, durationMs, onEnd })
      this.#finished.happened()
    })
  }

  /** Leased too late: the worker stops, or the sender no longer waits. */
  #giveBackUnbegun(claimed: Claimed, onEnd: Beginning<Effect, Tx>['onEnd'], isPlaced: boolean): void {
    const result: AttemptResult<Effect> = { outcome: { kind: 'released' }, effects: [] }
    // Where its commit took longer than the stop, its lease ends by itself.
    if (this.#isOver) onEnd?.('unsettled')
    else this.#settling.add({ claimed, result, durationMs: 0, onEnd })
    if (isPlaced) this.#giveBackPlace(claimed.destination)
  }

  /** Looks again after a while: what keeps all places may be gates, and not every gate tells when it opens. */
  async #onePlaceFree(): Promise<void> {
    const timer = setTimeout(() => this.#finished.happened(), CLAIM_WAIT_MS)
    await this.#finished.next()
    clearTimeout(timer)
  }
}

interface Beginning<Effect, Tx> {
  readonly options?: AttemptOptions<Effect, Tx>
  readonly onEnd?: ((end: AttemptEnd) => void) | undefined
  readonly isPlaced?: boolean
}
