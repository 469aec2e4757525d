/** The most memory that bodies still being read, and so unverified, take together. */
const DEFAULT_BUDGET_BYTES = 64 * 1024 * 1024

/** Counts the bytes of all bodies that are being read, so that many slow senders cannot fill the memory. */
export class BodyBudget {
  readonly #maxBytes: number
  #usedBytes = 0

  constructor(maxBytes: number = DEFAULT_BUDGET_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** Takes bytes, and says whether they were within the budget. They are to be released either way. */
  take(bytes: number): boolean {
    this.#usedBytes += bytes
    return this.#usedBytes <= this.#maxBytes
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes
  }
}
