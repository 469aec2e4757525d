/** Below this the wall clock was not set: NTP steers it by less, and a store need not know. */
const SET_MS = 30_000
/** A file's newest time that is further ahead says nothing of now: whoever wrote it had another year. */
const MOST_AHEAD_MS = 7 * 24 * 60 * 60 * 1000

/**
 * The wall clock, but for its steps back: what is due in five minutes, or leased for thirty seconds, is so by what passes and
 * not by what an operator or NTP sets. A step back is made up for, and a step forward takes from that what it can; where
 * there is nothing to make up for it is followed, since a machine that slept has one behind it too.
 */
export class SteadyClock {
  readonly #wallNow: () => number
  readonly #monotonicNow: () => number
  #wallMs: number
  #monotonicMs: number
  #aheadMs = 0

  /**
   * @param wallNow In milliseconds since 1970.
   * @param monotonicNow In milliseconds since whenever; nobody sets it.
   */
  constructor(wallNow: () => number = Date.now, monotonicNow: () => number = () => performance.now()) {
    this.#wallNow = wallNow
    this.#monotonicNow = monotonicNow
    this.#wallMs = wallNow()
    this.#monotonicMs = monotonicNow()
  }

  /** How far it is ahead of the wall clock. */
  get aheadMs(): number {
    return this.#aheadMs
  }

  /** In whole milliseconds where the wall clock's are. */
  nowMs(): number {
    const wallMs = this.#wallNow()
    const monotonicMs = this.#monotonicNow()
    const setByMs = wallMs - this.#wallMs - (monotonicMs - this.#monotonicMs)
    this.#wallMs = wallMs
    this.#monotonicMs = monotonicMs
    if (Math.abs(setByMs) > SET_MS) this.#aheadMs = Math.max(0, this.#aheadMs - Math.round(setByMs))
    return wallMs + this.#aheadMs
  }

  /** Learns of a time that has been, as of the newest event: the wall clock may have been set back while nobody looked. */
  hasBeen(pastMs: number): void {
    const behindMs = Math.ceil(pastMs - this.nowMs())
    if (behindMs > SET_MS && behindMs <= MOST_AHEAD_MS) this.#aheadMs += behindMs
  }
}
