/** Byte arrays, one after another in one block: it changes owner between threads instead of being copied. */
export class BlockWriter {
  readonly #arrays: Uint8Array[] = []
  #length = 0

  /** Adds bytes, and answers how many: what stands in their place. */
  add(array: Uint8Array): number {
    this.#arrays.push(array)
    this.#length += array.byteLength
    return array.byteLength
  }

  finish(): Uint8Array<ArrayBuffer> {
    // Its own memory, never a slice of Buffer's pool: the whole of it changes owner.
    const block = new Uint8Array(this.#length)
    let at = 0
    for (const array of this.#arrays) {
      block.set(array, at)
      at += array.byteLength
    }
    return block
  }
}

/** Takes them out again, in the order they were added. */
export class BlockReader {
  readonly #block: Uint8Array
  #at = 0

  constructor(block: Uint8Array) {
    this.#block = block
  }

  /** A view, not a copy. */
  take(length: number): Uint8Array {
    this.#at += length
    return this.#block.subarray(this.#at - length, this.#at)
  }
}
