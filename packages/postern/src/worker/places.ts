import type { Logger } from '../core/index.ts'
import type { ClaimedAhead } from './claimed-ahead.ts'
import type { DestinationLimits, Gate } from './limits.ts'

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
  readonly #ahead: Pick<ClaimedAhead, 'allowance'>
  readonly #log: Pick<Logger, 'error'>
  /** Destinations whose gate threw when it was asked last. */
  readonly #broken = new Set<string>()

  constructor(
    destinations: readonly string[],
    perDestination: number,
    limits: ReadonlyMap<string, DestinationLimits> | undefined,
    ahead: Pick<ClaimedAhead, 'allowance'>,
    log: Pick<Logger, 'error'>,
  ) {
    this.#destinations = destinations
    this.#perDestination = perDestination
    this.#limits = limits ?? new Map()
    this.#ahead = ahead
    this.#log = log
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

  /** As many of them as one claim may fill, and what it may bring ahead: each destination has its share of `most`, and at least one. */
  freeForOneClaim(most: number): FreePlaces[] {
    return this.#claimable(most).map(({ name, free, ahead }) => ({ name, limit: free + ahead }))
  }

  /**
   * Of the same, what a claim that waits asks for and is promised: half of the free places is left to what arrives, and all but one
   * where as many as the other half are about to be free.
   */
  leaving(most: number): { readonly asked: readonly FreePlaces[]; readonly promised: readonly FreePlaces[] } {
    const claimable = this.#claimable(most)
    const half = (free: number): number => Math.ceil(free / 2)
    return {
      asked: claimable.map(({ name, free, ahead }) => ({ name, limit: half(free) + ahead })),
      promised: claimable.map(({ name, free, ahead }) => ({ name, limit: Math.max(1, half(free) - ahead) })),
    }
  }

  /** Nothing comes ahead behind a gate, which counts what begins. */
  #claimable(most: number): readonly Claimable[] {
    const places = this.free()
    const share = Math.max(1, Math.floor(most / places.length))
    return places.map(({ name, limit }) => {
      const free = Math.min(limit, share)
      const ahead = this.#isGated(name) ? 0 : this.#ahead.allowance(name, this.#placesAt(name))
      return { name, free, ahead: Math.min(ahead, share - free) }
    })
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
    return gate === undefined ? free : Math.min(free, this.#placesOf(destination, gate))
  }

  /** A gate that throws, or answers no number, keeps its own destination back, and no other. Said once until it answers again: it is asked often. */
  #placesOf(destination: string, gate: Gate): number {
    try {
      const places = Math.floor(numberOf(gate.places()))
      this.#broken.delete(destination)
      return places
    } catch (error) {
      if (!this.#broken.has(destination))
        this.#log.error('a gate threw, and its destination waits', { destination, error })
      this.#broken.add(destination)
      return 0
    }
  }
}

/** To the compiler an `async` function could not be a gate's; unheard, its rejection would end the process. */
function numberOf(answer: unknown): number {
  if (answer instanceof Promise) answer.catch(() => {})
  if (typeof answer === 'number' && !Number.isNaN(answer)) return answer
  throw new TypeError('`places` must answer a number, and no promise of one')
}

interface Claimable {
  readonly name: string
  readonly free: number
  /** For places that are about to be free. */
  readonly ahead: number
}
