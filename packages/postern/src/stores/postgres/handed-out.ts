import type { Claimed, DeliveryState, DeliveryStatus, StoredEvent } from '../../inbox/index.ts'
import { fromNullableText, fromText } from './exact-text.ts'

/** What the functions that lease answer with; both null where nothing was leased. */
export interface HandedOut {
  readonly claimed: string | null
  readonly bodies: Uint8Array | null
}

/** As the function `hand_out_1` writes it. */
type LeasedRow = readonly [
  deliverySeq: number,
  token: number,
  destination: string,
  attempt: number,
  eventSeq: number,
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
  bodyBytes: number,
]

/** Reads leases, in their order. Each body is a view of one buffer; no two overlap. */
export function readClaimed({ claimed, bodies }: HandedOut): Claimed[] {
  if (claimed === null) return []
  // Written by the function from rows of these types.
  const rows = JSON.parse(claimed) as LeasedRow[]
  let start = 0
  return rows.map((row): Claimed => {
    const [deliverySeq, token, destination, attempt] = row
    const bodyBytes = row[15]
    const body = bodies?.subarray(start, start + bodyBytes) ?? new Uint8Array()
    start += bodyBytes
    return { deliverySeq, token, destination: fromText(destination), attempt, event: toEvent(row, body) }
  })
}

function toEvent(row: LeasedRow, body: Uint8Array): StoredEvent {
  const [, , , , eventSeq, tenant, source, id, type, createdMs, receivedMs, orderingKey] = row
  const [verifiedBy, conflictsWith, headers] = row.slice(12) as [string, number | null, string]
  let parsed: string[] | undefined
  return {
    eventSeq,
    tenant: fromText(tenant),
    source: fromText(source),
    id: fromText(id),
    type: fromText(type),
    createdMs: createdMs ?? undefined,
    receivedMs,
    orderingKey: fromNullableText(orderingKey),
    verifiedBy: fromText(verifiedBy),
    body,
    /** Parsed when first asked for: few handlers do. */
    get headers() {
      // Written by put from an array of strings.
      return (parsed ??= JSON.parse(headers) as string[])
    },
    conflictsWith: conflictsWith ?? undefined,
  }
}

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
