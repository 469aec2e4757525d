import { PosternError } from '../../packages/postern/src/core/index.ts'
import type {
  Claimed,
  ClaimRequest,
  GroupCommit,
  HasRejectedLog,
  HasSmallState,
  Lease,
  ListQuery,
  Move,
  NewEvent,
  PruneRequest,
  PutResult,
  RejectedLog,
  Replay,
  Settlement,
  SmallState,
  Store,
} from '../../packages/postern/src/inbox/index.ts'
import type { Database } from './database.ts'
import type { Image, Operation, Product, Result, ResultOf, SimulatedEffect } from './image.ts'
import type { Owner } from './virtual-time.ts'

/** What the oracle is told of a node's dealings with the store. */
export interface ClientWatch {
  readonly onClaimed: (claimed: readonly Claimed[]) => void
  readonly onPut: (event: NewEvent, result: PutResult) => void
  readonly onVerb: (verb: Operation['verb']) => void
}

/** One process's store: the contract over a group commit and a database elsewhere, as every real store is built. */
export class StoreClient implements Store<SimulatedEffect>, HasRejectedLog, HasSmallState {
  readonly rejected: RejectedLog
  readonly state: SmallState
  readonly #product: Product
  readonly #database: Database
  readonly #owner: Owner
  readonly #watch: ClientWatch
  readonly #commit: GroupCommit<Operation, Result>
  readonly #waiting = new Set<() => void>()
  /** Counts what may have made work, so that a change during a look is not missed. */
  #changes = 0
  #underWay = 0
  #isClosed = false
  #onIdle: (() => void) | undefined

  constructor(source: Product, database: Database, owner: Owner, watch: ClientWatch) {
    this.#product = source
    this.#database = database
    this.#owner = owner
    this.#watch = watch
    this.#commit = new source.GroupCommit((items) => this.#submit(items), 1000)
    this.rejected = {
      record: async (request) => this.#run({ verb: 'record', request }),
      list: (query) => this.#read((image) => image.rejected.list(query)),
    }
    this.state = {
      get: (key) => this.#read((image) => image.entries.get(key, database.clockMs)),
      set: async (key, value) => this.#run({ verb: 'remember', key, value }),
      list: (prefix) => this.#read((image) => image.entries.list(prefix, database.clockMs)),
    }
  }

  async put(events: readonly NewEvent[]): Promise<PutResult[]> {
    const results = await Promise.all(
      events.map(async (event) => {
        const result = await this.#run({ verb: 'put', event })
        this.#watch.onPut(event, result)
        return result
      }),
    )
    this.#wake()
    return results
  }

  async claim(request: ClaimRequest): Promise<Claimed[]> {
    const endsMs = performance.now() + request.waitMs
    for (;;) {
      const changesBefore = this.#changes
      const { claimed, untilDueMs } = await this.#run({ verb: 'claim', request })
      this.#watch.onClaimed(claimed)
      const leftMs = endsMs - performance.now()
      if (claimed.length > 0 || leftMs <= 0 || this.#isOver(request)) return claimed
      // What another process has stored wakes nobody here.
      const waitMs = Math.min(leftMs, Math.max(0, untilDueMs))
      if (this.#changes === changesBefore) await this.#changeOr(waitMs, request.signal)
      if (this.#isOver(request)) return []
    }
  }

  async settle(settlements: readonly Settlement<SimulatedEffect>[]): ReturnType<Store['settle']> {
    const results = await this.#run({ verb: 'settle', settlements })
    this.#wake()
    return results
  }

  extend(leases: readonly Lease[], leaseMs: number): Promise<('extended' | 'lost')[]> {
    return this.#run({
      verb: 'extend',
      leases: leases.map(({ deliverySeq, token }) => ({ deliverySeq, token })),
      leaseMs,
    })
  }

  async move(moves: readonly Move[]): ReturnType<Store['move']> {
    const results = await this.#run({ verb: 'move', moves })
    this.#wake()
    return results
  }

  async replay(replays: readonly Replay[]): ReturnType<Store['replay']> {
    const results = await this.#run({ verb: 'replay', replays })
    this.#wake()
    return results
  }

  prune(request: PruneRequest): ReturnType<Store['prune']> {
    return this.#run({ verb: 'prune', request })
  }

  get(eventSeq: number): ReturnType<Store['get']> {
    return this.#read((image) => this.#product.detailOf(image.tables, eventSeq))
  }

  list(query: ListQuery): ReturnType<Store['list']> {
    return this.#read((image) => this.#product.pageOf(image.tables, query))
  }

  stat(): ReturnType<Store['stat']> {
    return this.#read((image) => this.#product.statOf(image.tables, this.#database.clockMs))
  }

  async inspect(): ReturnType<Store['inspect']> {
    return { engine: 'simulated', schemaVersion: 1, clockAheadMs: 0, settings: [], acceptsLoss: true }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#wake()
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
  }

  #isOver({ signal }: ClaimRequest): boolean {
    return this.#isClosed || signal?.aborted === true
  }

  #wake(): void {
    this.#changes += 1
    for (const wake of this.#waiting) wake()
  }

  async #changeOr(ms: number, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = (): void => {
        this.#waiting.delete(end)
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, Math.ceil(ms))
      this.#waiting.add(end)
      signal?.addEventListener('abort', end)
    })
  }

  async #run<V extends Operation['verb']>(operation: Operation & { readonly verb: V }): Promise<ResultOf[V]> {
    // Each verb answers with its own result.
    return (await this.#track(operation.verb, () => this.#commit.add(operation))) as ResultOf[V]
  }

  async #submit(operations: readonly Operation[]): Promise<readonly Result[]> {
    const answered = await this.#database.submit(this.#owner, operations)
    if (!answered.ok) throw answered.error
    return answered.results
  }

  #read<T>(work: (image: Image) => T): Promise<T> {
    return this.#track(undefined, async () => {
      const answered = await this.#database.submit(this.#owner, undefined)
      if (!answered.ok) throw answered.error
      return work(this.#database.image)
    })
  }

  async #track<T>(verb: Operation['verb'] | undefined, work: () => Promise<T>): Promise<T> {
    if (verb !== undefined) this.#watch.onVerb(verb)
    if (this.#isClosed) throw new PosternError('store_closed', 'The store is closed')
    this.#underWay += 1
    try {
      return await work()
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) this.#onIdle?.()
    }
  }
}
