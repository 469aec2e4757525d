import { dedupeKey, type DedupeRecord, type NewEvent, type PutResult } from '../../inbox/index.ts'
import { asError } from './as-error.ts'
import type { DedupeRow, Tables } from './tables.ts'

/** Records one event, once. What is wrong with it is answered and never thrown. */
export function putOne(tables: Tables, event: NewEvent, nowMs: number): PutResult {
  try {
    const fresh = copyOf(event)
    const earlier = earlierOf(tables, fresh, nowMs)
    if (earlier === undefined) return { outcome: 'stored', eventSeq: store(tables, fresh, nowMs) }
    if (earlier.is === 'same') return countCopy(tables, earlier.eventSeq)
    return storeConflict(tables, fresh, earlier.eventSeq, nowMs)
  } catch (error) {
    return { outcome: 'failed', error: asError(error) }
  }
}

/** The caller's bytes and lists may change later; these do not. */
function copyOf(event: NewEvent): NewEvent {
  return {
    ...event,
    body: bytesOf(event.body, 'body'),
    digest: bytesOf(event.digest, 'digest'),
    headers: Object.freeze([...event.headers]),
    keys: event.keys.map(({ kind, key }) => ({ kind, key: bytesOf(key, 'dedupe key') })),
    destinations: [...event.destinations],
  }
}

function bytesOf(value: unknown, name: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError(`An event's ${name} must be a Uint8Array`)
  return Uint8Array.from(value)
}

/**
 * The event that was recorded first, and whether this is a copy of it. A copy under any key comes before a conflict
 * under another: nothing of it is new.
 */
function earlierOf(
  tables: Tables,
  event: NewEvent,
  nowMs: number,
): { readonly is: 'same' | 'other'; readonly eventSeq: number } | undefined {
  const digest = hexOf(event.digest)
  const hits = event.keys.flatMap(({ kind, key }) => {
    const row = remembered(tables, key, nowMs)
    return row === undefined ? [] : [{ kind, row }]
  })
  const same =
    hits.find(({ kind, row }) => kind === 'body' || row.digest === digest)?.row ??
    (hits.length > 0 ? remembered(tables, conflictKey(event), nowMs) : undefined)
  if (same !== undefined) return { is: 'same', eventSeq: same.eventSeq }
  return hits[0] && { is: 'other', eventSeq: hits[0].row.eventSeq }
}

/** A record past its window counts as absent. */
function remembered(tables: Tables, key: Uint8Array, nowMs: number): DedupeRow | undefined {
  const row = tables.dedupe.get(hexOf(key))
  return row !== undefined && nowMs < row.expiresMs ? row : undefined
}

function store(tables: Tables, event: NewEvent, nowMs: number): number {
  const eventSeq = addEvent(tables, event, undefined, nowMs)
  for (const destination of event.destinations) {
    const row = tables.events.get(eventSeq)
    if (row !== undefined) tables.addDelivery(row, destination, nowMs)
  }
  remember(tables, event, event.keys, eventSeq, nowMs)
  return eventSeq
}

/** Stores an event whose id belongs to another: flagged, without deliveries, and with a key of its own for its copies. */
function storeConflict(tables: Tables, event: NewEvent, conflictsWith: number, nowMs: number): PutResult {
  const eventSeq = addEvent(tables, event, conflictsWith, nowMs)
  const free = event.keys.filter(({ key }) => remembered(tables, key, nowMs) === undefined)
  remember(tables, event, [...free, { key: conflictKey(event) }], eventSeq, nowMs)
  return { outcome: 'conflict', eventSeq, conflictsWith }
}

function addEvent(
  tables: Tables,
  event: NewEvent,
  conflictsWith: number | undefined,
  receivedMs: number,
): number {
  const { tenant, source, id, type, createdMs, orderingKey, verifiedBy, body, headers } = event
  const said = { tenant, source, id, type, createdMs, orderingKey, verifiedBy, body, headers }
  return tables.addEvent({ ...said, receivedMs, conflictsWith })
}

function remember(
  tables: Tables,
  event: NewEvent,
  keys: readonly Pick<DedupeRecord, 'key'>[],
  eventSeq: number,
  nowMs: number,
): void {
  const row = { eventSeq, digest: hexOf(event.digest), expiresMs: nowMs + event.dedupeWindowMs }
  for (const { key } of keys) tables.dedupe.set(hexOf(key), row)
}

function countCopy(tables: Tables, eventSeq: number): PutResult {
  const row = tables.events.get(eventSeq)
  // The event may have been pruned while its id is still remembered.
  if (row === undefined) return { outcome: 'duplicate', eventSeq, deliveries: [] }
  tables.events.set(eventSeq, { ...row, duplicates: row.duplicates + 1 })
  const deliveries = tables.deliveriesOf(row).map(({ destination, state }) => ({ destination, state }))
  return { outcome: 'duplicate', eventSeq, deliveries }
}

function conflictKey({ tenant, source, id, digest }: NewEvent): Uint8Array {
  return dedupeKey('conflict', tenant, source, id, hexOf(digest))
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
