import type { EventSummary, NewEvent, StoredEvent } from '../../inbox/index.ts'
import type { Unpacked } from './packing.ts'

/** Bodies above this stand apart from their events, so that nobody who reads many events moves them. */
export const LARGEST_INLINE_BODY_BYTES: number = 16 * 1024

/** What a caller said of an event, as text that the scripts never read: JSON knows halves of characters. */
export function textsOf(event: NewEvent): string {
  const { tenant, source, id, type, createdMs, orderingKey, verifiedBy, headers } = event
  return JSON.stringify([
    tenant,
    source,
    id,
    type,
    createdMs ?? null,
    orderingKey ?? null,
    verifiedBy,
    headers,
  ])
}

type Texts = readonly [
  tenant: string,
  source: string,
  id: string,
  type: string,
  createdMs: number | null,
  orderingKey: string | null,
  verifiedBy: string,
  headers: readonly string[],
]

/** An event's record: its head, which the scripts read, the texts, and the body unless it stands apart. */
export interface EventRecord {
  readonly summary: EventSummary
  readonly headers: readonly string[]
  /** `undefined` where it stands apart. */
  readonly body: Uint8Array | undefined
}

/** Reads a record. */
export function readRecord(eventSeq: number, record: Buffer): EventRecord {
  const fields: string[] = []
  let at = 0
  while (fields.length < HEAD_FIELDS) {
    const next = record.indexOf(SPACE, at)
    fields.push(record.toString('latin1', at, next))
    at = next + 1
  }
  const [receivedMs = 0, , conflictsWith, bodyBytes = 0, apart, , , texts = 0] = fields.map(Number)
  const end = at + texts
  // Written by `textsOf`.
  const said = JSON.parse(record.toString('utf8', at, end)) as Texts
  const [tenant, source, id, type, createdMs, orderingKey, verifiedBy, headers] = said
  return {
    summary: {
      eventSeq,
      tenant,
      source,
      id,
      type,
      createdMs: createdMs ?? undefined,
      receivedMs,
      orderingKey: orderingKey ?? undefined,
      verifiedBy,
      conflictsWith: conflictsWith === 0 ? undefined : conflictsWith,
      bodyBytes,
    },
    headers,
    // A copy: a view would keep the whole answer in memory, and with it the bodies of all others.
    body: apart === 1 ? undefined : Uint8Array.prototype.slice.call(record, end),
  }
}

const SPACE = 0x20
const HEAD_FIELDS = 8

/** The event as it is handed out. */
export function storedEvent({ summary, headers, body }: EventRecord, apart: Unpacked): StoredEvent {
  const { bodyBytes: _bodyBytes, ...event } = summary
  if (body !== undefined) return { headers, body, ...event }
  if (!Buffer.isBuffer(apart)) throw new Error(`The body of event ${event.eventSeq} is not there`)
  return { headers, body: apart, ...event }
}
