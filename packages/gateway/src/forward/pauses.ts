import type { Logger, SmallState } from 'postern'
import type { Time } from './time.ts'

export interface PausesOptions {
  readonly state: SmallState
  readonly time: Time
  readonly log: Logger
  /** Told of the names that are paused, whenever that may have changed. */
  readonly onChange: (paused: ReadonlyMap<string, PausedSince>) => void
}

/** ms since the epoch; `undefined` where what is kept cannot be read. */
export type PausedSince = number | undefined

const PREFIX = 'forward/paused/'
/** How long another node goes on after a destination was paused. */
const LOOK_EVERY_MS = 2000

/** Which destinations are paused: kept in the store, so that it outlives a restart and holds for every node. */
export class Pauses {
  readonly #options: PausesOptions
  #forget: (() => void) | undefined
  #isStopped = false
  /** Raised by each change from here, so that a look that began before it is not believed. */
  #version = 0

  constructor(options: PausesOptions) {
    this.#options = options
  }

  /** Reads what is paused, and looks again from then on. Rejects where the store does not answer. */
  async start(): Promise<void> {
    await this.#look()
    this.#lookLater()
  }

  stop(): void {
    this.#isStopped = true
    this.#forget?.()
  }

  /** Durable, and heeded by this node, once it fulfils. */
  async set(name: string, isPaused: boolean): Promise<void> {
    const { state, time } = this.#options
    await state.set(PREFIX + name, isPaused ? String(time.wallMs()) : undefined)
    this.#version += 1
    await this.#look()
  }

  async #look(): Promise<void> {
    const version = this.#version
    const entries = await this.#options.state.list(PREFIX)
    if (this.#isStopped || version !== this.#version) return
    const since = (value: string): PausedSince => (/^\d{1,15}$/.test(value) ? Number(value) : undefined)
    this.#options.onChange(new Map(entries.map(({ key, value }) => [key.slice(PREFIX.length), since(value)])))
  }

  #lookLater(): void {
    if (this.#isStopped) return
    this.#forget = this.#options.time.after(LOOK_EVERY_MS, () => void this.#lookAgain())
  }

  async #lookAgain(): Promise<void> {
    try {
      await this.#look()
    } catch (error) {
      this.#options.log.warn('which destinations are paused could not be read; all stay as they are', {
        error,
      })
    }
    this.#lookLater()
  }
}
