import type {
  ClaimRequest,
  Lease,
  Move,
  MoveResult,
  NewEvent,
  PruneRequest,
  PruneResult,
  DeliveryStatus,
  RejectedRequest,
  Replay,
  ReplayResult,
  Settlement,
} from '../../inbox/index.ts'
import type { SqliteValue } from './database.ts'
import type { EventRow } from './event-row.ts'

/**
 * A write that commits together with a delivery's success. Its tables live in the same file. Text with NUL, or with half a
 * surrogate pair, fails its settlement: it could not be written as it is.
 */
export interface SqliteEffect {
  readonly sql: string
  readonly params?: readonly SqliteValue[]
}

/** An event on its way to the writer, its headers perhaps as the column has them already: in UTF-8, as JSON. */
export type PutEvent = Omit<NewEvent, 'headers'> & { readonly headers: NewEvent['headers'] | Uint8Array }

/** What one commit can carry: the contract's writing verbs and the rejected log's, each at its own time. */
export type Operation = { readonly nowMs: number } & (
  | { readonly verb: 'put'; readonly events: readonly PutEvent[] }
  | {
      readonly verb: 'claim'
      readonly destinations: ClaimRequest['destinations']
      readonly leaseMs: number
      readonly keepMs: number
    }
  | { readonly verb: 'settle'; readonly settlements: readonly Settlement<SqliteEffect>[] }
  | { readonly verb: 'extend'; readonly leases: readonly Lease[]; readonly leaseMs: number }
  | { readonly verb: 'move'; readonly moves: readonly Move[] }
  | { readonly verb: 'replay'; readonly replays: readonly Replay[] }
  | { readonly verb: 'prune'; readonly request: PruneRequest }
  | { readonly verb: 'record'; readonly rejected: RejectedRequest }
  | {
      readonly verb: 'remember'
      readonly key: string
      /** Null forgets it. */
      readonly value: string | null
      /** Null: for ever. */
      readonly forMs: number | null
    }
  | { readonly verb: 'checkpoint' }
)

export type Verb = Operation['verb']
export type OperationOf<V extends Verb> = Extract<Operation, { readonly verb: V }>

/** What each verb answers. */
export interface ResultOf {
  readonly put: PutRow[]
  readonly claim: ClaimResult
  readonly settle: SettledRow[]
  readonly extend: ('extended' | 'lost')[]
  readonly move: MoveResult[]
  readonly replay: ReplayResult[]
  readonly prune: PruneResult
  readonly record: undefined
  readonly remember: undefined
  readonly checkpoint: undefined
}

/** A put's result. The event of a lease is the caller's own, or for a copy read when it is needed: its bytes need not cross over. */
export type PutRow =
  | {
      readonly outcome: 'stored'
      readonly eventSeq: number
      readonly lease?: LeasedRow
    }
  | {
      readonly outcome: 'duplicate'
      readonly eventSeq: number
      readonly deliveries: readonly DeliveryStatus[]
      readonly lease?: LeasedRow
    }
  | {
      readonly outcome: 'conflict'
      readonly eventSeq: number
      readonly conflictsWith: number
      readonly lease?: LeasedRow
    }

/** A lease without its event. */
export interface LeasedRow extends Lease {
  readonly destination: string
  readonly attempt: number
  readonly eventSeq: number
}

/** A settle's result; a failure as text, since errors lose their class between threads. */
export type SettledRow =
  /** Whether a delivery can be claimed now or later that could not before: itself, or the next of its lane. */
  | { readonly result: 'settled'; readonly makesWork: boolean }
  | { readonly result: 'lost' }
  | { readonly result: 'failed'; readonly message: string }

/** A claimed delivery with its event as the table has it. */
export interface ClaimedRow extends Lease {
  readonly destination: string
  readonly attempt: number
  readonly event: EventRow
}

export interface ClaimResult {
  readonly claimed: readonly ClaimedRow[]
  /** When a delivery of these destinations is next due or its lease ends; only where none was claimed. */
  readonly nextMs: number | undefined
}

/** How one operation of a commit went; a failure is that operation's alone. */
export type OperationResult =
  | { readonly ok: true; readonly value: ResultOf[Verb] }
  | { readonly ok: false; readonly error: string }
