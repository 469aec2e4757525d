import { PosternError } from '../../core/index.ts'
import {
  asStored,
  fromText,
  nextWork,
  settleSound,
  SteadyClock,
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
  type RejectedPage,
  type RejectedQuery,
  type RejectedRequest,
  type Replay,
  type ReplayResult,
  type Settlement,
  type SettleResult,
  type SmallState,
  type StateEntry,
  type Store,
  type StoredEvent,
  type StoreInspection,
  type StoreStat,
} from '../../inbox/index.ts'
import { chooseDriver } from './driver.ts'
import { effectProblem } from './effect-problem.ts'
import { headersOf, toSharedEvent, toStoredEvent, type EventRow } from './event-row.ts'
import type {
  ClaimResult,
  LeasedRow,
  OperationOf,
  PutRow,
  ResultOf,
  SettledRow,
  SqliteEffect,
  Verb,
} from './operation.ts'
import { filePathOf } from './file-path.ts'
import { makePrivateFile } from './private-file.ts'
import type { ReadOperation, ReadResultOf } from './read-operation.ts'
import { SharedEngine } from './shared-engine.ts'

/** Which SQLite the store runs on, and where its writer does. Default: the first that is safe, in a thread of its own. */
export interface SqliteOptions {
  /** What `require` loads SQLite from. Default: `node:sqlite` where it has 3.51.3 or newer, else `@photostructure/sqlite`. */
  readonly driver?: string
  /** `inline` runs the writer in the caller's thread: for places without threads. Default `thread`. */
  readonly writer?: 'thread' | 'inline'
  /** The wall clock; only tests set it. */
  readonly now?: () => number
  /** The clock that nobody sets, beside it; only tests set it. Default: as `now`, where that is given. */
  readonly monotonicNow?: () => number
}

/** Should a wake-up be missed, as one from another process always is. */
const POLL_MS = 1000

/** The embedded store. */
export type SqliteStore = Store<SqliteEffect> & HasRejectedLog & HasSmallState

/**
 * Opens a file as the inbox's store, and makes it, with its folder, where there is none: for its owner alone (modes 0600
 * and 0700); what is there keeps its mode. WAL, `synchronous = FULL`: what is acknowledged survives a power cut. Throws
 * `PosternError` where no safe SQLite is to be had, and for what is no path of a file, such as `:memory:`.
 *
 * @param file Its path, or its `file:` URL.
 */
export function sqlite(file: string | URL, options: SqliteOptions = {}): SqliteStore {
  const path = filePathOf(file)
  if (Object.prototype.toString.call(options) !== '[object Object]')
    throw new PosternError('bad_config', 'sqlite: options must be an object')
  const driver = chooseDriver(options.driver)
  makePrivateFile(path)
  const engine = SharedEngine.open({ path, driver, writer: options.writer ?? 'thread' })
  return new EmbeddedStore(engine, new SteadyClock(options.now, options.monotonicNow ?? options.now))
}

class EmbeddedStore implements Store<SqliteEffect>, HasRejectedLog, HasSmallState {
  readonly #engine: SharedEngine
  readonly #clock: SteadyClock
  /** Whether the clock knows what the file says of it. */
  #isClockSet = false
  #settingClock: Promise<void> | undefined
  #underWay = 0
  #onIdle: (() => void) | undefined
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  readonly rejected: RejectedLog = {
    record: async (rejected: RejectedRequest) =>
      this.#run({ verb: 'record', rejected }, rejected.body.byteLength),
    list: (query: RejectedQuery): Promise<RejectedPage> => this.#read({ verb: 'rejected', query }),
  }

