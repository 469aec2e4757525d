import type { Claimed } from '../inbox/index.ts'

/** A handler that takes longer gets nothing ahead: what stood behind it would be kept from other nodes. */
const QUICK_MS = 50
/** For each place at most so many more. */
const MOST_PER_PLACE = 4
/** What has waited so long is given back: handlers that were quick no longer are. */
const PATIENCE_MS = 500

/**
 * Deliveries that were claimed for places about to be free. A claim takes a commit; handlers that are done sooner would leave
 * their places empty for the rest of it, and 64 places would be 64 deliveries a commit, however quick the handlers.
 *
 * A destination gets as many ahead as handlers of it have ended quickly since its last claim: about as many as will end while this one
 * is under way. So they wait for a few milliseconds, and where handlers take long there are none.
 */
export class ClaimedAhead {
  readonly #waiting = new Map<string, Waiting[]>()
  readonly #endedQuickly = new Map<string, number>()
  readonly #patienceMs: number
  readonly #giveBack: (claimed: Claimed) => void
  #timer: NodeJS.Timeout | undefined

  /** @param leaseMs A quarter of it is the longest that anything waits, where that is less than half a second. */
  constructor(leaseMs: number, giveBack: (claimed: Claimed) => void) {
    this.#patienceMs = Math.min(PATIENCE_MS, leaseMs / 4)
    this.#giveBack = giveBack
  }

  ended(destination: string, durationMs: number): void {
    if (durationMs > QUICK_MS) return
    this.#endedQuickly.set(destination, (this.#endedQuickly.get(destination) ?? 0) + 1)
  }

  /** How many more than its free places a claim may bring that begins now. */
  allowance(destination: string, places: number): number {
    const expected = this.#endedQuickly.get(destination) ?? 0
    this.#endedQuickly.set(destination, 0)
    const waiting = this.#waiting.get(destination)?.length ?? 0
    return Math.max(0, Math.min(expected, places * MOST_PER_PLACE) - waiting)
  }

  has(destination: string): boolean {
    return (this.#waiting.get(destination)?.length ?? 0) > 0
  }

  /** @param onGivenBack Called in place of its beginning. */
  add(claimed: Claimed, onGivenBack: () => void): void {
    const waiting = this.#waiting.get(claimed.destination) ?? []
    waiting.push({ claimed, onGivenBack, sinceMs: performance.now() })
    this.#waiting.set(claimed.destination, waiting)
    this.#timer ??= setTimeout(() => this.#giveBackLate(), this.#patienceMs).unref()
  }

  /**
   * What has waited longest for a place of the destination, and not too long. A handler that blocked the event loop has held up the
   * timer as well: by now the lease may be over, and another node be done with it and with what comes after it.
   */
  next(destination: string): Claimed | undefined {
    const first = this.#waiting.get(destination)?.[0]
    if (first === undefined) return undefined
    const latestMs = performance.now() - this.#patienceMs
    if (first.sinceMs <= latestMs) this.#giveBackFrom(latestMs)
    return this.#waiting.get(destination)?.shift()?.claimed
  }

  giveBackAll(): void {
    clearTimeout(this.#timer)
    this.#giveBackFrom(Infinity)
  }

  #giveBackLate(): void {
    this.#timer = undefined
    this.#giveBackFrom(performance.now() - this.#patienceMs)
    const isLeft = [...this.#waiting.values()].some(({ length }) => length > 0)
    if (isLeft) this.#timer = setTimeout(() => this.#giveBackLate(), this.#patienceMs).unref()
  }

  #giveBackFrom(latestMs: number): void {
    for (const [destination, waiting] of this.#waiting) {
      const late = waiting.filter(({ sinceMs }) => sinceMs <= latestMs)
      this.#waiting.set(destination, waiting.slice(late.length))
      for (const { claimed, onGivenBack } of late) {
        onGivenBack()
        this.#giveBack(claimed)
      }
    }
  }
}

interface Waiting {
  readonly claimed: Claimed
  readonly onGivenBack: () => void
  readonly sinceMs: number
}
