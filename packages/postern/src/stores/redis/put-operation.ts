import { sha256 } from '../../core/index.ts'
import {
  asStored,
  type Claimed,
  type DeliveryStatus,
  type NewEvent,
  type PutResult,
  type StoredEvent,
} from '../../inbox/index.ts'
import { stateOf } from './delivery-row.ts'
import { LARGEST_INLINE_BODY_BYTES, readRecord, storedEvent, textsOf } from './event-record.ts'
import { destinationName, destinationOf, idName, lineName, recordBase } from './names.ts'
import type { Packable, Unpacked } from './packing.ts'
import { wholeMs } from './whole-ms.ts'

/** Windows beyond some 300 years are no different from one of that length, and would not fit Redis' clock. */
const LONGEST_WINDOW_MS = 1e13

/** What is wrong with an event that no engine could store. */
export function faultOf(event: NewEvent): Error | undefined {
  if (!(event.body instanceof Uint8Array)) return new TypeError('the body of an event must be bytes')
  // One text of another kind would fail the script, and with it all that share its call.
  if (typeof event.id !== 'string' || typeof event.type !== 'string')
    return new TypeError('the id and type of an event must be text')
  if (event.createdMs !== undefined && !Number.isSafeInteger(event.createdMs))
    return new RangeError('createdMs must be a whole number of milliseconds')
  return undefined
}

/** An event as the script takes it; `lua/put.ts` names the places. */
export function putOperation(sourcePrefix: string, event: NewEvent): Packable {
  const { body, lease, idKind, onDead, orderingKey } = event
  const isInLine = onDead !== undefined && orderingKey !== undefined
  return [
    'put',
    recordBase(sourcePrefix, event.tenant),
    idKind === 'digest' ? false : idName(event.id),
    idKind !== 'signed',
    sha256(body).toString('base64url'),
    Math.max(1, Math.min(wholeMs(event.dedupeWindowMs), LONGEST_WINDOW_MS)),
    textsOf(event),
    body,
    body.byteLength,
    body.byteLength > LARGEST_INLINE_BODY_BYTES,
    onDead === undefined ? '-' : ON_DEAD[onDead],
    isInLine ? lineName(event.tenant, event.source, orderingKey) : '-',
    event.onConflict === 'dispatch',
    event.destinations.map(destinationName),
    lease === undefined ? false : destinationName(lease.destination),
    wholeMs(lease?.leaseMs ?? 0),
    lease?.leavesCopies === true,
  ]
}

const ON_DEAD = { block: 'b', continue: 'c' } as const

type LeaseRow = readonly [deliverySeq: number, token: number, attempt: number] | false

type PutRow =
  | readonly [outcome: Buffer, eventSeq: number, nowMs: number, lease: LeaseRow]
  | readonly [
      outcome: Buffer,
      eventSeq: number,
      statuses: readonly (readonly [number, Buffer, number])[],
      lease: LeaseRow,
      record: Buffer | false,
      apart: Buffer | false,
    ]
  | readonly [outcome: Buffer, eventSeq: number, conflictsWith: number, nowMs: number, lease: LeaseRow]

/** The script's answer for one event. */
export function putResult(event: NewEvent, value: Unpacked): PutResult {
  // Packed by lua/put.ts: the first place says which of the three it is, and their lengths differ.
  const row = value as PutRow
  const eventSeq = row[1]
  if (row.length === 6) {
    const [, , statuses, lease, record, apart] = row
    const result = { outcome: 'duplicate', eventSeq, deliveries: statuses.map(statusOf) } as const
    if (lease === false || record === false) return result
    return { leased: claimedOf(event, lease, storedEvent(readRecord(eventSeq, record), apart)), ...result }
  }
  if (row.length === 5) {
    const [, , conflictsWith, nowMs, lease] = row
    const result = { outcome: 'conflict', eventSeq, conflictsWith } as const
    if (lease === false) return result
    const stored = asStored(event, { eventSeq, receivedMs: nowMs, conflictsWith })
    return { leased: claimedOf(event, lease, stored), ...result }
  }
  const [, , nowMs, lease] = row
  const result = { outcome: 'stored', eventSeq } as const
  if (lease === false) return result
  const stored = asStored(event, { eventSeq, receivedMs: nowMs, conflictsWith: undefined })
  return { leased: claimedOf(event, lease, stored), ...result }
}

function statusOf([deliverySeq, destination, state]: readonly [number, Buffer, number]): DeliveryStatus {
  return { deliverySeq, destination: destinationOf(destination.toString()), state: stateOf(state) }
}

function claimedOf({ lease }: NewEvent, row: Exclude<LeaseRow, false>, event: StoredEvent): Claimed {
  const [deliverySeq, token, attempt] = row
  return { deliverySeq, token, destination: lease?.destination ?? '', attempt, event }
}
