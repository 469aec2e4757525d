import type { Lease } from '../../inbox/index.ts'
import type { ClaimResult, Operation, OperationOf, OperationResult, PutRow } from './operation.ts'

interface KeptLease {
  readonly token: number
  readonly leaseMs: number
  /** By the store's clock. */
  readonly keepUntilMs: number
  untilMs: number
}

/**
 * Prolongs the leases of this process from the engine's thread, so that a handler that blocks the event loop does not lose
 * them. A lease is kept as long as its claim asked for, and until it is settled; it ends with the process.
 *
 * Time is the store's: what the newest operation said, and what has passed since by the monotonic clock.
 */
export class LeaseKeeper {
  readonly #commit: (operation: OperationOf<'extend'>) => void
  readonly #kept = new Map<number, KeptLease>()
  #timer: NodeJS.Timeout | undefined
  #beatAtMs = 0
  #clock = { nowMs: 0, atMs: 0 }

  constructor(commit: (operation: OperationOf<'extend'>) => void) {
    this.#commit = commit
  }

  /** Learns from a commit which leases began and which ended. */
  note(operations: readonly Operation[], results: readonly OperationResult[]): void {
    operations.forEach((operation, index) => {
      const result = results[index]
      // A checkpoint has no time of its own.
      if (operation.verb !== 'checkpoint') this.#clock = { nowMs: operation.nowMs, atMs: performance.now() }
      if (result?.ok !== true) return
      // Each verb has its own result.
      if (operation.verb === 'claim') this.#keep(operation, (result.value as ClaimResult).claimed)
      if (operation.verb === 'put') this.#keepPut(operation, result.value as PutRow[])
      if (operation.verb === 'settle') this.#forget(operation)
    })
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#kept.clear()
  }

  #keepPut({ events, nowMs }: OperationOf<'put'>, rows: readonly PutRow[]): void {
    rows.forEach(({ lease }, index) => {
      const asked = events[index]?.lease
      if (lease !== undefined && asked !== undefined)
        this.#keep({ leaseMs: asked.leaseMs, keepMs: asked.keepMs ?? 0, nowMs }, [lease])
    })
  }

  #keep(
    { leaseMs, keepMs, nowMs }: Pick<OperationOf<'claim'>, 'leaseMs' | 'keepMs' | 'nowMs'>,
    leases: readonly Lease[],
  ): void {
    if (keepMs <= 0) return
    for (const { deliverySeq, token } of leases) {
      this.#kept.set(deliverySeq, { token, leaseMs, keepUntilMs: nowMs + keepMs, untilMs: nowMs + leaseMs })
    }
    if (leases.length > 0) this.#beatWithin(leaseMs / 3)
  }

  #forget({ settlements }: OperationOf<'settle'>): void {
    for (const { deliverySeq, token } of settlements) {
      if (this.#kept.get(deliverySeq)?.token === token) this.#kept.delete(deliverySeq)
    }
  }

  /** Prolongs those that have used up a third of their time: most are settled long before. */
  #beat(): void {
    // Whole: the tables take no fractions of a millisecond.
    const nowMs = Math.round(this.#clock.nowMs + performance.now() - this.#clock.atMs)
    const due = new Map<number, { deliverySeq: number; token: number }[]>()
    for (const [deliverySeq, lease] of this.#kept) {
      if (nowMs >= lease.keepUntilMs) this.#kept.delete(deliverySeq)
      else if (lease.untilMs - nowMs <= (lease.leaseMs * 2) / 3) {
        due.set(lease.leaseMs, [...(due.get(lease.leaseMs) ?? []), { deliverySeq, token: lease.token }])
        lease.untilMs = nowMs + lease.leaseMs
      }
    }
    for (const [leaseMs, leases] of due) this.#commit({ verb: 'extend', leases, leaseMs, nowMs })
    this.#timer = undefined
    const shortest = Math.min(...[...this.#kept.values()].map(({ leaseMs }) => leaseMs))
    if (this.#kept.size > 0) this.#beatWithin(shortest / 3)
  }

  /** Two openers of a file may ask for leases of different lengths: the shortest says when to look. */
  #beatWithin(ms: number): void {
    const atMs = performance.now() + ms
    if (this.#timer !== undefined && this.#beatAtMs <= atMs) return
    clearTimeout(this.#timer)
    this.#beatAtMs = atMs
    this.#timer = setTimeout(() => this.#beat(), ms)
  }
}
