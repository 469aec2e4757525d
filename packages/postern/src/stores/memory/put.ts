import {
  toError,
  fingerprintOf,
  isLegal,
  type Claimed,
  type DedupeRecord,
  type DeliveryStatus,
  type Fingerprint,
  type NewEvent,
  type PutResult,
} from '../../inbox/index.ts'
import { leaseOne } from './claim.ts'
import type { DedupeRow, DeliveryRow, Tables } from './tables.ts'

/** Records one event, once. What is wrong with it is answered and never thrown. */
export function putOne(tables: Tables, event: NewEvent, nowMs: number): PutResult {
  try {
    const fresh = copyOf(event)
    const fingerprint = fingerprintOf(fresh)
    const earlier = earlierOf(tables, fingerprint, nowMs)
    if (earlier === undefined) return store(tables, fresh, fingerprint, nowMs)
    if (earlier.is === 'same') return countCopy(tables, fresh, earlier.eventSeq, nowMs)
    return storeConflict(tables, fresh, fingerprint, earlier.eventSeq, nowMs)
  } catch (error) {
    return { outcome: 'failed', error: toError(error) }
  }
}

/** The caller's bytes and lists may change later; these do not. */
function copyOf(event: NewEvent): NewEvent {
  if (!(event.body instanceof Uint8Array)) throw new TypeError("An event's body must be a Uint8Array")
  return {
    ...event,
    body: Uint8Array.from(event.body),
    headers: Object.freeze([...event.headers]),
    destinations: [...event.destinations],
  }
}

/**
 * The event that was recorded first, and whether this is a copy of it. A copy under any key comes before a conflict
 * under another: nothing of it is new.
 */
function earlierOf(
  tables: Tables,
  { digest, records, conflictKey }: Fingerprint,
  nowMs: number,
): { readonly is: 'same' | 'other'; readonly eventSeq: number } | undefined {
  const hex = hexOf(digest)
  const hits = records.flatMap(({ kind, key }) => {
    const row = remembered(tables, key, nowMs)
    return row === undefined ? [] : [{ kind, row }]
  })
  const same =
    hits.find(({ kind, row }) => kind === 'body' || row.digest === hex)?.row ??
    (hits.length > 0 ? remembered(tables, conflictKey(), nowMs) : undefined)
  if (same !== undefined) return { is: 'same', eventSeq: same.eventSeq }
  return hits[0] && { is: 'other', eventSeq: hits[0].row.eventSeq }
}

/** A record past its window counts as absent. */
function remembered(tables: Tables, key: Uint8Array, nowMs: number): DedupeRow | undefined {
  const row = tables.dedupe.get(hexOf(key))
  return row !== undefined && nowMs < row.expiresMs ? row : undefined
}

function store(tables: Tables, event: NewEvent, fingerprint: Fingerprint, nowMs: number): PutResult {
  const eventSeq = addEvent(tables, event, undefined, nowMs)
  addDeliveries(tables, event, eventSeq, nowMs)
  remember(tables, event, fingerprint, fingerprint.records, eventSeq, nowMs)
  return { outcome: 'stored', eventSeq, ...takeLease(tables, event, eventSeq, nowMs) }
}

/** Stores an event whose id belongs to another: flagged, held unless told otherwise, and with a key of its own for its copies. */
function storeConflict(
  tables: Tables,
  event: NewEvent,
  fingerprint: Fingerprint,
  conflictsWith: number,
  nowMs: number,
): PutResult {
  const eventSeq = addEvent(tables, event, conflictsWith, nowMs)
  if (event.onConflict === 'dispatch') addDeliveries(tables, event, eventSeq, nowMs)
  const free = fingerprint.records.filter(({ key }) => remembered(tables, key, nowMs) === undefined)
  const own = { key: fingerprint.conflictKey() }
  remember(tables, event, fingerprint, [...free, own], eventSeq, nowMs)
  return { outcome: 'conflict', eventSeq, conflictsWith, ...takeLease(tables, event, eventSeq, nowMs) }
}

function addEvent(
  tables: Tables,
  event: NewEvent,
  conflictsWith: number | undefined,
  receivedMs: number,
): number {
  const { tenant, source, id, type, createdMs, orderingKey, verifiedBy, body, headers } = event
  const said = { tenant, source, id, type, createdMs, orderingKey, verifiedBy, body, headers }
  return tables.addEvent({ ...said, receivedMs, conflictsWith }, event.onDead)
}

function addDeliveries(tables: Tables, event: NewEvent, eventSeq: number, nowMs: number): void {
  for (const destination of event.destinations) {
    const row = tables.events.get(eventSeq)
    if (row !== undefined) tables.addDelivery(row, destination, nowMs, 'new')
  }
}

function remember(
  tables: Tables,
  event: NewEvent,
  { digest }: Fingerprint,
  records: readonly Pick<DedupeRecord, 'key'>[],
  eventSeq: number,
  nowMs: number,
): void {
  const row = { eventSeq, digest: hexOf(digest), expiresMs: nowMs + event.dedupeWindowMs }
  for (const { key } of records) tables.dedupe.set(hexOf(key), row)
}

function countCopy(tables: Tables, event: NewEvent, eventSeq: number, nowMs: number): PutResult {
  const row = tables.events.get(eventSeq)
  // The event may have been pruned while its id is still remembered.
  if (row === undefined) return { outcome: 'duplicate', eventSeq, deliveries: [] }
  tables.events.set(eventSeq, { ...row, duplicates: row.duplicates + 1 })
  const deliveries = tables.deliveriesOf(row).map(statusOf)
  const leased = event.lease?.leavesCopies === true ? {} : takeLease(tables, event, eventSeq, nowMs)
  return { outcome: 'duplicate', eventSeq, deliveries, ...leased }
}

function statusOf({ deliverySeq, destination, state }: DeliveryRow): DeliveryStatus {
  return { deliverySeq, destination, state }
}

/** Leases the delivery that was asked for, if it is its turn and nothing of it is done or under way. */
function takeLease(
  tables: Tables,
  { lease }: NewEvent,
  eventSeq: number,
  nowMs: number,
): { readonly leased?: Claimed } {
  const row = tables.events.get(eventSeq)
  if (lease === undefined || row === undefined) return {}
  const wanted = tables.deliveriesOf(row).filter(({ destination }) => destination === lease.destination)
  const newest = wanted.at(-1)
  if (newest === undefined || wanted.some((each) => isDoneOrRunning(each, nowMs))) return {}
  if (!isLegal('take', newest.state) || !isTurnOf(tables, newest)) return {}
  if (newest.state === 'dead') tables.setDelivery({ ...newest, state: 'pending', attempt: 0, blocks: false })
  const [leased] = leaseOne(tables, newest.deliverySeq, nowMs + lease.leaseMs)
  return leased === undefined ? {} : { leased }
}

function isDoneOrRunning({ state, leaseUntilMs = 0 }: DeliveryRow, nowMs: number): boolean {
  return state === 'succeeded' || (state === 'leased' && nowMs < leaseUntilMs)
}

function isTurnOf(tables: Tables, row: DeliveryRow): boolean {
  const lane = tables.laneOf(row)
  if (lane === undefined) return true
  if (row.state === 'leased') return lane.headSeq === row.deliverySeq
  return lane.isTurnOf(row.deliverySeq) && !(row.state === 'dead' && lane.hasOvertaken(row.deliverySeq))
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
