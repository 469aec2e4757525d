import {
  fingerprintOf,
  fromText,
  isLegal,
  type DeliveryState,
  type DeliveryStatus,
  type Fingerprint,
  type PutLease,
} from '../../inbox/index.ts'
import { leaseOne } from './claim.ts'
import type { Connection } from './connection.ts'
import type { DedupeEntry } from './dedupe-index.ts'
import { hasOvertaken, isHead, isTurnOf, joined, laneFor, type LaneName } from './lane.ts'
import type { LeasedRow, OperationOf, PutEvent, PutRow } from './operation.ts'
import { withStoredTexts } from './stored-text.ts'
import { wholeMs } from './whole-ms.ts'

/** Records events, once each. Runs inside the commit's transaction. */
export function put(connection: Connection, { events, nowMs }: OperationOf<'put'>): PutRow[] {
  return events.map((event) => putOne(connection, withStoredTexts(event), nowMs))
}

function putOne(connection: Connection, event: PutEvent, nowMs: number): PutRow {
  const fingerprint = fingerprintOf(event)
  let conflicting: DedupeEntry | undefined
  for (const { kind, key } of fingerprint.records) {
    const seen = connection.dedupe.lookUp(key, nowMs)
    if (seen === undefined) continue
    if (kind === 'body' || Buffer.compare(seen.digest, fingerprint.digest) === 0)
      return duplicate(connection, event, seen, nowMs)
    conflicting = seen
  }
  if (conflicting !== undefined) return conflict(connection, event, fingerprint, conflicting, nowMs)
  const [first, guard] = fingerprint.records
  if (first === undefined) throw new Error('an event needs at least one dedupe key')
  const keys = { key: first.key, guard: guard?.key, digest: fingerprint.digest }
  const eventSeq = insertEvent(connection, event, keys, nowMs)
  const leased = insertDeliveries(connection, event, eventSeq, nowMs)
  return { outcome: 'stored', eventSeq, ...leased }
}

function duplicate(
  connection: Connection,
  { lease }: PutEvent,
  { eventSeq }: DedupeEntry,
  nowMs: number,
): PutRow {
  connection
    .sql(
      // Of an event that is still there: nobody would take away the count of one that was pruned.
      `INSERT INTO duplicate SELECT seq, 1 FROM event WHERE seq = ?
       ON CONFLICT (event_seq) DO UPDATE SET copies = copies + 1`,
    )
    .run(eventSeq)
  const deliveries = connection
    .sql(
      'SELECT seq AS deliverySeq, destination, state, lease_until_ms AS leaseUntilMs FROM delivery WHERE event_seq = ? ORDER BY seq',
    )
    .all(eventSeq) as TakeableRow[]
  return {
    outcome: 'duplicate',
    eventSeq,
    // Rows have no prototype; callers get plain objects.
    deliveries: deliveries.map(({ deliverySeq, destination, state }) => ({
      deliverySeq,
      destination: fromText(destination),
      state,
    })),
    ...(lease !== undefined &&
      lease.leavesCopies !== true &&
      takeLease(connection, lease, deliveries, nowMs)),
  }
}

/** Kept under a key of its own, so that the same conflicting copy, sent again, is a duplicate and not a third event. */
function conflict(
  connection: Connection,
  event: PutEvent,
  { digest, records, conflictKey }: Fingerprint,
  seen: DedupeEntry,
  nowMs: number,
): PutRow {
  const key = conflictKey()
  const again = connection.dedupe.lookUp(key, nowMs)
  if (again !== undefined) return duplicate(connection, event, again, nowMs)
  const guard = records.find(({ kind }) => kind === 'body')?.key
  const conflictsWith = seen.eventSeq
  const eventSeq = insertEvent(connection, event, { key, guard, digest, conflictsWith }, nowMs)
  const leased =
    event.onConflict === 'dispatch' ? insertDeliveries(connection, event, eventSeq, nowMs) : undefined
  return { outcome: 'conflict', eventSeq, conflictsWith, ...leased }
}

/** Leases the newest delivery of a destination, if it is its turn and nothing of the event is done or under way there. */
function takeLease(
  connection: Connection,
  { destination, leaseMs }: PutLease,
  deliveries: readonly TakeableRow[],
  nowMs: number,
): { readonly lease?: LeasedRow } {
  const wanted = deliveries.filter((delivery) => delivery.destination === destination)
  const newest = wanted.at(-1)
  if (newest === undefined || wanted.some((row) => isDoneOrRunning(row, nowMs))) return {}
  if (!isLegal('take', newest.state) || !canRun(connection, newest.deliverySeq, newest.state)) return {}
  if (newest.state === 'dead') {
    // Its schedule starts anew.
    connection.sql('UPDATE delivery SET attempt = 0, open_lane = lane WHERE seq = ?').run(newest.deliverySeq)
  }
  return { lease: leaseOne(connection, newest.deliverySeq, destination, wholeMs(nowMs + leaseMs)) }
}

