import { PosternError } from '../../core/index.ts'
import {
  DURATION_BOUNDS_MS,
  HistogramCounter,
  SIZE_BOUNDS,
  type Claimed,
  type ClaimRequest,
  type CommitStat,
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
  type SettleResult,
  type SettlesIn,
  type SmallState,
  type Store,
  type StoreInspection,
  type StoreStat,
  nextWork,
} from '../../inbox/index.ts'
import { claimDue, extendAll, type ClaimResult } from './claim.ts'
import type { PostgresEffect, PostgresPool } from './client.ts'
import { unavailable } from './failure.ts'
import { inspect } from './inspect.ts'
import { openServer } from './opening.ts'
import { moveAll, replayAll } from './operate.ts'
import { Partitions } from './partitions.ts'
import { FIRST_LANE, prune } from './prune.ts'
import { Putting } from './putting.ts'
import { get, list } from './reads.ts'
import { Server, type Transaction, type TransactionOptions } from './server.ts'
import { settleWithEffects, type PostgresSettlement } from './settle.ts'
import { SettlingIn } from './settle-in.ts'
import { Settling } from './settling.ts'
import { entries, list as listRejected, recall, record, remember } from './side-ports.ts'
import { stat } from './stat.ts'
import type { UserTransaction } from './user-transaction.ts'
import { Vacuum } from './vacuum.ts'
import { WakeUps } from './wake-ups.ts'

/**
 * Which schema holds the inbox, and whether a server that may lose what it has acknowledged is taken. Default: `postern`,
 * and it is refused.
 */
export interface PostgresOptions {
  /**
   * The schema that holds the inbox's tables, made where there is none: letters, digits and underscores. Default `postern`.
   */
  readonly schema?: string
  /**
   * Takes events on a server whose settings lose them when the power is cut. Default `false`: every verb but `inspect` rejects
   * with `unsafe_store`.
   */
  readonly mayLoseAcknowledgedEvents?: boolean
  /** How often a waiting claim looks by itself, should a wake-up be missed. Default 1 s, and 250 ms where none come. */
  readonly pollMs?: number
  /** Added to the server's clock; only tests set it. */
  readonly offsetMs?: () => number
}

/** The store for many nodes. */
export type PostgresStore = Store<PostgresEffect> &
  HasRejectedLog &
  HasSmallState &
  SettlesIn<UserTransaction>

/** What another node's claim looks at is passed over, and free again once that has committed. */
const LOOK_AGAIN_MS = 10
/** How often a waiting claim looks where no other node can wake it. */
const UNHEARD_POLL_MS = 250
const READING: TransactionOptions = { isReadOnly: true }
/** Quoted, it cannot end a text or an identifier of a migration. */
const SOUND_SCHEMA = /^[A-Za-z_][A-Za-z0-9_]{0,40}$/

/**
 * A store in the user's PostgreSQL, 14 or newer, over a pool of the package `pg`. Throws `bad_config` where the schema's name
 * is none; its verbs reject with `unsafe_store` where the server would lose what it has acknowledged, and with
 * `store_unavailable` where it cannot be reached.
 */
export function postgres(pool: PostgresPool, options: PostgresOptions = {}): PostgresStore {
  const { schema = 'postern' } = options
  if (!SOUND_SCHEMA.test(schema)) {
    throw new PosternError(
      'bad_config',
      `The schema's name must be letters, digits and underscores: ${JSON.stringify(schema)}`,
    )
  }
  return new SharedStore(pool, `"${schema}"`, options)
}

class SharedStore implements PostgresStore {
  readonly #schema: string
  readonly #options: PostgresOptions
  readonly #server: Server
  readonly #wakeUps: WakeUps
  readonly #partitions: Partitions
  readonly #vacuum: Vacuum
  readonly #putting: Putting
  readonly #settling: Settling
  readonly #settlingIn: SettlingIn
  readonly #operations = new HistogramCounter(SIZE_BOUNDS)
  readonly #durations = new HistogramCounter(DURATION_BOUNDS_MS)
  readonly #closing = new AbortController()
  #opening: Promise<void> | undefined
  #isOpen = false
  #lanesAfter = FIRST_LANE
  #underWay = 0
  #onIdle: (() => void) | undefined
  #closed: Promise<void> | undefined

