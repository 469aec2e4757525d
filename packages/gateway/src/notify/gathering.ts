import type { Time } from '../forward/time.ts'

/** One that waits to be told together with others. */
export interface Gathered<Each> {
  readonly each: Each
  readonly settle: (told: Promise<void>) => void
}

export interface GatheringOptions<Each> {
  readonly time: Time
  /** Sent off by then, counted from the first. */
  readonly forMs: number
  readonly most: number
  readonly onFull: (gathered: readonly Gathered<Each>[]) => void
}

/** Holds what comes for a moment, so that it can be told as one. */
export class Gathering<Each> {
  readonly #options: GatheringOptions<Each>
  #gathered: Gathered<Each>[] = []
  #forget: (() => void) | undefined

  constructor(options: GatheringOptions<Each>) {
    this.#options = options
  }

  get size(): number {
    return this.#gathered.length
  }

  /** Ends as what it is told with does; rejects at once where `signal` aborts before that has begun. */
  join(each: Each, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const onAbort = (): void => {
        this.#gathered = this.#gathered.filter((other) => other !== own)
        if (this.#gathered.length === 0) this.#stopWaiting()
        reject(signal.reason as Error)
      }
      const own: Gathered<Each> = {
        each,
        settle: (told) => {
          signal.removeEventListener('abort', onAbort)
          told.then(resolve, reject)
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#gathered.push(own)
      const { time, forMs, most } = this.#options
      this.#forget ??= time.after(forMs, () => this.#sendOff())
      if (this.#gathered.length >= most) this.#sendOff()
    })
  }

  #stopWaiting(): void {
    this.#forget?.()
    this.#forget = undefined
  }

  #sendOff(): void {
    this.#stopWaiting()
    const gathered = this.#gathered
    this.#gathered = []
    if (gathered.length > 0) this.#options.onFull(gathered)
  }
}
