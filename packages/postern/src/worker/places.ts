import type { DestinationLimits } from './limits.ts'

/** Places for one destination. */
export interface FreePlaces {
  readonly name: string
  readonly limit: number
}

/**
 * The places that handlers run at: so many for each destination, and each with one delivery at most. Some may be promised
 * to a claim that waits; what arrives meanwhile can only have the others.
 */
export class Places {
  readonly #destinations: readonly string[]
  readonly #perDestination: number
  readonly #limits: ReadonlyMap<string, DestinationLimits>
  readonly #taken = new Map<string, number>()
  #promised: ReadonlyMap<string, number> = new Map()

  constructor(
    destinations: readonly string[],
    perDestination: number,
    limits: ReadonlyMap<string, DestinationLimits> = new Map(),
  ) {
    this.#destinations = destinations
    this.#perDestination = perDestination
    this.#limits = limits
  }

  /** Calls `listener` with a destination whose gate lets more begin than before. */
  onOpen(listener: (destination: string) => void): void {
    for (const [destination, { gate }] of this.#limits) gate?.onOpen?.(() => listener(destination))
  }

  /** The destinations that have places, and how many. */
  free(): FreePlaces[] {
    return this.#destinations
      .map((name) => ({ name, limit: this.#freeAt(name) }))
      .filter(({ limit }) => limit > 0)
  }

  /** As many of them as one claim may fill: each destination has its share of `most`, and at least one. */
  freeForOneClaim(most: number): FreePlaces[] {
    const free = this.free()
    const share = Math.max(1, Math.floor(most / free.length))
    return free.map(({ name, limit }) => ({ name, limit: Math.min(limit, share) }))
  }

  get isFull(): boolean {
    return this.free().length === 0
  }

  /** Whether none is taken. */
  get areFree(): boolean {
    return this.#destinations.every((name) => (this.#taken.get(name) ?? 0) === 0)
  }

  take(destination: string): void {
    this.#taken.set(destination, (this.#taken.get(destination) ?? 0) + 1)
  }

  giveBack(destination: string): void {
    this.#taken.set(destination, (this.#taken.get(destination) ?? 0) - 1)
  }

  /** Promises places to a claim that waits, until `takeBackPromise`. */
  promise(places: readonly FreePlaces[]): void {
    this.#promised = new Map(places.map(({ name, limit }) => [name, limit]))
  }

  takeBackPromise(): void {
    this.#promised = new Map()
  }

  /**
   * Whether a destination has a place that nothing was promised to. Never one behind a gate, which hears of an attempt only
   * when it begins: of all that arrive in one turn each would find the same place.
   */
  hasSpare(destination: string): boolean {
    if (this.#limits.get(destination)?.gate !== undefined) return false
    return this.#freeAt(destination) > (this.#promised.get(destination) ?? 0)
  }

  #freeAt(destination: string): number {
    const { concurrency = this.#perDestination, gate } = this.#limits.get(destination) ?? {}
    const free = concurrency - (this.#taken.get(destination) ?? 0)
    return gate === undefined ? free : Math.min(free, Math.floor(gate.places()))
  }
}
