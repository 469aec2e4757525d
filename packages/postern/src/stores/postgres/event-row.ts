import { fromNullableText, fromText, type EventSummary, type StoredEvent } from '../../inbox/index.ts'

/** All columns but the bytes. */
export const EVENT_COLUMNS =
  'event.seq, tenant, source, id, type, created_ms, received_ms, ordering_key, verified_by, conflicts_with'

/** A row as the client hands it out: a bigint is a text. */
export interface EventSummaryRow {
  readonly seq: string
  readonly tenant: string
  readonly source: string
  readonly id: string
  readonly type: string
  readonly created_ms: string | null
  readonly received_ms: string
  readonly ordering_key: string | null
  readonly verified_by: string
  readonly conflicts_with: string | null
}

export interface EventRow extends EventSummaryRow {
  readonly headers: string
  readonly body: Uint8Array
}

export function toStoredEvent(row: EventRow): StoredEvent {
  // Written by put from an array of strings.
  return { ...withoutBytes(row), body: row.body, headers: JSON.parse(row.headers) as string[] }
}

export function toSummary(row: EventSummaryRow & { readonly body_bytes: number }): EventSummary {
  return { ...withoutBytes(row), bodyBytes: row.body_bytes }
}

/** The number of a nullable column. */
export function numberOf(value: string | null): number | undefined {
  return value === null ? undefined : Number(value)
}

function withoutBytes(row: EventSummaryRow): Omit<StoredEvent, 'body' | 'headers'> {
  return {
    eventSeq: Number(row.seq),
    tenant: fromText(row.tenant),
    source: fromText(row.source),
    id: fromText(row.id),
    type: fromText(row.type),
    createdMs: numberOf(row.created_ms),
    receivedMs: Number(row.received_ms),
    orderingKey: fromNullableText(row.ordering_key),
    verifiedBy: fromText(row.verified_by),
    conflictsWith: numberOf(row.conflicts_with),
  }
}
