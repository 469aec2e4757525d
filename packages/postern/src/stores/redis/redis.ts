/**
 * The Store contract over Redis: one script for whatever changes something, carrying all that waits in one call, and one for
 * whatever only reads. `docs/stores/redis.md` says what the server needs.
 *
 * @module
 */
import { PosternError } from '../../core/index.ts'
import type {
  Claimed,
  ClaimRequest,
  EventDetail,
  HasRejectedLog,
  HasSmallState,
  Lease,
  ListPage,
  ListQuery,
  Move,
  MoveResult,
  NewEvent,
  PruneRequest,
  PruneResult,
  PutResult,
  RejectedLog,
  Replay,
  ReplayResult,
  Settlement,
  SettleResult,
  SmallState,
  Store,
  StoreInspection,
  StoreStat,
} from '../../inbox/index.ts'
import { claimedIn, claimOperation, type ClaimAnswer } from './claim-operation.ts'
import { openerOf, type RedisClient } from './client.ts'
import { destinationName } from './names.ts'
import { faultOf, putOperation, putResult } from './put-operation.ts'
import { countSpace, getDetail, listRows, pageOf, statOf } from './reading.ts'
import { settleOperation, settleResults, type RedisEffect } from './settle-operation.ts'
import { Server } from './server.ts'
import { rejectedLog, smallState, type HomeCalls } from './side-ports.ts'
import { CommitCounters, Space } from './space.ts'
import { oneSpace, type Spaces } from './spaces.ts'
import { Waiting } from './waiting.ts'
import { wholeMs } from './whole-ms.ts'

export interface RedisOptions {
  /** What every key begins with. Default none: an event's dedupe record is `<source>:event:<id>`. */
  readonly prefix?: string
  /** Set with a client of a cluster: all keys of a source begin with `{<source>}:`. Default `false`. */
  readonly cluster?: boolean
  /**
   * Works with a server whose settings let it lose what it has acknowledged. Default `false`: every verb rejects with
   * `unsafe_store`, which names each setting.
   */
  readonly mayLoseAcknowledgedEvents?: boolean
  /** Added to the server's clock; only tests set it. */
  readonly offsetMs?: () => number
  /** Stands in place of the server's clock; only tests set it. */
  readonly now?: () => number
}

/** The store over Redis. */
export type RedisStore = Store<RedisEffect> & HasRejectedLog & HasSmallState

/** Should a wake-up be missed. */
const POLL_MS = 1000
/** How many numbers one call of prune walks over: while it runs, the server does nothing else. */
const PRUNE_STEPS = 500

/**
 * Opens the inbox in a Redis that its client, of `ioredis` or of `redis`, is set up for. The store makes connections of its own
 * like the client's and closes them; the client itself stays the caller's. Throws `PosternError` where the client is none that
 * is known; an unsafe or unreachable server is told by the verbs.
 */
export function redis(client: RedisClient, options: RedisOptions = {}): RedisStore {
  return new ServerStore(client, options)
}

