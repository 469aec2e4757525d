/**
 * The Store contract over Redis: one script for whatever changes something, carrying all that waits in one call, and one for
 * whatever only reads. `docs/stores/redis.md` says what the server needs.
 *
 * @module
 */
import { PosternError } from '../../core/index.ts'
import {
  nextWork,
  settleSound,
  type Claimed,
  type ClaimRequest,
  type EventDetail,
  type HasRejectedLog,
  type HasSmallState,
  type Lease,
  type ListPage,
  type ListQuery,
  type Move,
  type MoveResult,
  type NewEvent,
  type PruneRequest,
  type PruneResult,
  type PutResult,
  type RejectedLog,
  type Replay,
  type ReplayResult,
  type Settlement,
  type SettleResult,
  type SmallState,
  type Store,
  type StoreInspection,
  type StoreStat,
} from '../../inbox/index.ts'
import { claimedIn, claimOperation, inOrder, type ClaimAnswer } from './claim-operation.ts'
import { ClusterSpaces, NUMBERS_STEP } from './cluster-spaces.ts'
import { openerOf, type RedisClient } from './client.ts'
import { destinationName } from './names.ts'
import { faultOf, putOperation, putResult } from './put-operation.ts'
import { countSpace, getDetail, listRows, pageOf, statOf } from './reading.ts'
import { effectProblem, settleOperation, settleResults, type RedisEffect } from './settle-operation.ts'
import { Server } from './server.ts'
import { rejectedLog, smallState, type HomeCalls } from './side-ports.ts'
import { CommitCounters, Space } from './space.ts'
import { oneSpace, type Spaces } from './spaces.ts'
import { Waiting } from './waiting.ts'
import { wholeMs } from './whole-ms.ts'

/**
 * What the store's keys begin with, and whether a server that may lose what it has acknowledged is taken. Default: nothing,
 * and it is refused.
 */
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
  readonly #numbers = { seen: 0 }
  readonly #closing = new AbortController()
  #underWay = 0
  #onIdle: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor(client: RedisClient, options: RedisOptions) {
    this.#options = options
    const { prefix = '', cluster = false, mayLoseAcknowledgedEvents = false } = options
    const open = openerOf(client, cluster)
    const home = `${prefix}${cluster ? '{postern}' : 'postern'}:`
    this.#server = new Server({ open, acceptsLoss: mayLoseAcknowledgedEvents, layoutKey: `${home}layout` })
    const channel = `${prefix}postern:work`
    this.#waiting = new Waiting(open, channel, this.#server.id)
    const space = this.#spaceMaker(channel)
    this.#spaces = cluster
      ? new ClusterSpaces(prefix, space(home, 0, NUMBERS_STEP), (each, index) =>
          space(each, index, NUMBERS_STEP),
        )
      : oneSpace(space(home, 0, 1), prefix)
    const calls: HomeCalls = {
      add: (packed, bytes) => this.#track(() => this.#spaces.home.add(packed, bytes)),
      read: (packed) => this.#track(() => this.#spaces.home.read(packed)),
      nowMs: (serverMs) => this.#nowMs(serverMs),
    }
    this.rejected = rejectedLog(calls)
    this.state = smallState(calls)
  }

  /** One operation for each event, so that one that cannot be stored fails alone. */
  put(events: readonly NewEvent[]): Promise<PutResult[]> {
    return this.#track(async () => {
      const results: PutResult[] = []
      for (const run of runsOf(events, this.#options.cluster === true)) {
        results.push(...(await Promise.all(run.map((event) => this.#putOne(event)))))
      }
      return results
    })
  }

  async claim(request: ClaimRequest): Promise<Claimed[]> {
    const names = new Set(request.destinations.map(({ name }) => destinationName(name)))
    const endMs = performance.now() + request.waitMs
    if (request.waitMs > 0 && !this.#closing.signal.aborted) this.#waiting.listen()
    for (;;) {
      const work = nextWork(
        (wake) => this.#waiting.onWork(names, wake),
        [request.signal, this.#closing.signal],
      )
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
    return settleSound(settlements, effectProblem, (sound) => this.#settle(sound))
  }

  #settle(settlements: readonly Settlement<RedisEffect>[]): Promise<SettleResult[]> {
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
    this.#waiting.close()
  }

  async #putOne(event: NewEvent): Promise<PutResult> {
    const fault = faultOf(event)
    if (fault !== undefined) return { outcome: 'failed', error: fault }
    const space = await this.#spaces.of(event.source)
    const operation = putOperation(this.#spaces.sourcePrefix(event.source), event)
    const { value } = await space.add(operation, event.body.byteLength + 1000)
    return putResult(event, value)
  }

  async #claimDue(
    request: ClaimRequest,
  ): Promise<{ readonly claimed: Claimed[]; readonly untilDueMs: number }> {
    const answers: ClaimAnswer[] = []
    for (const space of await this.#spaces.all()) {
      const taken = answers.flatMap(({ claimed }) => claimed)
      answers.push(await claimedIn(space, await space.add(claimOperation(request, taken), CLAIM_BYTES)))
    }
    const claimed = answers.flatMap((answer) => answer.claimed)
    return {
      claimed: answers.length === 1 ? claimed.map((due) => due.claimed) : inOrder(claimed),
      untilDueMs: Math.min(Infinity, ...answers.map(({ untilDueMs }) => untilDueMs)),
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

  #spaceMaker(channel: string): (prefix: string, index: number, step: number) => Space {
    const shared = {
      server: this.#server,
      counters: this.#counters,
      numbers: this.#numbers,
      clock: () => this.#clock(),
      channel,
      onWork: (destinations: readonly string[]) => this.#waiting.announce(destinations),
    }
    return (prefix, index, step) => new Space({ ...shared, prefix, index, step })
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
}

/**
 * What can be put at once so that numbers rise along the array: all, or in a cluster, where each source has numbers of its own,
 * what follows each other of one source.
 */
function runsOf(events: readonly NewEvent[], isCluster: boolean): (readonly NewEvent[])[] {
  if (!isCluster) return events.length === 0 ? [] : [events]
  const runs: NewEvent[][] = []
  for (const event of events) {
    const last = runs.at(-1)
    if (last !== undefined && last[0]?.source === event.source) last.push(event)
    else runs.push([event])
  }
  return runs
}

/** Guesses, for the size of what is sent. */
const SETTLEMENT_BYTES = 150
const CLAIM_BYTES = 500