interface TakeableRow extends DeliveryStatus {
  readonly leaseUntilMs: number | null
}

function isDoneOrRunning({ state, leaseUntilMs }: TakeableRow, nowMs: number): boolean {
  return state === 'succeeded' || (state === 'leased' && nowMs < (leaseUntilMs ?? 0))
}

function canRun(connection: Connection, deliverySeq: number, state: DeliveryState): boolean {
  // One row: the status was read in this transaction.
  const { lane } = connection.sql('SELECT lane FROM delivery WHERE seq = ?').get(deliverySeq) as {
    lane: number | null
  }
  if (lane === null) return true
  if (state === 'leased') return isHead(connection, lane, deliverySeq)
  return (
    isTurnOf(connection, lane, deliverySeq) &&
    !(state === 'dead' && hasOvertaken(connection, lane, deliverySeq))
  )
}

interface EventKeys {
  readonly key: Uint8Array
  readonly guard?: Uint8Array | undefined
  /** SHA-256 of the body. */
  readonly digest: Uint8Array
  readonly conflictsWith?: number
}

/** The row, and its keys in the index: they are durable together. */
function insertEvent(
  connection: Connection,
  event: PutEvent,
  { key, guard, digest, conflictsWith }: EventKeys,
  nowMs: number,
): number {
  const expiresMs = wholeMs(nowMs + event.dedupeWindowMs)
  const eventSeq = connection.newRows.addEvent([
    key,
    guard ?? null,
    digest,
    expiresMs,
    event.tenant,
    event.source,
    event.id,
    event.type,
    event.createdMs ?? null,
    nowMs,
    event.orderingKey ?? null,
    event.verifiedBy,
    conflictsWith ?? null,
    event.onDead ?? null,
    event.headers instanceof Uint8Array ? event.headers : JSON.stringify(event.headers),
    event.body,
  ])
  const entry = { eventSeq, digest, expiresMs }
  connection.dedupe.remember(key, entry)
  if (guard !== undefined) connection.dedupe.remember(guard, entry)
  return eventSeq
}

function insertDeliveries(
  connection: Connection,
  event: PutEvent,
  eventSeq: number,
  nowMs: number,
): { readonly lease?: LeasedRow } {
  const { tenant, source, orderingKey, onDead, destinations, lease } = event
  const recorded = { tenant, source, orderingKey, onDead, eventSeq }
  const isInLine = orderingKey !== undefined && onDead !== undefined
  if (lease !== undefined && !isInLine) return insertWithLease(connection, event, lease, eventSeq, nowMs)
  const deliveries = destinations.map((destination): TakeableRow => ({
    deliverySeq: insertDelivery(connection, recorded, destination, nowMs, 'new'),
    destination,
    state: 'pending',
    leaseUntilMs: null,
  }))
  return lease === undefined ? {} : takeLease(connection, lease, deliveries, nowMs)
}

/** Deliveries that stand in no line: the one that is asked for begins its life leased, written once in place of twice. */
function insertWithLease(
  connection: Connection,
  { destinations }: PutEvent,
  lease: PutLease,
  eventSeq: number,
  nowMs: number,
): { readonly lease?: LeasedRow } {
  const leasedAt = destinations.lastIndexOf(lease.destination)
  let leased: LeasedRow | undefined
  destinations.forEach((destination, index) => {
    if (index === leasedAt) leased = insertLeased(connection, eventSeq, lease, nowMs)
    else insertDelivery(connection, { ...NO_LINE, eventSeq }, destination, nowMs, 'new')
  })
  return leased === undefined ? {} : { lease: leased }
}

/** Names no lane. */
const NO_LINE: LaneName = { tenant: '', source: '', orderingKey: undefined, onDead: undefined }

function insertLeased(
  connection: Connection,
  eventSeq: number,
  { destination, leaseMs }: PutLease,
  nowMs: number,
): LeasedRow {
  const untilMs = wholeMs(nowMs + leaseMs)
  const values = [eventSeq, destination, 'leased', nowMs, untilMs, 1, null]
  const deliverySeq = connection.newRows.addDelivery(values)
  return { deliverySeq, token: 1, destination, attempt: 1, eventSeq }
}

/** Due at once; in order, behind whatever waits under the same key. */
export function insertDelivery(
  connection: Connection,
  event: LaneName & { readonly eventSeq: number },
  destination: string,
  nowMs: number,
  is: 'new' | 'replayed',
): number {
  const lane = laneFor(connection, event, destination, is)
  const values = [event.eventSeq, destination, 'pending', nowMs, null, 0, lane?.seq ?? null]
  const deliverySeq = connection.newRows.addDelivery(values)
  if (lane !== undefined) joined(connection, lane, deliverySeq, nowMs)
  return deliverySeq
}
