/**
 * The Store contract: where events and their deliveries are kept. Eleven verbs, none optional.
 *
 * The memory store is its executable specification, and the contract suite in `postern/testing` its proof; a store is
 * one that passes it. Rules that hold for every verb:
 *
 * - A promise that fulfils means that what it reports is on stable storage, as far as the store's kind has any.
 * - Each event with its deliveries and dedupe records is atomic. The items of an array are independent: one that
 *   cannot be stored, or not now since another node holds what it needs, never fails its neighbours.
 * - Numbers of calls made at once need not rise in one order for the whole store; within an ordering key they do.
 * - Time is the store's own clock, which need not be this machine's; callers pass distances, never instants. A store may
 *   round what is no whole number of milliseconds up to one.
 * - Unknown sequence numbers are values (`'unknown'`, `'lost'`), never exceptions. A rejection means that the store
 *   is out of order and nothing is known of the outcome.
 * - Nothing is sent to the engine twice: where an answer is lost on the way, the verb rejects. Sent again by a client's own
 *   reconnect, a settle that was done would be answered `'lost'`, and a replay would make two deliveries.
 * - A store that has to ask its server whether it keeps what it acknowledges rejects every verb but `inspect` where it does
 *   not, unless it was told to accept that.
 *
 * @module
 */
import type { Histogram } from './histogram.ts'
import type { DeliveryState } from './lifecycle.ts'

/**
 * Where events and their deliveries are kept. A promise that fulfils means that what it reports is on stable storage, as
 * far as the store's kind has any; one that rejects, that nothing is known of the outcome. `Effect` is what a settlement
 * can write in its own transaction.
 */
export interface Store<Effect = never> {
  /** Records events, once each. */
  put(events: readonly NewEvent[]): Promise<PutResult[]>
  /**
   * Leases deliveries that are due; waits up to `waitMs` for the first. An empty array means none came. What another call
   * holds at that moment may be passed by, and comes with the next claim.
   */
  claim(request: ClaimRequest): Promise<Claimed[]>
  /** Ends leases. Answers in the order given. */
  settle(settlements: readonly Settlement<Effect>[]): Promise<SettleResult[]>
  /** Prolongs leases to `leaseMs` from now. */
  extend(leases: readonly Lease[], leaseMs: number): Promise<('extended' | 'lost')[]>
  /** Takes an operator's steps: redrive, cancel, discard. */
  move(moves: readonly Move[]): Promise<MoveResult[]>
  /** One event with its deliveries and their attempts; `undefined` where there is none. */
  get(eventSeq: number): Promise<EventDetail | undefined>
  /** Events or deliveries, newest first; where `after` is given, oldest first. */
  list(query: ListQuery): Promise<ListPage>
  /** Makes a new delivery of a stored event for each destination named; in order, it comes last of its key, as the call lists them. */
  replay(replays: readonly Replay[]): Promise<ReplayResult[]>
  /**
   * Deletes what is past its time, at most `limit` rows of each kind, and says how many. More where an engine lets go of a whole
   * partition at once, which takes no longer.
   */
  prune(request: PruneRequest): Promise<PruneResult>
  /** Counts by state and the age of the oldest pending delivery, for every destination that has any; and what commits cost. */
  stat(): Promise<StoreStat>
  /** Looks at what the store runs on, and at the settings that a 2xx hangs on; answers where those are unsafe as well. */
  inspect(): Promise<StoreInspection>
  /** Waits for what is under way and lets go of everything. Afterwards every verb rejects with `store_closed`. */
  close(): Promise<void>
}