class ServerStore implements Store<RedisEffect>, HasRejectedLog, HasSmallState {
  readonly rejected: RejectedLog
  readonly state: SmallState
  readonly #options: RedisOptions
  readonly #server: Server
  readonly #spaces: Spaces
  readonly #waiting: Waiting
  readonly #counters = new CommitCounters()
  readonly #closing = new AbortController()
  #underWay = 0
  #onIdle: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor(client: RedisClient, options: RedisOptions) {
    this.#options = options
    const { prefix = '', cluster = false, mayLoseAcknowledgedEvents = false } = options
    const open = openerOf(client, cluster)
    this.#server = new Server({
      open,
      acceptsLoss: mayLoseAcknowledgedEvents,
      layoutKey: `${prefix}postern:layout`,
    })
    const channel = `${prefix}postern:work`
    this.#waiting = new Waiting(open, channel, this.#server.id)
    this.#spaces = oneSpace(this.#spaceOf(prefix, channel))
    const home: HomeCalls = {
      add: (packed, bytes) => this.#track(() => this.#spaces.home.add(packed, bytes)),
      read: (packed) => this.#track(() => this.#spaces.home.read(packed)),
      nowMs: (serverMs) => this.#nowMs(serverMs),
    }
    this.rejected = rejectedLog(home)
    this.state = smallState(home)
  }

  /** One operation for each event, so that one that cannot be stored fails alone. */
  put(events: readonly NewEvent[]): Promise<PutResult[]> {
    return this.#track(() => Promise.all(events.map((event) => this.#putOne(event))))
  }

  async claim(request: ClaimRequest): Promise<Claimed[]> {
    const endMs = performance.now() + request.waitMs
    if (request.waitMs > 0 && !this.#closing.signal.aborted) this.#waiting.listen()
    for (;;) {
      const work = this.#nextWork(request)
      try {
        const { claimed, untilDueMs } = await this.#track(() => this.#claimDue(request))
        const leftMs = endMs - performance.now()
        if (claimed.length > 0 || leftMs <= 0 || this.#isOver(request)) return claimed
        await work.within(Math.min(leftMs, POLL_MS, Math.max(0, untilDueMs)))
      } finally {
        work.forget()
      }
      if (this.#isOver(request)) return []
      this.#waiting.listen()
    }
  }

  settle(settlements: readonly Settlement<RedisEffect>[]): Promise<SettleResult[]> {
    return this.#bySpace(
      settlements,
      ({ deliverySeq }) => deliverySeq,
      () => ({ result: 'lost' }),
      async (space, some) =>
        settleResults(await space.add(settleOperation(some), some.length * SETTLEMENT_BYTES)),
    )
  }

  extend(leases: readonly Lease[], leaseMs: number): Promise<('extended' | 'lost')[]> {
    return this.#bySpace(
      leases,
      ({ deliverySeq }) => deliverySeq,
      () => 'lost',
      async (space, some) => {
        const flat = some.flatMap(({ deliverySeq, token }) => [deliverySeq, token])
        const { value } = await space.add(['extend', flat, wholeMs(leaseMs)], flat.length * 10)
        return (value as readonly boolean[]).map((isExtended) => (isExtended ? 'extended' : 'lost'))
      },
    )
  }

  move(moves: readonly Move[]): Promise<MoveResult[]> {
    return this.#bySpace(
      moves,
      ({ deliverySeq }) => deliverySeq,
      () => 'unknown',
      async (space, some) => {
        const steps = some.map(({ deliverySeq, to, force }) => [deliverySeq, to, force === true])
        const { value } = await space.add(['move', steps], some.length * 50)
        // One of the contract's words for each.
        return (value as readonly Buffer[]).map((result) => result.toString() as MoveResult)
      },
    )
  }

  get(eventSeq: number): Promise<EventDetail | undefined> {
    return this.#track(async () => {
      const space = await this.#spaces.at(eventSeq)
      return space && getDetail(space, eventSeq)
    })
  }

  list(query: ListQuery): Promise<ListPage> {
    return this.#track(async () => {
      const bounded = { ...query, limit: Math.min(Math.max(1, query.limit), 1000) }
      const spaces = await this.#spaces.all()
      const rows = await Promise.all(spaces.map((space) => listRows(space, bounded)))
      return pageOf(bounded, rows.flat())
    })
  }

  replay(replays: readonly Replay[]): Promise<ReplayResult[]> {
    return this.#bySpace(
      replays,
      ({ eventSeq }) => eventSeq,
      () => 'unknown',
      async (space, some) => {
        const steps = some.map(({ eventSeq, destinations }) => [eventSeq, destinations.map(destinationName)])
        const { value } = await space.add(['replay', steps], some.length * 100)
        return (value as readonly (readonly number[] | false)[]).map((deliverySeqs) =>
          deliverySeqs === false ? 'unknown' : { deliverySeqs },
        )
      },
    )
  }

  prune({ eventsOlderThanMs, limit }: PruneRequest): Promise<PruneResult> {
    return this.#track(async () => {
      const gone = { events: 0, dedupeRecords: 0 }
      await this.#spaces.home.alone(['sweep'])
      for (const space of await this.#spaces.all()) {
        for (let isMore = true, isFirst = true; isMore; isFirst = false) {
          const left = limit - gone.events
          const forgets = isFirst ? limit - gone.dedupeRecords : 0
          const { value } = await space.alone(['prune', eventsOlderThanMs, left, PRUNE_STEPS, forgets])
          // Packed by lua/operate.ts.
          const [events, dedupeRecords, hasMore] = value as readonly [number, number, boolean]
          gone.events += events
          gone.dedupeRecords += dedupeRecords
          isMore = hasMore && gone.events < limit
        }
      }
      return gone
    })
  }

  stat(): Promise<StoreStat> {
    return this.#track(async () => {
      const spaces = await this.#spaces.all()
      const counts = await Promise.all(spaces.map((space) => countSpace(space)))
      return { ...statOf(counts, (serverMs) => this.#nowMs(serverMs)), commits: this.#counters.read() }
    })
  }

  /** Also of a server that is not safe, which every other verb refuses. */
  inspect(): Promise<StoreInspection> {
    return this.#track(async () => {
      const found = await this.#server.inspect()
      return { ...found, clockAheadMs: found.clockAheadMs + wholeMs(this.#options.offsetMs?.() ?? 0) }
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
    this.#server.end()
    await this.#waiting.close()
  }

  async #putOne(event: NewEvent): Promise<PutResult> {
    const fault = faultOf(event)
    if (fault !== undefined) return { outcome: 'failed', error: fault }
    const space = await this.#spaces.of(event.source)
    const { value } = await space.add(putOperation(space.prefix, event), event.body.byteLength + 1000)
    const result = putResult(event, value)
    if (result.outcome !== 'failed') space.hasSeen(result.eventSeq)
    return result
  }

  async #claimDue(request: ClaimRequest): Promise<ClaimAnswer> {
    const answers: ClaimAnswer[] = []
    for (const space of await this.#spaces.all()) {
      const taken = answers.flatMap(({ claimed }) => claimed)
      answers.push(await claimedIn(space, await space.add(claimOperation(request, taken), 500)))
    }
    return {
      claimed: answers.flatMap(({ claimed }) => claimed),
      untilDueMs: Math.min(...answers.map(({ untilDueMs }) => untilDueMs)),
    }
  }

  /** Carries out items space by space; answers in the order given. */
  #bySpace<Item, Result>(
    items: readonly Item[],
    seqOf: (item: Item) => number,
    unknown: () => Result,
    run: (space: Space, some: readonly Item[]) => Promise<readonly Result[]>,
  ): Promise<Result[]> {
    return this.#track(async () => {
      const results = items.map(unknown)
      const places = new Map<Space, number[]>()
      for (const [index, item] of items.entries()) {
        const space = await this.#spaces.at(seqOf(item))
        if (space !== undefined) places.set(space, [...(places.get(space) ?? []), index])
      }
      const runs = [...places].map(async ([space, indexes]) => {
        const some = await run(
          space,
          indexes.map((index) => items[index] as Item),
        )
        for (const [at, index] of indexes.entries()) results[index] = some[at] as Result
      })
      await Promise.all(runs)
      return results
    })
  }

  #spaceOf(prefix: string, channel: string): Space {
    return new Space({
      server: this.#server,
      counters: this.#counters,
      prefix: `${prefix}postern:`,
      index: 0,
      step: 1,
      clock: () => this.#clock(),
      channel,
      onWork: (destinations) => this.#waiting.announce(destinations),
    })
  }

  /** As the scripts read it. */
  #clock(): string {
    const { now, offsetMs } = this.#options
    return now === undefined ? `+${wholeMs(offsetMs?.() ?? 0)}` : `=${wholeMs(now())}`
  }

  #nowMs(serverMs: number): number {
    const { now, offsetMs } = this.#options
    return now?.() ?? serverMs + (offsetMs?.() ?? 0)
  }

  #isOver({ signal }: ClaimRequest): boolean {
    return this.#closing.signal.aborted || signal?.aborted === true
  }

  /** Refuses once closed; counts what is under way, so that closing waits for it. */
  async #track<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing.signal.aborted) throw new PosternError('store_closed', 'The store is closed')
    this.#underWay += 1
    try {
      return await work()
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) this.#onIdle?.()
    }
  }

  /** Listens before the claim looks, so that what comes while it looks is not missed. */
  #nextWork(request: ClaimRequest): { within(ms: number): Promise<void>; forget(): void } {
    let wake: () => void = () => {}
    const woken = new Promise<void>((resolve) => (wake = resolve))
    const names = new Set(request.destinations.map(({ name }) => destinationName(name)))
    const forget = this.#waiting.onWork(names, wake)
    const signals = [this.#closing.signal, ...(request.signal ? [request.signal] : [])]
    for (const each of signals) each.addEventListener('abort', wake)
    let timer: NodeJS.Timeout | undefined
    return {
      within: async (ms) => {
        timer = setTimeout(wake, ms)
        await woken
      },
      forget: () => {
        clearTimeout(timer)
        forget()
        for (const each of signals) each.removeEventListener('abort', wake)
      },
    }
  }
}

const SETTLEMENT_BYTES = 150
