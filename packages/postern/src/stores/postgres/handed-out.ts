import { lazyProperties } from '../../core/lazy-properties.ts'
import {
  fromText,
  type Claimed,
  type DeliveryState,
  type DeliveryStatus,
  type StoredEvent,
} from '../../inbox/index.ts'

/** What the functions that lease answer with; all null where nothing was leased. */
export interface HandedOut {
  readonly claimed: string | null
  readonly bodies: Uint8Array | null
  /** The bodies where all of them are well-formed UTF-8. */
  readonly texts?: string | null
}

/** Between rows, between fields, and for null, as the function `hand_out_1` writes them. */
const ROW_END = '\u0001\u0005'
const FIELD_END = '\u0001\u0004'
const NULL_FIELD = '\u0001\u0006'

type LeasedRow = readonly [
  deliverySeq: string,
  token: string,
  attempt: string,
  eventSeq: string,
  receivedMs: string,
  createdMs: string,
  conflictsWith: string,
  bodyBytes: string,
  destination: string,
  tenant: string,
  source: string,
  id: string,
  type: string,
  orderingKey: string,
  verifiedBy: string,
  headers: string,
]

/** Reads leases, in their order. Each body is a view of one buffer; no two overlap. */
export function readClaimed({ claimed, bodies, texts }: HandedOut): Claimed[] {
  if (claimed === null) return []
  const bytes = typeof texts === 'string' ? Buffer.from(texts) : bodies
  let start = 0
  return claimed.split(ROW_END).map((text): Claimed => {
    // Written by the function, every field in its place.
    const row = text.split(FIELD_END) as unknown as LeasedRow
    const [deliverySeq, token, attempt, , , , , bodyBytes, destination] = row
    const end = start + Number(bodyBytes)
    const body = bytes?.subarray(start, end) ?? new Uint8Array()
    start = end
    return {
      deliverySeq: Number(deliverySeq),
      token: Number(token),
      destination: fromText(destination),
      attempt: Number(attempt),
      event: toEvent(row, body),
    }
  })
}

function toEvent(row: LeasedRow, body: Uint8Array): StoredEvent {
  const [, , , eventSeq, receivedMs, createdMs, conflictsWith, , , tenant, source, id, type] = row
  const [, , , , , , , , , , , , , orderingKey, verifiedBy, headers] = row
  const event = {
    eventSeq: Number(eventSeq),
    tenant: fromText(tenant),
    source: fromText(source),
    id: fromText(id),
    type: fromText(type),
    createdMs: createdMs === NULL_FIELD ? undefined : Number(createdMs),
    receivedMs: Number(receivedMs),
    orderingKey: orderingKey === NULL_FIELD ? undefined : fromText(orderingKey),
    verifiedBy: fromText(verifiedBy),
    body,
    conflictsWith: conflictsWith === NULL_FIELD ? undefined : Number(conflictsWith),
  }
  return withHeaders(event, headers)
}

/** Parsed when first asked for: few handlers do. Written by put from an array of strings. */
const withHeaders = lazyProperties<string, Pick<StoredEvent, 'headers'>>({
  headers: (text) => JSON.parse(text) as string[],
})

/** As the function `statuses_1` writes it. */
export type StatusRow = readonly [
  eventSeq: number,
  deliverySeq: number,
  destination: string,
  state: DeliveryState,
]

export function toStatus([, deliverySeq, destination, state]: StatusRow): DeliveryStatus {
  return { deliverySeq, destination: fromText(destination), state }
}
