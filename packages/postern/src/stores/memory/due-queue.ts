/** When a delivery is to be looked at again. */
export interface DueEntry {
  readonly atMs: number
  readonly deliverySeq: number
}

/**
 * Deliveries by time, then sequence; adding one and taking the first cost the logarithm of their number.
 *
 * An entry stays when its delivery moves on, and is dropped once it comes to the front: `isCurrent` tells.
 */
export class DueQueue {
  /** A binary heap: no entry comes before its parent, at half its index. */
  readonly #heap: DueEntry[] = []
  readonly #isCurrent: (entry: DueEntry) => boolean

  constructor(isCurrent: (entry: DueEntry) => boolean) {
    this.#isCurrent = isCurrent
  }

  /** The time of the first delivery; `undefined` where none is left. */
  firstMs(): number | undefined {
    this.#dropStale()
    return this.#heap[0]?.atMs
  }

  /** Takes the first delivery whose time has come. */
  takeDue(nowMs: number): number | undefined {
    const atMs = this.firstMs()
    return atMs !== undefined && atMs <= nowMs ? this.#takeFirst()?.deliverySeq : undefined
  }

  add(entry: DueEntry): void {
    let index = this.#heap.push(entry) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#swapIfBefore(index, parent)) return
      index = parent
    }
  }

  #dropStale(): void {
    for (let first = this.#heap[0]; first !== undefined && !this.#isCurrent(first); first = this.#heap[0]) {
      this.#takeFirst()
    }
  }

  #takeFirst(): DueEntry | undefined {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return first
    this.#heap[0] = last
    this.#sink(0)
    return first
  }

  #sink(index: number): void {
    for (const child of [2 * index + 1, 2 * index + 2]) {
      const sibling = child % 2 === 1 ? child + 1 : child - 1
      if (!this.#isBefore(sibling, child) && this.#swapIfBefore(child, index)) return this.#sink(child)
    }
  }

  #swapIfBefore(left: number, right: number): boolean {
    const [a, b] = [this.#heap[left], this.#heap[right]]
    if (a === undefined || b === undefined || !this.#isBefore(left, right)) return false
    this.#heap[left] = b
    this.#heap[right] = a
    return true
  }

  #isBefore(left: number, right: number): boolean {
    const [a, b] = [this.#heap[left], this.#heap[right]]
    if (a === undefined || b === undefined) return false
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.deliverySeq < b.deliverySeq)
  }
}
