const NOTHING: Uint8Array = new Uint8Array()

/**
 * Bytes that arrive in chunks, in one block that grows by doubling. An array of chunks costs hundreds of bytes for each,
 * so that a body of one-byte chunks would take 400 times its length.
 */
export class GrowingBytes {
  readonly #maxBytes: number
  #block = NOTHING
  #length = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The memory taken, in bytes. */
  get capacity(): number {
    return this.#block.byteLength
  }

  /** Adds a chunk; `false`, and nothing added, where that would exceed the maximum. */
  add(chunk: Uint8Array): boolean {
    const length = this.#length + chunk.byteLength
    if (length > this.#maxBytes) return false
    if (this.#length === 0) {
      // Most bodies come as one chunk, which needs no copy.
      this.#block = chunk
    } else {
      if (length > this.#block.byteLength) this.#grow(length)
      this.#block.set(chunk, this.#length)
    }
    this.#length = length
    return true
  }

  /** All of them; a view, not a copy. */
  bytes(): Uint8Array {
    return this.#block.subarray(0, this.#length)
  }

  #grow(length: number): void {
    const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(2 * length, 4096)))
    grown.set(this.bytes())
    this.#block = grown
  }
}
