import type {
  Claimed,
  ClaimRequest,
  EventDetail,
  Lease,
  Move,
  MoveResult,
  NewEvent,
  PruneRequest,
  PruneResult,
  PutResult,
  RejectedRequest,
  Replay,
  ReplayResult,
  Settlement,
  SettleResult,
} from '../../packages/postern/src/inbox/index.ts'
import type * as product from './product.ts'

export type Product = typeof product

/** A write that a handler hands to the store; data, so that the log of operations can be run again. */
export interface SimulatedEffect {
  readonly row: string
  readonly fails: boolean
}

/** One verb with its arguments, as it is logged. */
export type Operation =
  | { readonly verb: 'put'; readonly event: NewEvent }
  | { readonly verb: 'claim'; readonly request: ClaimRequest }
  | { readonly verb: 'settle'; readonly settlements: readonly Settlement<SimulatedEffect>[] }
  | { readonly verb: 'extend'; readonly leases: readonly Lease[]; readonly leaseMs: number }
  | { readonly verb: 'move'; readonly moves: readonly Move[] }
  | { readonly verb: 'replay'; readonly replays: readonly Replay[] }
  | { readonly verb: 'prune'; readonly request: PruneRequest }
  | { readonly verb: 'record'; readonly request: RejectedRequest }
  | { readonly verb: 'remember'; readonly key: string; readonly value: string | undefined }

export interface ResultOf {
  readonly put: PutResult
  readonly claim: { readonly claimed: Claimed[]; readonly untilDueMs: number }
  readonly settle: SettleResult[]
  readonly extend: ('extended' | 'lost')[]
  readonly move: MoveResult[]
  readonly replay: ReplayResult[]
  readonly prune: PruneResult
  readonly record: undefined
  readonly remember: undefined
}

export type Result = ResultOf[keyof ResultOf]

/** What a store holds at one moment: the memory store's tables, and what effects have written beside them. */
export class Image {
  readonly tables: InstanceType<Product['Tables']>
  readonly rejected: InstanceType<Product['RejectedRequests']>
  readonly entries: InstanceType<Product['Entries']>
  readonly effects: string[] = []
  /** Events as they were when they were pruned. */
  readonly pruned: EventDetail[] = []
  readonly #product: Product

  constructor(source: Product) {
    this.#product = source
    this.tables = new source.Tables()
    this.rejected = new source.RejectedRequests()
    this.entries = new source.Entries()
  }

  /** Carries out one operation, all of it at once. */
  apply(operation: Operation, nowMs: number): Result {
    const { tables } = this
    switch (operation.verb) {
      case 'put':
        return this.#product.putOne(tables, operation.event, nowMs)
      case 'claim': {
        const claimed = this.#product.claimDue(tables, operation.request, nowMs)
        return { claimed, untilDueMs: this.#product.nextDueMs(tables, operation.request) - nowMs }
      }
      case 'settle':
        return operation.settlements.map((settlement) => this.#settle(settlement, nowMs))
      case 'extend':
        return operation.leases.map((lease) =>
          this.#product.extendOne(tables, lease, nowMs + operation.leaseMs),
        )
      case 'move':
        return operation.moves.map((move) => this.#product.moveOne(tables, move, nowMs))
      case 'replay':
        return operation.replays.map((replay) => this.#product.replayOne(tables, replay, nowMs))
      case 'prune':
        return this.#prune(operation.request, nowMs)
      case 'record':
        this.rejected.record(operation.request, nowMs)
        return undefined
      case 'remember':
        this.entries.set(operation.key, operation.value, Infinity, nowMs)
        return undefined
    }
  }

  /** Every event that is there, with its deliveries. */
  details(): EventDetail[] {
    return [...this.tables.events.keys()].flatMap(
      (eventSeq) => this.#product.detailOf(this.tables, eventSeq) ?? [],
    )
  }

  /** What the effects of a failed settlement wrote is undone. */
  #settle(settlement: Settlement<SimulatedEffect>, nowMs: number): SettleResult {
    const before = this.effects.length
    const effects = settlement.effects?.map((effect) => () => this.#write(effect)) ?? []
    const result = this.#product.settleOne(this.tables, { ...settlement, effects }, nowMs)
    if (result.result === 'failed') this.effects.length = before
    return result
  }

  #write({ row, fails }: SimulatedEffect): void {
    this.effects.push(row)
    if (fails) throw new Error('this effect cannot be written')
  }

  #prune(request: PruneRequest, nowMs: number): PruneResult {
    const before = this.details()
    const result = this.#product.prune(this.tables, request, nowMs)
    this.pruned.push(...before.filter(({ event }) => !this.tables.events.has(event.eventSeq)))
    return result
  }
}
