/** Numbers counted by size, as a plain value that any exporter can read. */
export interface Histogram {
  /** Upper bounds of the buckets, inclusive and rising; one bucket more holds what is above the last. */
  readonly bounds: readonly number[]
  /** How many numbers fell into each bucket: one entry more than bounds. */
  readonly counts: readonly number[]
  readonly count: number
  readonly sum: number
  /** The largest; 0 where there is none. */
  readonly max: number
}

/** Milliseconds, from a fast disk's fsync to the answer's deadline. */
export const DURATION_BOUNDS_MS: readonly number[] = [
  0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500,
]
/** Numbers of things, in powers of four. */
export const SIZE_BOUNDS: readonly number[] = [1, 4, 16, 64, 256, 1024, 4096, 16_384]

/** Counts numbers as they come; `read` gives the value so far. */
export class HistogramCounter {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #count = 0
  #sum = 0
  #max = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  add(value: number): void {
    let bucket = 0
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] ?? 0)) bucket += 1
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#count += 1
    this.#sum += value
    this.#max = Math.max(this.#max, value)
  }

  read(): Histogram {
    return {
      bounds: this.#bounds,
      counts: [...this.#counts],
      count: this.#count,
      sum: this.#sum,
      max: this.#max,
    }
  }
}