/** An authentic request's event, to be recorded. */
export interface NewEvent {
  /** Whose it is, in an app with many customers; empty otherwise. */
  readonly tenant: string
  readonly source: string
  readonly id: string
  /**
   * What the event is remembered by: a signed id alone; where the id is not signed, the body as well, so that a captured
   * body under a new id is a duplicate; where the id is made from the body, the body alone.
   */
  readonly idKind: 'signed' | 'unsigned' | 'digest'
  readonly type: string
  /** When it happened as the provider says, in ms since the epoch. */
  readonly createdMs: number | undefined
  readonly orderingKey: string | undefined
  /**
   * Set where the source asks for order: deliveries with the same tenant, source, ordering key and destination run one at
   * a time, in the order in which their events were recorded. A dead one blocks those after it, or lets them pass: as the
   * newest event of the key said when it died.
   */
  readonly onDead: OnDead | undefined
  /** The scheme that verified it. */
  readonly verifiedBy: string
  /** The exact bytes received. Their SHA-256 tells a duplicate from a conflict. */
  readonly body: Uint8Array
  /** Names and values in turn, without those that carry secrets. */
  readonly headers: readonly string[]
  readonly dedupeWindowMs: number
  /** Whether an event whose id was seen with another body is delivered, or kept until an operator says so. */
  readonly onConflict: 'hold' | 'dispatch'
  /** One delivery is made for each; none for an event that nothing handles. */
  readonly destinations: readonly string[]
  /** Hands the delivery of one destination to the caller at once, where it is that delivery's turn. */
  readonly lease?: PutLease | undefined
}

/** Has a put lease one destination's delivery to its caller for `leaseMs`, where it is that delivery's turn. */
export interface PutLease {
  readonly destination: string
  readonly leaseMs: number
  /** As in a claim. */
  readonly keepMs?: number
  /** Leases nothing where the event was recorded before. */
  readonly leavesCopies?: boolean
}

/** What a dead delivery does to the later ones of its ordering key. */
export type OnDead = 'block' | 'continue'

/** What became of one event of a put. */
export type PutResult =
  | {
      readonly outcome: 'stored'
      readonly eventSeq: number
      /** Where a lease was asked for and given. */
      readonly leased?: Claimed
    }
  | {
      readonly outcome: 'duplicate'
      /** The event that was recorded first. */
      readonly eventSeq: number
      /** The states of that event's deliveries, as they were before this put leased one. */
      readonly deliveries: readonly DeliveryStatus[]
      /**
       * Where a lease was asked for: the newest delivery of that destination, if it is pending, dead or its lease has ended,
       * it is its turn, and none of the event's deliveries there runs or has succeeded. A dead one starts its schedule anew.
       */
      readonly leased?: Claimed
    }
  | {
      /** The id was seen with another body: this one is stored too, flagged, and without deliveries unless `onConflict` says `dispatch`. */
      readonly outcome: 'conflict'
      readonly eventSeq: number
      readonly conflictsWith: number
      readonly leased?: Claimed
    }
  | {
      /** This event could not be stored, and its neighbours could. */
      readonly outcome: 'failed'
      readonly error: Error
    }

/** How far a delivery of an event that was recorded before has come. */
export interface DeliveryStatus {
  readonly deliverySeq: number
  readonly destination: string
  readonly state: DeliveryState
}

/** Which deliveries a node can take on now, for how long it leases them, and how long it waits for the first. */
export interface ClaimRequest {
  /** The destinations that this node serves, each with the most deliveries it takes now, so that a slow one never starves the others. */
  readonly destinations: readonly { readonly name: string; readonly limit: number }[]
  readonly leaseMs: number
  /**
   * For how long, from now, a store with a thread of its own prolongs these leases by itself, so that a handler that
   * blocks the event loop does not lose its lease. Ends with the process, and with the settle. Default 0.
   */
  readonly keepMs?: number
  /** How long to wait for work; 0 answers at once. */
  readonly waitMs: number
  /** Ends the wait. What has been leased by then is still answered. */
  readonly signal?: AbortSignal
}

/**
 * Names a lease. A settle or extend with a token that is not the delivery's newest changes nothing; one that ended and
 * that nobody has claimed since is still its holder's.
 */
export interface Lease {
  readonly deliverySeq: number
  readonly token: number
}

