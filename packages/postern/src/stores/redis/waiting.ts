import type { Link } from './link.ts'

/** Until a server that refuses the channel is asked again, twice as long each time: a user's rights change seldom. */
const RETRY_AFTER_MS = 1000
const LONGEST_RETRY_AFTER_MS = 300_000

/**
 * Wakes claims that wait: at once for what this process brings, and through a channel of the server for what others do. Where
 * that connection is broken, the claims' own timer finds the work.
 */
export class Waiting {
  readonly #open: () => Promise<Link>
  readonly #channel: string
  readonly #id: string
  readonly #listeners = new Set<(destinations: readonly string[] | undefined) => void>()
  #link: Promise<Link> | undefined
  #current: Link | undefined
  #isClosed = false
  #retryAtMs = 0
  #retryAfterMs = RETRY_AFTER_MS

  constructor(open: () => Promise<Link>, channel: string, id: string) {
    this.#open = open
    this.#channel = channel
    this.#id = id
  }

  /** Tells who waits for one of these destinations. */
  announce(destinations: readonly string[] | undefined): void {
    for (const listener of this.#listeners) listener(destinations)
  }

  /** Calls `wake` at the next announcement for one of the destinations; answers how to stop listening. */
  onWork(destinations: ReadonlySet<string>, wake: () => void): () => void {
    const listener = (woken: readonly string[] | undefined): void => {
      if (woken === undefined || woken.some((name) => destinations.has(name))) wake()
    }
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Listens to the others, unless it does already; where that fails, the next call tries again. */
  listen(): void {
    if (this.#link !== undefined || this.#isClosed || performance.now() < this.#retryAtMs) return
    const opening = this.#subscribe()
    this.#link = opening
    opening.catch(() => {
      if (this.#link === opening) this.#link = undefined
    })
  }

  close(): void {
    this.#isClosed = true
    this.#current?.end()
  }

  async #subscribe(): Promise<Link> {
    const link = await this.#open()
    this.#current = link
    link.onEnd(() => {
      this.#link = undefined
      this.announce(undefined)
    })
    if (this.#isClosed) link.end()
    try {
      await link.subscribe(this.#channel, (message) => {
        const [sender, ...destinations] = message.split('\n')
        if (sender !== this.#id) this.announce(destinations)
      })
    } catch (error) {
      this.#retryAtMs = performance.now() + this.#retryAfterMs
      this.#retryAfterMs = Math.min(2 * this.#retryAfterMs, LONGEST_RETRY_AFTER_MS)
      // Or each try would leave a connection behind.
      link.end()
      throw error
    }
    this.#retryAfterMs = RETRY_AFTER_MS
    // What came before the subscription held was told to nobody.
    this.announce(undefined)
    return link
  }
}
