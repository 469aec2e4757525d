import type { BlockReader, BlockWriter } from './byte-block.ts'
import { eventRowOf, type EventRow, type EventValues } from './event-row.ts'
import type { ClaimedRow, ClaimResult } from './operation.ts'

/** Each event once, however many of its deliveries were claimed together. */
export interface WireClaims {
  readonly events: readonly WireRow[]
  readonly claimed: readonly WireClaimed[]
  readonly nextMs: number | undefined
}

type WireClaimed = readonly [
  deliverySeq: number,
  token: number,
  destination: string,
  attempt: number,
  eventIndex: number,
]

/** An event's row, with a length in place of its bytes. */
type WireRow = EventValues<number>

export function packClaims(
  claimed: readonly ClaimedRow[],
  nextMs: number | undefined,
  bytes: BlockWriter,
): WireClaims {
  const indexes = new Map<EventRow, number>()
  const events: WireRow[] = []
  const rows = claimed.map(({ deliverySeq, token, destination, attempt, event }): WireClaimed => {
    let index = indexes.get(event)
    if (index === undefined) {
      index = events.push(packRow(event, bytes)) - 1
      indexes.set(event, index)
    }
    return [deliverySeq, token, destination, attempt, index]
  })
  return { events, claimed: rows, nextMs }
}

export function unpackClaims({ events, claimed, nextMs }: WireClaims, bytes: BlockReader): ClaimResult {
  const rows = events.map((row) => eventRowOf(row, bytes.take(row[11])))
  return {
    claimed: claimed.map(([deliverySeq, token, destination, attempt, index]) => ({
      deliverySeq,
      token,
      destination,
      attempt,
      // Counted by packClaims.
      event: rows[index] as EventRow,
    })),
    nextMs,
  }
}

function packRow(row: EventRow, bytes: BlockWriter): WireRow {
  return [
    row.seq,
    row.tenant,
    row.source,
    row.id,
    row.type,
    row.created_ms,
    row.received_ms,
    row.ordering_key,
    row.verified_by,
    row.conflicts_with,
    row.headers,
    bytes.add(row.body),
  ]
}