/** A delivery leased to whoever asked, with its event. Once the lease has ended, any node may claim it. */
export interface Claimed extends Lease {
  readonly destination: string
  /** Which try this is: 1 for the first. It was raised before the run, so that a crash counts. */
  readonly attempt: number
  readonly event: StoredEvent
}

/** An event as it was put, with the number and the time (`receivedMs`, in ms since the epoch) that the store gave it. */
export interface StoredEvent {
  readonly eventSeq: number
  readonly tenant: string
  readonly source: string
  readonly id: string
  readonly type: string
  readonly createdMs: number | undefined
  readonly receivedMs: number
  readonly orderingKey: string | undefined
  readonly verifiedBy: string
  readonly body: Uint8Array
  readonly headers: readonly string[]
  /** The event whose id this one has with another body. */
  readonly conflictsWith: number | undefined
}

/** How the attempt under a lease ended, and what is to be written together with that. */
export interface Settlement<Effect> extends Lease {
  readonly outcome: Outcome
  /** How long the attempt took. */
  readonly durationMs: number
  /**
   * Run after the fenced update, in its transaction; where one fails, this settlement alone is undone and answered
   * `failed`. So is one with an effect that the engine could not undo.
   */
  readonly effects?: readonly Effect[]
}

/** How an attempt ended. */
export type Outcome =
  | { readonly kind: 'succeeded' }
  /** Due again after `afterMs`. */
  | { readonly kind: 'retry'; readonly afterMs: number; readonly error: string }
  | { readonly kind: 'dead'; readonly error: string }
  /** Given back untried, as at a stop: due again after `afterMs`, or at once, and the attempt is not counted. */
  | { readonly kind: 'released'; readonly afterMs?: number }

/** What became of one settlement, apart from its neighbours. */
export type SettleResult =
  | { readonly result: 'settled' }
  /** The lease was no longer this one's: nothing changed. */
  | { readonly result: 'lost' }
  | { readonly result: 'failed'; readonly error: Error }

/**
 * An operator's step: `redrive` takes a delivery from dead to pending, `cancel` from pending and `discard` from dead to
 * cancelled.
 */
export interface Move {
  readonly deliverySeq: number
  /** A redriven delivery is due at once and starts its schedule anew: its next attempt is the first. */
  readonly to: 'redrive' | 'cancel' | 'discard'
  /** Redrives a delivery whose successors have run already, out of order. */
  readonly force?: boolean
}

/**
 * `illegal` where the lifecycle has no such step from the delivery's state; `overtaken` where a later delivery of the same
 * ordering key has been claimed since, so that a redrive would run out of order.
 */
export type MoveResult = 'moved' | 'illegal' | 'overtaken' | 'unknown'

/** One event for one destination, as it stands now. Instants are the store's, in ms since the epoch. */
export interface Delivery {
  readonly deliverySeq: number
  readonly eventSeq: number
  readonly destination: string
  readonly state: DeliveryState
  readonly attempt: number
  readonly token: number
  /** The key it waits in line under; `undefined` where no order was asked for. */
  readonly orderingKey: string | undefined
  /** Dead, and the later ones of its key wait for it. */
  readonly blocks: boolean
  /** When it is due, while pending; ms since the epoch. */
  readonly dueMs: number
  /** When its lease ends, while leased. */
  readonly leaseUntilMs: number | undefined
  /** The last error; it stays when a later attempt succeeds or is given back. */
  readonly error: string | undefined
}

/**
 * A try that has ended, with its number in the schedule: from 1, and from 1 again after a redrive. One that was given
 * back untried is not kept.
 */
export interface Attempt {
  readonly number: number
  readonly endedMs: number
  readonly durationMs: number
  readonly outcome: Outcome['kind']
  readonly error: string | undefined
}

/** One event with everything that became of it. */
export interface EventDetail {
  readonly event: StoredEvent
  /** Copies that arrived after the first. */
  readonly duplicates: number
  readonly deliveries: readonly (Delivery & { readonly attempts: readonly Attempt[] })[]
}

