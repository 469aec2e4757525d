import type { OnDead } from '../../inbox/index.ts'

/**
 * The deliveries of one ordering key at one destination, in line: the lowest sequence number runs first, and none while
 * another runs.
 */
export class Lane {
  /** What a delivery that dies now does to the others: as the newest event of the key said. */
  onDead: OnDead
  /** Pending, leased, or dead and in the way; rising. */
  readonly #open: number[] = []
  readonly #dead = new Set<number>()
  #leasedSeq: number | undefined
  #lastClaimedSeq = 0

  constructor(onDead: OnDead) {
    this.onDead = onDead
  }

  /** The delivery that is run next, or is running; one that is dead blocks the lane. */
  get headSeq(): number | undefined {
    return this.#leasedSeq ?? this.#open[0]
  }

  /** Whether nothing waits here and nothing dead could come back. */
  get isIdle(): boolean {
    return this.#open.length === 0 && this.#dead.size === 0
  }

  /** Whether a later delivery has been claimed: running this one now would be out of order. */
  hasOvertaken(deliverySeq: number): boolean {
    return this.#lastClaimedSeq > deliverySeq
  }

  /** Whether a delivery could run now: nothing runs, nothing earlier waits. */
  isTurnOf(deliverySeq: number): boolean {
    const [first = Infinity] = this.#open
    return this.#leasedSeq === undefined && first >= deliverySeq
  }

  /** Takes note of a delivery's new state. */
  update(row: { readonly deliverySeq: number; readonly state: string; readonly blocks: boolean }): void {
    const { deliverySeq, state } = row
    if (state === 'leased') {
      this.#leasedSeq = deliverySeq
      this.#lastClaimedSeq = Math.max(this.#lastClaimedSeq, deliverySeq)
    } else if (this.#leasedSeq === deliverySeq) this.#leasedSeq = undefined
    if (state === 'dead') this.#dead.add(deliverySeq)
    else this.#dead.delete(deliverySeq)
    if (state === 'pending' || state === 'leased' || row.blocks) this.#standInLine(deliverySeq)
    else this.#leaveLine(deliverySeq)
  }

  #standInLine(deliverySeq: number): void {
    const last = this.#open.at(-1) ?? 0
    if (deliverySeq > last) this.#open.push(deliverySeq)
    else if (!this.#open.includes(deliverySeq)) {
      this.#open.splice(
        this.#open.findIndex((open) => open > deliverySeq),
        0,
        deliverySeq,
      )
    }
  }

  #leaveLine(deliverySeq: number): void {
    if (this.#open[0] === deliverySeq) this.#open.shift()
    else if (this.#open.includes(deliverySeq)) this.#open.splice(this.#open.indexOf(deliverySeq), 1)
  }
}
