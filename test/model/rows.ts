import type {
  Attempt,
  DeliveryState,
  NewEvent,
  OnDead,
  RejectedRequest,
} from '../../packages/postern/src/inbox/index.ts'

/** An event as it was put. */
export interface EventRow {
  readonly eventSeq: number
  readonly said: NewEvent
  readonly receivedMs: number
  readonly conflictsWith: number | undefined
  duplicates: number
}

/** What an event is remembered by, until its window ends; it outlives the event. */
export interface MemoRow {
  readonly by: 'id' | 'body' | 'conflict'
  readonly tenant: string
  readonly source: string
  /** Absent where the body alone counts. */
  readonly id: string | undefined
  readonly body: string
  readonly eventSeq: number
  readonly expiresMs: number
}

export interface DeliveryRow {
  readonly deliverySeq: number
  readonly eventSeq: number
  readonly destination: string
  /** The line it stands in: destination, tenant, source and key; `undefined` where no order was asked for. */
  readonly line: string | undefined
  /** Where it stands in line. */
  readonly orderingKey: string | undefined
  readonly onDead: OnDead | undefined
  readonly madeMs: number
  state: DeliveryState
  attempt: number
  /** Every token it was ever leased under, the newest last. */
  tokens: number[]
  dueMs: number
  leaseUntilMs: number | undefined
  error: string | undefined
  blocks: boolean
  attempts: Attempt[]
  /** How many leases had been given, by the whole store, when it died last. */
  diedAfter: number
}

/** One lease given: never forgotten, so that what has overtaken can be told. */
export interface LeaseRow {
  readonly deliverySeq: number
  readonly token: number
  readonly line: string | undefined
}

export interface RejectedRow {
  readonly request: RejectedRequest
  readonly receivedMs: number
  copies: number
}

export interface EntryRow {
  readonly key: string
  readonly value: string
  readonly expiresMs: number
}

/** Bytes as text of one character each, so that rows can be compared and copied. */
export function textOf(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
}
