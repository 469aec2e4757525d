import type { Gate } from 'postern'
import type { AttemptEnd, Limit } from './limit.ts'
import type { Time } from './time.ts'

/** The longest that a timer of Node can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Stands before one destination: what it keeps back stays pending in the store, without an attempt. Open where it is not
 * paused and each of its limits has a place.
 */
export class DestinationGate implements Gate {
  readonly #limits: readonly Limit[]
  readonly #time: Time
  #isPaused = false
  #inFlight = 0
  #listener: (() => void) | undefined
  /** The timer that is set, and for when. */
  #opening: { readonly atMs: number; readonly forget: () => void } | undefined

  constructor(limits: readonly Limit[], time: Time) {
    this.#limits = limits
    this.#time = time
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Attempts that have begun and not ended, on this node. */
  get inFlight(): number {
    return this.#inFlight
  }

  places(): number {
    if (this.#isPaused) return 0
    const nowMs = this.#time.monotonicMs()
    const places = this.#placesAt(nowMs)
    if (places < 1) this.#tellWhenOpen(nowMs)
    return places
  }

  onOpen(listener: () => void): void {
    this.#listener = listener
  }

  /**
   * Begins an attempt; what is answered is called once, when it has ended. `undefined` where it may not begin: the gate may
   * have closed since the delivery was claimed.
   */
  begin(): ((end: AttemptEnd) => void) | undefined {
    const nowMs = this.#time.monotonicMs()
    if (this.#isPaused || this.#placesAt(nowMs) < 1) return undefined
    this.#inFlight += 1
    const ends = this.#limits.map((limit) => limit.begin(nowMs))
    return (end) => {
      this.#inFlight -= 1
      const endMs = this.#time.monotonicMs()
      for (const tell of ends) tell(end, endMs)
    }
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#listener?.()
  }

  /** Sets no more timers. */
  close(): void {
    this.#listener = undefined
    this.#opening?.forget()
    this.#opening = undefined
  }

  #placesAt(nowMs: number): number {
    return this.#limits.reduce((places, limit) => Math.min(places, limit.places(nowMs)), Infinity)
  }

  #tellWhenOpen(nowMs: number): void {
    if (this.#listener === undefined) return
    const atMs = this.#opensAtMs(nowMs)
    if (atMs === undefined || (this.#opening !== undefined && this.#opening.atMs <= atMs)) return
    this.#opening?.forget()
    // Up to the next whole one: a timer that is early would find the gate closed, and be set again and again.
    const afterMs = Math.min(LONGEST_TIMER_MS, Math.max(1, Math.ceil(atMs - nowMs)))
    const forget = this.#time.after(afterMs, () => {
      this.#opening = undefined
      this.#listener?.()
    })
    this.#opening = { atMs, forget }
  }

  /** When the last of the limits that are closed may open; `undefined` where one of them waits for an attempt to end. */
  #opensAtMs(nowMs: number): number | undefined {
    const closed = this.#limits.filter((limit) => limit.places(nowMs) < 1)
    const instants = closed.map((limit) => limit.opensAtMs(nowMs))
    return instants.includes(undefined) ? undefined : Math.max(...(instants as number[]))
  }
}