  readonly state: SmallState = {
    get: (key: string) => this.#at((nowMs) => this.#engine.read({ verb: 'recall', key, nowMs })),
    set: async (key: string, value: string | undefined, { forMs }: { readonly forMs?: number } = {}) =>
      this.#run(
        { verb: 'remember', key, value: value ?? null, forMs: forMs === Infinity ? null : (forMs ?? null) },
        0,
      ),
    list: (prefix: string): Promise<readonly StateEntry[]> =>
      this.#at((nowMs) => this.#engine.read({ verb: 'entries', prefix, nowMs })),
  }

  constructor(engine: SharedEngine, clock: SteadyClock) {
    this.#engine = engine
    this.#clock = clock
  }

  /** One operation for each event, so that one that cannot be stored fails alone. */
  async put(events: readonly NewEvent[]): Promise<PutResult[]> {
    const [only] = events
    const results =
      events.length === 1 && only
        ? [await this.#putOne(only)]
        : await Promise.all(events.map((event) => this.#putOne(event)))
    if (results.some((result, index) => leavesWork(result, events[index]))) this.#engine.announceWork()
    return results
  }

  async claim(request: ClaimRequest): Promise<Claimed[]> {
    if (this.#closing.signal.aborted) throw closedError()
    const endMs = performance.now() + request.waitMs
    for (;;) {
      const work = nextWork((wake) => this.#engine.onWork(wake), [request.signal, this.#closing.signal])
      try {
        const { claimed, nextMs } = await this.#claimDue(request)
        const leftMs = endMs - performance.now()
        if (claimed.length > 0 || leftMs <= 0 || this.#isOver(request)) return toClaimed(claimed)
        await work.within(Math.min(leftMs, POLL_MS, Math.max(0, (nextMs ?? Infinity) - this.#clock.nowMs())))
      } finally {
        work.forget()
      }
      if (this.#isOver(request)) return []
    }
  }

  settle(settlements: readonly Settlement<SqliteEffect>[]): Promise<SettleResult[]> {
    return settleSound(settlements, effectProblem, (sound) => this.#settle(sound))
  }

  async #settle(settlements: readonly Settlement<SqliteEffect>[]): Promise<SettleResult[]> {
    const rows = await this.#run({ verb: 'settle', settlements }, settlements.length * 100)
    if (rows.some((row) => row.result === 'settled' && row.makesWork)) this.#engine.announceWork()
    return rows.map(toSettleResult)
  }

  extend(leases: readonly Lease[], leaseMs: number): Promise<('extended' | 'lost')[]> {
    return this.#run({ verb: 'extend', leases, leaseMs }, 0)
  }

  async move(moves: readonly Move[]): Promise<MoveResult[]> {
    const results = await this.#run({ verb: 'move', moves }, 0)
    this.#engine.announceWork()
    return results
  }

  get(eventSeq: number): Promise<EventDetail | undefined> {
    return this.#read({ verb: 'get', eventSeq })
  }

  list(query: ListQuery): Promise<ListPage> {
    return this.#read({ verb: 'list', query })
  }

  async replay(replays: readonly Replay[]): Promise<ReplayResult[]> {
    const results = await this.#run({ verb: 'replay', replays }, 0)
    this.#engine.announceWork()
    return results
  }

  prune({ eventsOlderThanMs, limit }: PruneRequest): Promise<PruneResult> {
    // Infinity would reach the thread as null, and everything be old enough.
    const request = { eventsOlderThanMs: Math.min(eventsOlderThanMs, Number.MAX_SAFE_INTEGER), limit }
    return this.#run({ verb: 'prune', request }, limit * 100)
  }

  async stat(): Promise<StoreStat> {
    const counts = await this.#at((nowMs) => this.#engine.read({ verb: 'stat', nowMs }))
    return { ...counts, commits: this.#engine.commits }
  }

  async inspect(): Promise<StoreInspection> {
    const inspection = await this.#read({ verb: 'inspect' })
    return { ...inspection, clockAheadMs: this.#clock.aheadMs }
  }

  async close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
    await this.#engine.release()
  }

  async #putOne(event: NewEvent): Promise<PutResult> {
    if (!(event.body instanceof Uint8Array)) {
      return { outcome: 'failed', error: new TypeError('the body of an event must be bytes') }
    }
    if (event.createdMs !== undefined && !Number.isSafeInteger(event.createdMs)) {
      return { outcome: 'failed', error: new RangeError('createdMs must be a whole number of milliseconds') }
    }
    const bytes = event.body.byteLength + 1000
    let receivedMs = 0
    const result = await this.#at((nowMs) => {
      receivedMs = nowMs
      return this.#engine.add({ verb: 'put', events: [event], nowMs }, bytes)
    })
    if (!result.ok) return { outcome: 'failed', error: new Error(result.error) }
    // One event in, one result out.
    const row = (result.value as ResultOf['put'])[0] as PutRow
    return row.lease === undefined ? resultOf(row) : this.#withLease(event, row, row.lease, receivedMs)
  }

  /** A lease on what was just stored is on the caller's own event; on a copy it is on the event that was stored first. */
  async #withLease(event: NewEvent, row: PutRow, lease: LeasedRow, receivedMs: number): Promise<PutResult> {
    const stored =
      row.outcome === 'duplicate'
        ? (await this.get(row.eventSeq))?.event
        : storedEvent(event, row, receivedMs)
    if (stored === undefined) return resultOf(row)
    const { deliverySeq, token, attempt } = lease
    const destination = fromText(lease.destination)
    return { leased: { deliverySeq, token, destination, attempt, event: stored }, ...resultOf(row) }
  }

  async #claimDue({ destinations, leaseMs, keepMs = 0 }: ClaimRequest): Promise<ClaimResult> {
    if (this.#closing.signal.aborted) return { claimed: [], nextMs: undefined }
    return this.#run({ verb: 'claim', destinations, leaseMs, keepMs }, 0)
  }

  #isOver(request: ClaimRequest): boolean {
    return request.signal?.aborted === true || this.#closing.signal.aborted
  }

  async #run<V extends Verb>(
    operation: Omit<OperationOf<V>, 'nowMs'> & { readonly verb: V },
    bytes: number,
  ): Promise<ResultOf[V]> {
    const result = await this.#at((nowMs) => {
      // The time completes the operation; the compiler does not put an `Omit` of a union together again.
      const whole = { nowMs, ...operation } as unknown as OperationOf<V>
      return this.#engine.add(whole, bytes)
    })
    if (!result.ok) throw new PosternError('store_unavailable', `SQLite: ${result.error}`)
    // The engine answers each verb with its own result.
    return result.value as ResultOf[V]
  }

  /** Does what needs the time, once the clock is known. */
  async #at<T>(work: (nowMs: number) => Promise<T>): Promise<T> {
    this.#begin()
    try {
      if (!this.#isClockSet) {
        await (this.#settingClock ??= this.#setClock())
        // Only here, so that nothing that comes now passes by those that wait.
        this.#isClockSet = true
      }
      return await work(this.#clock.nowMs())
    } finally {
      this.#end()
    }
  }

  /** What was received has been: the wall clock may be behind that, set back while nothing ran. */
  async #setClock(): Promise<void> {
    try {
      const { events } = await this.#engine.read({ verb: 'list', query: { of: 'events', limit: 1 } })
      if (events[0] !== undefined) this.#clock.hasBeen(events[0].receivedMs)
    } catch (error) {
      this.#settingClock = undefined
      throw error
    }
  }

  #read<V extends ReadOperation['verb']>(
    operation: Extract<ReadOperation, { readonly verb: V }>,
  ): Promise<ReadResultOf[V]> {
    return this.#at(() => this.#engine.read(operation))
  }

  /** Refuses once closed; counts what is under way, so that closing waits for it. */
  #begin(): void {
    if (this.#closing.signal.aborted) throw closedError()
    this.#underWay += 1
  }

  #end(): void {
    this.#underWay -= 1
    if (this.#underWay === 0) this.#onIdle?.()
  }
}

/** Whether deliveries were made that the put itself did not lease. */
function leavesWork(result: PutResult, event: NewEvent | undefined): boolean {
  if (event === undefined || result.outcome === 'failed' || result.outcome === 'duplicate') return false
  const made = result.outcome === 'stored' || event.onConflict === 'dispatch' ? event.destinations.length : 0
  return made > (result.leased === undefined ? 0 : 1)
}

function resultOf(row: PutRow): Exclude<PutResult, { readonly outcome: 'failed' }> {
  const { outcome, eventSeq } = row
  if (outcome === 'duplicate') return { outcome, eventSeq, deliveries: row.deliveries }
  return outcome === 'stored'
    ? { outcome, eventSeq }
    : { outcome, eventSeq, conflictsWith: row.conflictsWith }
}

function storedEvent(
  event: NewEvent,
  row: Exclude<PutRow, { readonly outcome: 'duplicate' }>,
  receivedMs: number,
): StoredEvent {
  const conflictsWith = row.outcome === 'conflict' ? row.conflictsWith : undefined
  return asStored(event, { eventSeq: row.eventSeq, receivedMs, conflictsWith })
}

function closedError(): PosternError {
  return new PosternError('store_closed', 'The store is closed')
}

/**
 * Deliveries of one event share its row and its headers; each gets bytes of its own, whatever another's handler does to them: the
 * copies in one block, since a block each takes 1 µs to allocate, and more to collect.
 */
function toClaimed(rows: ClaimResult['claimed']): Claimed[] {
  const { shared, furtherBytes } = sharedEvents(rows)
  const block = new Uint8Array(furtherBytes)
  let at = 0
  return rows.map(({ deliverySeq, token, destination, attempt, event: row }) => {
    const known = shared.get(row)
    if (known === undefined) return { deliverySeq, token, destination, attempt, event: toStoredEvent(row) }
    let { body } = row
    if (known.isGiven) {
      block.set(body, at)
      body = new Uint8Array(block.buffer, at, body.length)
      at += body.length
    }
    known.isGiven = true
    return { deliverySeq, token, destination, attempt, event: toSharedEvent(row, body, known.headers) }
  })
}

interface SharedEvent {
  readonly headers: readonly string[]
  /** Whether its row's own bytes went to a delivery. */
  isGiven: boolean
}

/** The events that several of these deliveries are of, and how many bytes all but one delivery of each take. */
function sharedEvents(rows: ClaimResult['claimed']): {
  readonly shared: ReadonlyMap<EventRow, SharedEvent>
  readonly furtherBytes: number
} {
  const seen = new Set<EventRow>()
  const shared = new Map<EventRow, SharedEvent>()
  let furtherBytes = 0
  for (const { event } of rows) {
    if (seen.size < seen.add(event).size) continue
    furtherBytes += event.body.length
    if (!shared.has(event)) shared.set(event, { headers: headersOf(event), isGiven: false })
  }
  return { shared, furtherBytes }
}

function toSettleResult(row: SettledRow): SettleResult {
  return row.result === 'failed'
    ? { result: 'failed', error: new Error(row.message) }
    : { result: row.result }
}
