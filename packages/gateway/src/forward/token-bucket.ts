import type { EndAttempt, Limit } from './limit.ts'

/** What may have gathered while nothing was sent, in seconds of the rate. */
const BURST_SECONDS = 0.25
/** An empty bucket opens again once it holds so many seconds' worth: a claim for each single token would be all the node does. */
const REFILL_SECONDS = 0.05

/**
 * What 50 ms bring must not be a token less a rounding error. Added only where tokens are counted: asked every millisecond, what is
 * kept would gain or lose more by rounding than a rate of one an hour brings.
 */
const ROUNDING = 1e-6

/** It learns nothing of how attempts end. */
const NOTHING: EndAttempt = () => {}

/** So many attempts a second, evenly: in no second more than the rate and a quarter of it. */
export class TokenBucket implements Limit {
  readonly #perMs: number
  readonly #capacity: number
  readonly #refill: number
  #tokens: number
  #atMs: number

  constructor(ratePerSecond: number, nowMs: number) {
    this.#perMs = ratePerSecond / 1000
    this.#capacity = Math.max(1, ratePerSecond * BURST_SECONDS)
    this.#refill = Math.max(1, ratePerSecond * REFILL_SECONDS)
    this.#tokens = this.#capacity
    this.#atMs = nowMs
  }

  places(nowMs: number): number {
    this.#fill(nowMs)
    return Math.floor(this.#tokens + ROUNDING)
  }

  opensAtMs(nowMs: number): number | undefined {
    this.#fill(nowMs)
    return nowMs + Math.max(0, this.#refill - this.#tokens) / this.#perMs
  }

  begin(nowMs: number): EndAttempt {
    this.#fill(nowMs)
    this.#tokens -= 1
    return NOTHING
  }

  #fill(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#atMs)
    this.#tokens = Math.min(this.#capacity, this.#tokens + passedMs * this.#perMs)
    this.#atMs = Math.max(this.#atMs, nowMs)
  }
}
