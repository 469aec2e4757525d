import type { Time } from '../../packages/gateway/src/forward/time.ts'

/** A clock that stands until it is moved; its timers run in the order in which they are due. */
export class FakeTime implements Time {
  #nowMs = 0
  #timers: { readonly atMs: number; readonly run: () => void }[] = []
  readonly epochMs: number

  constructor(epochMs = 1_800_000_000_000) {
    this.epochMs = epochMs
  }

  wallMs(): number {
    return this.epochMs + this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer)
    }
  }

  get timers(): number {
    return this.#timers.length
  }

  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      const next = this.#timers.filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) break
      this.#timers = this.#timers.filter((each) => each !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.run()
    }
    this.#nowMs = untilMs
  }
}
