import { GrowingBytes } from '../core/growing-bytes.ts'

/** The most memory that bodies still being read, and so unverified, take together. */
const DEFAULT_BUDGET_BYTES = 64 * 1024 * 1024

/**
 * The memory that all bodies being read share. Where a new chunk does not fit, the body that has been arriving for the
 * longest gives way: genuine ones are here for milliseconds, and whoever holds half-sent ones open must not keep them
 * out.
 */
export class BodyBudget {
  readonly #maxBytes: number
  #usedBytes = 0
  /** Oldest first. */
  readonly #readings = new Set<BodyReading>()

  constructor(maxBytes: number = DEFAULT_BUDGET_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** Begins a body of at most `maxBytes`; `giveWay` is called where its memory is needed for others. */
  begin(maxBytes: number, giveWay: () => void): BodyReading {
    return new BodyReading(this, maxBytes, giveWay)
  }

  /** For `BodyReading` only. */
  charge(reading: BodyReading, bytes: number): void {
    this.#readings.add(reading)
    this.#usedBytes += bytes
    if (this.#usedBytes <= this.#maxBytes) return
    for (const oldest of this.#readings) {
      if (this.#usedBytes <= this.#maxBytes) return
      oldest.giveWay()
    }
  }

  /** For `BodyReading` only. */
  end(reading: BodyReading, bytes: number): void {
    if (this.#readings.delete(reading)) this.#usedBytes -= bytes
  }
}

const EMPTY = new GrowingBytes(0)

/** One body as it arrives. */
export class BodyReading {
  readonly #budget: BodyBudget
  readonly #giveWay: () => void
  #received: GrowingBytes
  #charged = 0

  constructor(budget: BodyBudget, maxBytes: number, giveWay: () => void) {
    this.#budget = budget
    this.#giveWay = giveWay
    this.#received = new GrowingBytes(maxBytes)
  }

  /** Adds a chunk; `false` once the body is longer than allowed. */
  add(chunk: Uint8Array): boolean {
    if (!this.#received.add(chunk)) return false
    const more = this.#received.capacity - this.#charged
    this.#charged += more
    if (more > 0) this.#budget.charge(this, more)
    return true
  }

  /** The whole body; its memory is the caller's from now on. */
  finish(): Uint8Array {
    const bytes = this.#received.bytes()
    this.end()
    return bytes
  }

  /** Gives the memory back to the budget. The bytes go at once: listeners of a refused request may keep this object alive. */
  end(): void {
    if (this.#charged > 0) this.#budget.end(this, this.#charged)
    this.#received = EMPTY
  }

  giveWay(): void {
    this.end()
    this.#giveWay()
  }
}