  readonly rejected: RejectedLog = {
    record: (request) => this.#run((tx) => record(tx, request, this.#settings())),
    list: (query) => this.#run((tx) => listRejected(tx, query, this.#settings()), READING),
  }

  readonly state: SmallState = {
    get: (key) => this.#run((tx) => recall(tx, key, this.#settings()), READING),
    set: (key, value, { forMs = Infinity } = {}) =>
      this.#run((tx) => remember(tx, { key, value, forMs }, this.#settings())),
    list: (prefix) => this.#run((tx) => entries(tx, prefix, this.#settings()), READING),
  }

  constructor(pool: PostgresPool, schema: string, options: PostgresOptions) {
    this.#schema = schema
    this.#options = options
    this.#server = new Server(pool, () => this.#lookAgain())
    this.#wakeUps = new WakeUps(pool, this.#server, schema.slice(1, -1))
    this.#partitions = new Partitions(this.#server, schema)
    this.#vacuum = new Vacuum(pool, schema)
    const common = { server: this.#server, schema, offsetMs: () => this.#offsetMs() }
    this.#putting = new Putting({
      ...common,
      onBatch: (batch) => {
        this.#partitions.reached(batch.lastSeq)
        this.#committed(batch)
      },
    })
    this.#settlingIn = new SettlingIn({ ...common, onWork: () => this.#wakeUps.announce() })
    this.#settling = new Settling({
      ...common,
      onBatch: (batch) => {
        this.#vacuum.ended(batch.count)
        this.#committed(batch)
      },
    })
  }

  put(events: readonly NewEvent[]): Promise<PutResult[]> {
    return this.#track(() => this.#putting.put(events))
  }

  async claim(request: ClaimRequest): Promise<Claimed[]> {
    if (this.#closing.signal.aborted) throw closedError()
    const endMs = performance.now() + request.waitMs
    for (;;) {
      const work = nextWork((wake) => this.#wakeUps.onWork(wake), [request.signal, this.#closing.signal])
      try {
        const { claimed, untilDueMs = Infinity } = await this.#claimDue(request)
        const leftMs = endMs - performance.now()
        if (claimed.length > 0 || leftMs <= 0 || this.#isOver(request)) return claimed
        await work.within(Math.min(leftMs, this.#pollMs(), Math.max(LOOK_AGAIN_MS, untilDueMs)))
      } finally {
        work.forget()
      }
      if (this.#isOver(request)) return []
    }
  }

  /** Those with effects have a transaction of their own: an effect may wait for rows that the store knows nothing of. */
  settle(settlements: readonly PostgresSettlement[]): Promise<SettleResult[]> {
    return this.#track(async () => {
      if (settlements.length === 0) return []
      if (!settlements.some(hasEffects)) return this.#settling.settle(settlements)
      const { results, bringsWork } = await this.#server.transaction(
        (tx) => settleWithEffects(tx, this.#schema, settlements, this.#offsetMs()),
        { mayTakeLong: true },
      )
      if (bringsWork) this.#wakeUps.announce()
      return results
    })
  }

  async settleIn(tx: UserTransaction, lease: Lease, durationMs: number): Promise<'settled' | 'lost'> {
    if (this.#closing.signal.aborted) throw closedError()
    return this.#settlingIn.settle(tx, lease, durationMs)
  }

  haveSucceeded(leases: readonly Lease[]): Promise<readonly boolean[]> {
    return this.#track(() => this.#settlingIn.haveSucceeded(leases))
  }

  extend(leases: readonly Lease[], leaseMs: number): Promise<('extended' | 'lost')[]> {
    return this.#track(() =>
      extendAll(this.#server, this.#schema, leases, { leaseMs, offsetMs: this.#offsetMs() }),
    )
  }

  async move(moves: readonly Move[]): Promise<MoveResult[]> {
    const results = await this.#run((tx) => moveAll(tx, moves, this.#settings()))
    this.#wakeUps.announce()
    return results
  }

  get(eventSeq: number): Promise<EventDetail | undefined> {
    return this.#run((tx) => get(tx, this.#schema, eventSeq), READING)
  }

  list(query: ListQuery): Promise<ListPage> {
    return this.#run((tx) => list(tx, this.#schema, query), READING)
  }

  async replay(replays: readonly Replay[]): Promise<ReplayResult[]> {
    const results = await this.#run((tx) => replayAll(tx, replays, this.#settings()))
    this.#wakeUps.announce()
    return results
  }

  async prune({ eventsOlderThanMs, limit }: PruneRequest): Promise<PruneResult> {
    // Infinity is no bigint.
    const request = { eventsOlderThanMs: Math.min(eventsOlderThanMs, Number.MAX_SAFE_INTEGER), limit }
    const { lanesAfter, ...pruned } = await this.#track(() =>
      prune(this.#server, request, { ...this.#settings(), lanesAfter: this.#lanesAfter }),
    )
    this.#lanesAfter = lanesAfter
    return pruned
  }

  async stat(): Promise<StoreStat> {
    const counts = await this.#run((tx) => stat(tx, this.#schema, this.#offsetMs()), READING)
    return { ...counts, commits: this.#commits() }
  }

  async inspect(): Promise<StoreInspection> {
    if (this.#closing.signal.aborted) throw closedError()
    const { mayLoseAcknowledgedEvents = false } = this.#options
    const settings = { ...this.#settings(), mayLoseAcknowledgedEvents }
    return this.#counted(() => this.#server.transaction((tx) => inspect(tx, settings), READING))
  }

  async close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
    await this.#partitions.idle()
    await this.#wakeUps.close()
    this.#server.close()
  }

  async #claimDue(request: ClaimRequest): Promise<ClaimResult> {
    const nothing = { claimed: [], untilDueMs: undefined }
    if (this.#closing.signal.aborted || request.destinations.every(({ limit }) => limit <= 0)) return nothing
    return this.#track(() => claimDue(this.#server, this.#schema, request, this.#offsetMs()))
  }

  #committed({ bringsWork, count, tookMs }: CommittedBatch): void {
    if (bringsWork) this.#wakeUps.announce()
    this.#operations.add(count)
    this.#durations.add(tookMs)
  }

  /** What of a commit was its fsync, only the server knows. */
  #commits(): CommitStat {
    const fsyncMs = new HistogramCounter(DURATION_BOUNDS_MS).read()
    return { operations: this.#operations.read(), durationMs: this.#durations.read(), fsyncMs }
  }

  #offsetMs(): number {
    return Math.trunc(this.#options.offsetMs?.() ?? 0)
  }

  #settings(): { readonly schema: string; readonly offsetMs: number } {
    return { schema: this.#schema, offsetMs: this.#offsetMs() }
  }

  #pollMs(): number {
    const { pollMs = 1000 } = this.#options
    return this.#wakeUps.hears ? pollMs : Math.min(pollMs, UNHEARD_POLL_MS)
  }

  #isOver(request: ClaimRequest): boolean {
    return request.signal?.aborted === true || this.#closing.signal.aborted
  }

  #run<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.#track(() => this.#server.transaction(work, options))
  }

  /** Refuses once closed, and opens first. */
  #track<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing.signal.aborted) return Promise.reject(closedError())
    // No promise more than it takes: each put passes here.
    return this.#counted(() => (this.#isOpen ? work() : this.#open().then(work)))
  }

  async #open(): Promise<void> {
    const { mayLoseAcknowledgedEvents = false } = this.#options
    this.#opening ??= openServer(this.#server, { schema: this.#schema, mayLoseAcknowledgedEvents })
    const opening = this.#opening
    await opening
    if (opening === this.#opening) this.#isOpen = true
  }

  /** The server may be another: the next verb opens it first. */
  #lookAgain(): void {
    this.#opening = undefined
    this.#isOpen = false
  }

  /** Counts what is under way, so that closing waits for it. After a failure the server is looked at again. */
  async #counted<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay += 1
    try {
      return await work()
    } catch (error) {
      this.#lookAgain()
      throw unavailable(error)
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) this.#onIdle?.()
    }
  }
}

interface CommittedBatch {
  readonly bringsWork: boolean
  readonly count: number
  readonly tookMs: number
}

function hasEffects({ effects }: PostgresSettlement): boolean {
  return effects !== undefined && effects.length > 0
}

function closedError(): PosternError {
  return new PosternError('store_closed', 'The store is closed')
}