/** Filters are joined by "and". */
export interface ListQuery {
  readonly of: 'events' | 'deliveries'
  readonly source?: string
  readonly type?: string
  /** Of deliveries only. */
  readonly state?: DeliveryState
  /** Of deliveries only. */
  readonly destination?: string
  /** Of deliveries only: the dead ones that block their key. */
  readonly blocking?: boolean
  /** Of events only: those whose id was seen before with another body. */
  readonly conflicts?: boolean
  /** Only what has a lower sequence number: the `next` of the page before. */
  readonly before?: number
  /** Only what has a higher number, and one below `before`, lowest first: 0 for the oldest, then the `next` of the page before. */
  readonly after?: number
  /** 1 to 1,000. */
  readonly limit: number
}

/** At most `limit` events or deliveries, and where the next ones begin. */
export interface ListPage {
  readonly events: readonly EventSummary[]
  /** Empty when events were asked for. */
  readonly deliveries: readonly Delivery[]
  /** `before` of the next page, or `after` where that was given; absent on the last. */
  readonly next: number | undefined
}

/** An event without its bytes. */
export type EventSummary = Omit<StoredEvent, 'body' | 'headers'> & { readonly bodyBytes: number }

/** A stored event, and the destinations that it is to be delivered to once more. */
export interface Replay {
  readonly eventSeq: number
  readonly destinations: readonly string[]
}

/** The new deliveries in the order of the destinations; `'unknown'` where there is no such event. */
export type ReplayResult = { readonly deliverySeqs: readonly number[] } | 'unknown'

/** Which events are past their time, and how much one call may delete. Dedupe records have their own time. */
export interface PruneRequest {
  /** Events received longer ago than this whose deliveries are all succeeded or cancelled; `Infinity` for none. */
  readonly eventsOlderThanMs: number
  /** The most rows of each kind to delete in this call: a batch keeps its lock short. */
  readonly limit: number
}

/** How much was deleted. An event counts once, with its deliveries and attempts. */
export interface PruneResult {
  readonly events: number
  /** Dedupe records past their window. */
  readonly dedupeRecords: number
}

/** How many events are kept, what waits at each destination, and what commits cost. */
export interface StoreStat {
  /** An engine that would have to read them all may estimate it from 10,000 on. */
  readonly events: number
  readonly destinations: readonly DestinationStat[]
  readonly commits: CommitStat
}

/** What the commits of this process have cost since the store was opened; all zero where a store has none. */
export interface CommitStat {
  /** How many operations each commit carried. */
  readonly operations: Histogram
  /** From handing a commit over to its results, in ms. */
  readonly durationMs: Histogram
  /** Of that, how long the engine's own COMMIT took, fsync included, in ms; empty where a server does not tell its clients. */
  readonly fsyncMs: Histogram
}

/** What a store runs on: for `doctor`, the log and the console. */
export interface StoreInspection {
  /** The engine with its version, such as `PostgreSQL 15.18`. */
  readonly engine: string
  /** The newest migration applied; `undefined` where there are none. */
  readonly schemaVersion: number | undefined
  /** How far the store's clock is ahead of this process's, within the time that asking takes; 0 where they are the same. */
  readonly clockAheadMs: number
  /** The settings that decide whether what is acknowledged survives a crash. */
  readonly settings: readonly StoreSetting[]
  /** Whether acknowledged events may be lost by the configuration's own word, or by the store's kind. */
  readonly acceptsLoss: boolean
}

/** One setting of the engine, as it is and as it has to be for a 2xx to mean stable storage. */
export interface StoreSetting {
  readonly name: string
  readonly value: string
  /** What keeps what is acknowledged. */
  readonly wanted: string
  readonly isSound: boolean
}

/** How many deliveries of a destination are not finished, by state. */
export interface DestinationStat {
  readonly name: string
  readonly pending: number
  readonly leased: number
  readonly dead: number
  /** Ordering keys that wait for a dead delivery. */
  readonly blockedKeys: number
  /** Time since the oldest pending delivery was made; `undefined` where none is. */
  readonly oldestPendingMs: number | undefined
}
