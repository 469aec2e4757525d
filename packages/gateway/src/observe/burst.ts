/** Time, as an argument so that tests set it. */
export interface Ticker {
  now(): number
  /** Calls back once; answers how to call it off. */
  after(ms: number, run: () => void): () => void
}

/** The process's own time; its timers keep no process alive. */
export const systemTicker: Ticker = {
  now: Date.now,
  after(ms, run) {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}

export interface BurstOptions<Item> {
  /** How many of one kind a second may have, to be shown one by one. */
  readonly limit: number
  readonly ticker: Ticker
  readonly kindOf: (item: Item) => string
  /** What an item is counted under. */
  readonly labelOf: (item: Item) => string
  readonly show: (item: Item) => void
  /** Gets what was counted instead of shown, at most once a second. */
  readonly sumUp: (counts: ReadonlyMap<string, number>) => void
}

const WINDOW_MS = 1000

/**
 * Shows items one by one while they are few, and sums up while they are many. The second after one that had too many
 * is held back whole, and decided at its end: a steady flood gives one line a second, a quiet one its items.
 */
export class Burst<Item> {
  readonly #options: BurstOptions<Item>
  #windowStartMs = -Infinity
  #isHolding = false
  #seen = new Map<string, number>()
  #counts = new Map<string, number>()
  #held: Item[] = []
  #callOff: (() => void) | undefined

  constructor(options: BurstOptions<Item>) {
    this.#options = options
  }

  add(item: Item): void {
    const { ticker, limit, kindOf, labelOf, show } = this.#options
    const nowMs = ticker.now()
    const passedMs = nowMs - this.#windowStartMs
    // Set back, a clock would keep the second open, and everything in it out of sight, until it is there again.
    if (passedMs >= WINDOW_MS || passedMs < 0) this.#startWindow(nowMs)
    const seen = addOne(this.#seen, kindOf(item))
    if (!this.#isHolding && seen <= limit) return show(item)
    addOne(this.#counts, labelOf(item))
    if (seen <= limit) this.#held.push(item)
    this.#callOff ??= ticker.after(this.#windowStartMs + WINDOW_MS - nowMs, () =>
      this.#startWindow(ticker.now()),
    )
  }

  /** Shows or sums up what is held back. */
  flush(): void {
    this.#callOff?.()
    this.#callOff = undefined
    const [counts, held] = [this.#counts, this.#held]
    this.#counts = new Map()
    this.#held = []
    if (this.#isHolding && !this.#isOver()) held.forEach(this.#options.show)
    else if (counts.size > 0) this.#options.sumUp(counts)
  }

  #startWindow(nowMs: number): void {
    this.flush()
    this.#isHolding = this.#isOver()
    this.#seen = new Map()
    this.#windowStartMs = nowMs
  }

  #isOver(): boolean {
    return [...this.#seen.values()].some((seen) => seen > this.#options.limit)
  }
}

function addOne(counts: Map<string, number>, key: string): number {
  const count = (counts.get(key) ?? 0) + 1
  counts.set(key, count)
  return count
}
