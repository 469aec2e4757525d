/**
 * Deadlines that are all equally far away, on one timer: they expire in the order they were set, so a queue is enough.
 * A timer per request would cost more than the request's own bookkeeping.
 */
export class Deadlines {
  readonly #afterMs: number
  readonly #now: () => number
  readonly #queue: Deadline[] = []
  #isArmed = false

  /** @param now A monotonic clock in milliseconds. */
  constructor(afterMs: number, now: () => number = () => performance.now()) {
    this.#afterMs = afterMs
    this.#now = now
  }

  /** Calls `onExpiry` once `afterMs` have passed, unless the deadline was met by then. */
  set(onExpiry: () => void): Deadline {
    const deadline = new Deadline(this.#now() + this.#afterMs, onExpiry)
    this.#queue.push(deadline)
    if (!this.#isArmed) this.#arm(this.#afterMs)
    return deadline
  }

  #arm(delayMs: number): void {
    this.#isArmed = true
    // Unreferenced: what is waited for keeps the process alive, not the watch over it.
    setTimeout(() => this.#expire(), delayMs).unref()
  }

  #expire(): void {
    const now = this.#now()
    const open = this.#queue.findIndex((deadline) => deadline.isOpen && deadline.atMs > now)
    const past = this.#queue.splice(0, open < 0 ? this.#queue.length : open)
    const [next] = this.#queue
    this.#isArmed = false
    if (next !== undefined) this.#arm(Math.max(1, Math.ceil(next.atMs - now)))
    for (const deadline of past) deadline.expire()
  }
}

/** One deadline, met or passed. */
export class Deadline {
  readonly atMs: number
  #onExpiry: (() => void) | undefined

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
