import { lazyProperties } from '../../core/lazy-properties.ts'
import { fromNullableText, fromText, type EventSummary, type StoredEvent } from '../../inbox/index.ts'

/** All columns but the bytes. */
export const EVENT_COLUMNS =
  'seq, tenant, source, id, type, created_ms, received_ms, ordering_key, verified_by, conflicts_with'

export interface EventSummaryRow {
  readonly seq: number
  readonly tenant: string
  readonly source: string
  readonly id: string
  readonly type: string
  readonly created_ms: number | null
  readonly received_ms: number
  readonly ordering_key: string | null
  readonly verified_by: string
  readonly conflicts_with: number | null
}

export interface EventRow extends EventSummaryRow {
  readonly headers: string
  readonly body: Uint8Array
}

/** The values of `EVENT_COLUMNS`, of the headers and of the body, or what stands for it. */
export type EventValues<Body = Uint8Array> = readonly [
  seq: number,
  tenant: string,
  source: string,
  id: string,
  type: string,
  createdMs: number | null,
  receivedMs: number,
  orderingKey: string | null,
  verifiedBy: string,
  conflictsWith: number | null,
  headers: string,
  body: Body,
]

export function eventRowOf(values: EventValues<unknown>, body: Uint8Array): EventRow {
  const [seq, tenant, source, id, type, createdMs, receivedMs, orderingKey, verifiedBy, conflictsWith] =
    values
  return {
    seq,
    tenant,
    source,
    id,
    type,
    created_ms: createdMs,
    received_ms: receivedMs,
    ordering_key: orderingKey,
    verified_by: verifiedBy,
    conflicts_with: conflictsWith,
    headers: values[10],
    body,
  }
}

/** A row's event, its headers parsed when first asked for: few handlers do. */
export function toStoredEvent(row: EventRow): StoredEvent {
  return withHeaders({ body: row.body, ...withoutBytes(row) }, row.headers)
}

const withHeaders = lazyProperties<string, Pick<StoredEvent, 'headers'>>({ headers: parsed })

/**
 * The event of one of several deliveries, with headers that they share: to parse them takes less than a property for each that
 * is computed when first looked at.
 */
export function toSharedEvent(row: EventRow, body: Uint8Array, headers: readonly string[]): StoredEvent {
  return { body, headers, ...withoutBytes(row) }
}

export function headersOf(row: EventRow): readonly string[] {
  return parsed(row.headers)
}

function parsed(text: string): readonly string[] {
  // Written by put from an array of strings.
  return Object.freeze(JSON.parse(text) as string[])
}

export function toSummary(row: EventSummaryRow & { readonly body_bytes: number }): EventSummary {
  return { bodyBytes: row.body_bytes, ...withoutBytes(row) }
}

function withoutBytes(row: EventSummaryRow): Omit<StoredEvent, 'body' | 'headers'> {
  return {
    eventSeq: row.seq,
    tenant: fromText(row.tenant),
    source: fromText(row.source),
    id: fromText(row.id),
    type: fromText(row.type),
    createdMs: row.created_ms ?? undefined,
    receivedMs: row.received_ms,
    orderingKey: fromNullableText(row.ordering_key),
    verifiedBy: fromText(row.verified_by),
    conflictsWith: row.conflicts_with ?? undefined,
  }
}
