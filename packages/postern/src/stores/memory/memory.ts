/**
 * The Store contract over plain Maps: its executable specification, and a store for tests and trials. Nothing survives
 * the process.
 *
 * Every verb does its work in one go, so that none ever sees another half done.
 *
 * @module
 */
import { PosternError } from '../../core/index.ts'
import {
  SteadyClock,
  type Claimed,
  type ClaimRequest,
  type HasRejectedLog,
  type HasSmallState,
  type Store,
  type StoreInspection,
} from '../../inbox/index.ts'
import { claimDue, nextDueMs } from './claim.ts'
import { Entries } from './entries.ts'
import { moveOne, prune, replayOne } from './operate.ts'
import { putOne } from './put.ts'
import { detailOf, pageOf, statOf } from './read.ts'
import { RejectedRequests } from './rejected-requests.ts'
import { extendOne, settleOne, type MemoryEffect } from './settle.ts'
import { Tables } from './tables.ts'
import { WaitingClaims } from './waiting-claims.ts'

export type { MemoryEffect } from './settle.ts'

/** The store without storage: its effects are functions, and nothing survives the process. */
export type MemoryStore = Store<MemoryEffect> & HasRejectedLog & HasSmallState

/** What time it is for the store, for tests that move it. */
export interface MemoryOptions {
  /** The clock; default `Date.now`, and where that is set back what passes by the monotonic clock. */
  readonly now?: () => number
  /** Added to the clock: how tests move time. */
  readonly offsetMs?: () => number
}

const INSPECTION: Omit<StoreInspection, 'clockAheadMs'> = {
  engine: 'memory',
  schemaVersion: undefined,
  settings: [],
  acceptsLoss: true,
}

/** A store that keeps everything in memory and loses it with the process. */
export function memory(options: MemoryOptions = {}): MemoryStore {
  const { now, offsetMs = () => 0 } = options
  const steady = new SteadyClock(now, now)
  const tables = new Tables()
  const rejected = new RejectedRequests()
  const entries = new Entries()
  const waiting = new WaitingClaims()
  const clock = (): number => steady.nowMs() + offsetMs()
  let isClosed = false

  async function read<T>(work: (nowMs: number) => T): Promise<Awaited<T>> {
    if (isClosed) throw new PosternError('store_closed', 'The memory store is closed')
    return await work(clock())
  }

  async function change<T>(work: (nowMs: number) => T): Promise<Awaited<T>> {
    const result = read(work)
    waiting.wake()
    return await result
  }

  function claim(request: ClaimRequest, nowMs: number): Claimed[] | Promise<Claimed[]> {
    const claimed = claimDue(tables, request, nowMs)
    if (claimed.length > 0 || request.waitMs <= 0 || request.signal?.aborted) return claimed
    return waiting.wait(request, {
      claimDue: () => claimDue(tables, request, clock()),
      untilDueMs: () => nextDueMs(tables, request) - clock(),
    })
  }

  return {
    put: (events) => change((nowMs) => events.map((event) => putOne(tables, event, nowMs))),
    claim: (request) => read((nowMs) => claim(request, nowMs)),
    settle: (all) => change((nowMs) => all.map((settlement) => settleOne(tables, settlement, nowMs))),
    extend: (all, leaseMs) =>
      change((nowMs) => all.map((lease) => extendOne(tables, lease, nowMs + leaseMs))),
    move: (moves) => change((nowMs) => moves.map((move) => moveOne(tables, move, nowMs))),
    get: (eventSeq) => read(() => detailOf(tables, eventSeq)),
    list: (query) => read(() => pageOf(tables, query)),
    replay: (replays) => change((nowMs) => replays.map((replay) => replayOne(tables, replay, nowMs))),
    prune: (request) => read((nowMs) => prune(tables, request, nowMs)),
    stat: () => read((nowMs) => statOf(tables, nowMs)),
    inspect: () => read(() => ({ ...INSPECTION, clockAheadMs: steady.aheadMs })),
    close: async () => {
      isClosed = true
      waiting.release()
    },
    rejected: {
      record: (request) => read((nowMs) => rejected.record(request, nowMs)),
      list: (query) => read(() => rejected.list(query)),
    },
    state: {
      get: (key) => read((nowMs) => entries.get(key, nowMs)),
      set: (key, value, { forMs = Infinity } = {}) => read((nowMs) => entries.set(key, value, forMs, nowMs)),
      list: (prefix) => read((nowMs) => entries.list(prefix, nowMs)),
    },
  }
}
