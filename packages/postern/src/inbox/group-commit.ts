/**
 * One small piece between a store and everybody who waits for it: while commits are under way, whatever else comes
 * gathers, and the next commit carries it. One fsync serves all who wait.
 *
 * Nothing waits on a timer to let a batch grow: an idle store commits what one turn of the event loop has brought, and a
 * slow disk makes the batches larger by itself. On a fast one they are kept small all the same, and a second one is
 * handed over before the first is done: then the writer and those who wait for it work side by side, instead of taking
 * turns, and the writer's thread need not be woken for each batch.
 */
export class GroupCommit<Item, Result> {
  readonly #commit: (items: readonly Item[]) => Promise<readonly Result[]>
  readonly #maxItems: number
  readonly #smallestBatch: number
  #waiting: Waiter<Item, Result>[] = []
  #batchLimit: number
  #underWay = 0
  #lastDoneMs = 0
  #lastTookMs = 0
  #isScheduled = false
  #whenIdle: (() => void)[] = []

  /**
   * @param commit Carries out items in one commit; answers in the order given. Called again before it has answered.
   * @param maxItems The most that one commit carries, so that its length stays bounded.
   * @param smallestBatch How many must wait for a second commit to be handed over before the first is done: more where a
   * commit costs more by itself.
   */
  constructor(
    commit: (items: readonly Item[]) => Promise<readonly Result[]>,
    maxItems: number,
    smallestBatch: number = SMALLEST_BATCH,
  ) {
    this.#commit = commit
    this.#maxItems = maxItems
    this.#smallestBatch = smallestBatch
    this.#batchLimit = smallestBatch
  }

  /** Adds an item to the next commit; fulfils when that commit is done, rejects when it failed. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      this.#schedule()
    })
  }

  /** Fulfils when nothing waits any more. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve)
      this.#announceIdle()
    })
  }

  /** After everything that has already arrived was looked at, so that a burst goes into the first commit as a whole. */
  #schedule(): void {
    if (this.#isScheduled || this.#underWay >= MOST_UNDER_WAY) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#handOver()
    })
  }

  #handOver(): void {
    while (this.#isTimeForNext()) void this.#commitNext()
  }

  #isTimeForNext(): boolean {
    if (this.#underWay === 0) return this.#waiting.length > 0
    return (
      this.#underWay < MOST_UNDER_WAY &&
      this.#waiting.length >= this.#smallestBatch &&
      this.#lastTookMs <= SLOW_COMMIT_MS
    )
  }

  async #commitNext(): Promise<void> {
    const batch = this.#waiting.splice(0, Math.min(this.#batchLimit, this.#maxItems))
    const startedMs = performance.now()
    this.#underWay += 1
    try {
      const results = await this.#commit(batch.map(({ item }) => item))
      batch.forEach(({ resolve }, index) => resolve(results[index] as Result))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    this.#underWay -= 1
    this.#learnFrom(startedMs)
    this.#handOver()
    this.#announceIdle()
  }

  /** What was handed over behind another began when that was done. */
  #learnFrom(startedMs: number): void {
    const nowMs = performance.now()
    const tookMs = nowMs - Math.max(startedMs, this.#lastDoneMs)
    this.#lastDoneMs = nowMs
    this.#lastTookMs = tookMs
    this.#batchLimit = Math.max(this.#smallestBatch, Math.ceil(tookMs * ITEMS_PER_MS))
  }

  #announceIdle(): void {
    if (this.#underWay > 0 || this.#waiting.length > 0) return
    for (const resolve of this.#whenIdle.splice(0)) resolve()
  }
}

/**
 * What the next batch may hold for each millisecond that the last commit took. An item costs the writer some 20 µs, so at
 * this rate a batch's own work takes about as long as its fsync: 250 items where that takes 5 ms, 10,000 at 200 ms.
 */
const ITEMS_PER_MS = 25
const SMALLEST_BATCH = 32
/** The one being carried out and the one that follows it. */
const MOST_UNDER_WAY = 2
/**
 * Above this, a batch that is handed over early only shuts out what comes while it waits: with 200 ms an fsync at 500
 * events a second the median answer took 561 ms, and 352 ms with one batch at a time.
 */
const SLOW_COMMIT_MS = 20

interface Waiter<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}
