/**
 * Deadlines that are all equally far away, on one timer: they expire in the order they were set, so a queue is enough.
 * A timer per request would cost more than the request's own bookkeeping. What was met leaves the queue with the next one
 * set, and not when its time would have come: a minute of them would outlive every young collection, and be copied in each.
 */
export class Deadlines {
  readonly #afterMs: number
  readonly #now: () => number
  #oldest: Deadline | undefined
  #newest: Deadline | undefined
  #isArmed = false

  /** @param now A monotonic clock in milliseconds. */
  constructor(afterMs: number, now: () => number = () => performance.now()) {
    this.#afterMs = afterMs
    this.#now = now
  }

  /** Calls `onExpiry` once `afterMs` have passed, unless the deadline was met by then. */
  set(onExpiry: () => void): Deadline {
    const deadline = new Deadline(this.#now() + this.#afterMs, onExpiry)
    while (this.#oldest?.isOpen === false) this.#takeOldest()
    if (this.#newest === undefined) this.#oldest = deadline
    else this.#newest.next = deadline
    this.#newest = deadline
    if (!this.#isArmed) this.#arm(this.#afterMs)
    return deadline
  }

  #arm(delayMs: number): void {
    this.#isArmed = true
    // Unreferenced: what is waited for keeps the process alive, not the watch over it.
    setTimeout(() => this.#expire(), delayMs).unref()
  }

  #expire(): void {
    const nowMs = this.#now()
    const past: Deadline[] = []
    while (this.#oldest !== undefined && (!this.#oldest.isOpen || this.#oldest.atMs <= nowMs)) {
      past.push(this.#oldest)
      this.#takeOldest()
    }
    this.#isArmed = false
    if (this.#oldest !== undefined) this.#arm(Math.max(1, Math.ceil(this.#oldest.atMs - nowMs)))
    for (const deadline of past) deadline.expire()
  }

  #takeOldest(): void {
    const taken = this.#oldest
    this.#oldest = taken?.next
    if (this.#oldest === undefined) this.#newest = undefined
    // Otherwise one that has grown old in memory would keep every later one there.
    if (taken !== undefined) taken.next = undefined
  }
}

/** One deadline, met or passed. */
export class Deadline {
  readonly atMs: number
  #onExpiry: (() => void) | undefined
  /** The one that was set after it; for `Deadlines` only. */
  next: Deadline | undefined

  constructor(atMs: number, onExpiry: () => void) {
    this.atMs = atMs
    this.#onExpiry = onExpiry
  }

  get isOpen(): boolean {
    return this.#onExpiry !== undefined
  }

  /** Takes the deadline away: it was met. */
  met(): void {
    this.#onExpiry = undefined
  }

  expire(): void {
    const onExpiry = this.#onExpiry
    this.#onExpiry = undefined
    onExpiry?.()
  }
}
