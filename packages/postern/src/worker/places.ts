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

  /**
   * As many of them as one claim may fill, and what it may bring ahead: each destination has its share of `most`, and at least
   * one. Nothing comes ahead behind a gate, which counts what begins.
   */
  freeForOneClaim(most: number, ahead: (destination: string, places: number) => number): FreePlaces[] {
    const free = this.free()
    const share = Math.max(1, Math.floor(most / free.length))
    return free.map(({ name, limit }) => {
      const more = this.#isGated(name) ? 0 : ahead(name, this.#placesAt(name))
      return { name, limit: Math.min(limit + more, share) }
    })
  }

  /**
   * Of what could be claimed, what a claim that waits asks for and is promised: half of the free places is left to what arrives,
   * and all but one where as many as the other half are about to be free.
   */
  leaving(claimable: readonly FreePlaces[]): {
    readonly asked: readonly FreePlaces[]
    readonly promised: readonly FreePlaces[]
  } {
    const halves = claimable.map(({ name, limit }) => {
      const half = Math.ceil(Math.min(limit, this.#freeAt(name)) / 2)
      return { name, half, ahead: Math.max(0, limit - this.#freeAt(name)) }
    })
    return {
      asked: halves.map(({ name, half, ahead }) => ({ name, limit: half + ahead })),
      promised: halves.map(({ name, half, ahead }) => ({ name, limit: Math.max(1, half - ahead) })),
    }
  }

  /** Whether what was claimed may begin. A gate was asked before the claim, and what it let through begins. */
  hasPlaceFor({ destination }: { readonly destination: string }): boolean {
    return this.#isGated(destination) || this.#freeAt(destination) > 0
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
    if (this.#isGated(destination)) return false
    return this.#freeAt(destination) > (this.#promised.get(destination) ?? 0)
  }

  #isGated(destination: string): boolean {
    return this.#limits.get(destination)?.gate !== undefined
  }

  #placesAt(destination: string): number {
    return this.#limits.get(destination)?.concurrency ?? this.#perDestination
  }

  #freeAt(destination: string): number {
    const gate = this.#limits.get(destination)?.gate
    const free = this.#placesAt(destination) - (this.#taken.get(destination) ?? 0)
    return gate === undefined ? free : Math.min(free, Math.floor(gate.places()))
  }
}
