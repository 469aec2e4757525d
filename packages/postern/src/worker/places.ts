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
  readonly #taken = new Map<string, number>()
  #promised: ReadonlyMap<string, number> = new Map()

  constructor(destinations: readonly string[], perDestination: number) {
    this.#destinations = destinations
    this.#perDestination = perDestination
  }

  /** The destinations that have places, and how many. */
  free(): FreePlaces[] {
    return this.#destinations
      .map((name) => ({ name, limit: this.#freeAt(name) }))
      .filter(({ limit }) => limit > 0)
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

  /** Whether a destination has a place that nothing was promised to. */
  hasSpare(destination: string): boolean {
    return this.#freeAt(destination) > (this.#promised.get(destination) ?? 0)
  }

  #freeAt(destination: string): number {
    return this.#perDestination - (this.#taken.get(destination) ?? 0)
  }
}
