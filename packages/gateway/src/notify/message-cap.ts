import type { EndAttempt, Limit } from '../forward/limit.ts'

const MINUTE_MS = 60_000
/** So many deliveries are summed up in one message, and leased at once. */
export const MOST_GATHERED = 500

/**
 * At most so many messages in any 60 seconds. When the last of them is used up, what comes after waits in the store until there is
 * room, and is then gathered into one: `isGathering`.
 */
export class MessageCap implements Limit {
  readonly #perMinute: number
  readonly #gathered: () => number
  /** When the messages of the last minute began. */
  #begun: number[] = []
  #isGathering = false

  /** @param gathered How many are gathered just now. */
  constructor(perMinute: number, gathered: () => number) {
    this.#perMinute = perMinute
    this.#gathered = gathered
  }

  /** Whether what comes now has waited, and belongs into one message. */
  get isGathering(): boolean {
    return this.#isGathering
  }

  /** Deliveries that may begin: while messages are gathered many of them make one. */
  places(nowMs: number): number {
    this.#forget(nowMs)
    const messages = this.#perMinute - this.#begun.length
    if (messages < 1) return 0
    return this.#isGathering ? MOST_GATHERED - this.#gathered() : messages
  }

  opensAtMs(nowMs: number): number | undefined {
    this.#forget(nowMs)
    const full = this.#begun.length >= this.#perMinute
    // Gathered to the full: what opens it is the message that is sent next, and no instant.
    return full ? (this.#begun[0] ?? nowMs) + MINUTE_MS : undefined
  }

  begin(nowMs: number): EndAttempt {
    this.#forget(nowMs)
    this.#begun.push(nowMs)
    this.#isGathering = this.#begun.length >= this.#perMinute
    return () => {}
  }

  #forget(nowMs: number): void {
    this.#begun = this.#begun.filter((atMs) => nowMs - atMs < MINUTE_MS)
  }
}
