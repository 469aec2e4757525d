import type { Reason, WebhookRequest } from '../core/index.ts'

/** What happened, for logs and metrics. Fields are data from outside: never put one into a message unescaped. */
export type Occurrence =
  | {
      /** A request was verified, or an event brought by `record`; it was recorded, or found recorded. */
      readonly kind: 'accepted'
      readonly source: string
      readonly outcome: 'stored' | 'duplicate' | 'conflict'
      readonly eventSeq: number
      readonly id: string
      readonly type: string
      readonly verifiedBy: string
      /** Index of the secret that matched; `undefined` where `record` brought the event, and nothing was verified. */
      readonly secretIndex: number | undefined
      /** How many deliveries were made; 0 where nothing handles the type. */
      readonly deliveries: number
      /** From the whole request to its durable record. */
      readonly durationMs: number
    }
  | {
      /** A request was refused. */
      readonly kind: 'rejected'
      /** The path's source; of a path without one, the empty string. */
      readonly source: string
      readonly reason: Reason | RefusalReason
      readonly status: number
      /** Who sent it, where `clientOf` says so. */
      readonly client?: string
      /** Absent where the request was refused before its body was read. */
      readonly request?: WebhookRequest
    }
  | {
      /** A delivery was tried. */
      readonly kind: 'attempted'
      readonly source: string
      readonly eventSeq: number
      readonly id: string
      readonly type: string
      readonly destination: string
      readonly attempt: number
      /** `lost`: the lease had gone to another worker, and nothing was recorded. */
      readonly outcome: 'succeeded' | 'retry' | 'dead' | 'released' | 'lost'
      /** Until the next try. */
      readonly retryAfterMs?: number
      readonly error?: unknown
      readonly durationMs: number
    }

/** Why a request was refused apart from its signature. */
export type RefusalReason =
  | 'unknown_source'
  | 'method_not_allowed'
  | 'overloaded'
  | 'store_unavailable'
  | 'stopping'
  /** `ack: "handled"`: another request, or a worker, is at this event, or it is not its turn. */
  | 'in_progress'
  /** `ack: "handled"`: the handler threw, or took too long. */
  | 'handler_failed'
  | 'internal_error'

/** Called for every occurrence. It must not block; what it throws is logged and changes nothing. */
export type Observer = (occurrence: Occurrence) => void
