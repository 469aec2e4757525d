import type { DeliveryStatus, NewEvent, PutResult } from '../../inbox/index.ts'
import { dedupeKey } from '../../inbox/dedupe-key.ts'
import type { Connection } from './connection.ts'
import type { OperationOf } from './operation.ts'

interface DedupeRow {
  readonly event_seq: number
  readonly digest: Uint8Array
}

/** Records events, once each. Runs inside the commit's transaction. */
export function put(connection: Connection, { events, nowMs }: OperationOf<'put'>): PutResult[] {
  return events.map((event) => putOne(connection, event, nowMs))
}

function putOne(connection: Connection, event: NewEvent, nowMs: number): PutResult {
  for (const { kind, key } of event.keys) {
    const seen = lookUp(connection, key, nowMs)
    if (seen === undefined) continue
    const same = kind === 'body' || Buffer.compare(seen.digest, event.digest) === 0
    return same ? duplicate(connection, key, seen) : conflict(connection, event, seen, nowMs)
  }
  const [first] = event.keys
  if (first === undefined) throw new Error('an event needs at least one dedupe key')
  const eventSeq = insertEvent(connection, event, first.key, undefined, nowMs)
  for (const { key } of event.keys) remember(connection, key, eventSeq, event, nowMs)
  for (const destination of event.destinations) insertDelivery(connection, eventSeq, destination, nowMs)
  return { outcome: 'stored', eventSeq }
}

function duplicate(connection: Connection, key: Uint8Array, seen: DedupeRow): PutResult {
  connection.sql('UPDATE dedupe SET copies = copies + 1 WHERE key = ?').run(key)
  const deliveries = connection
    .sql('SELECT destination, state FROM delivery WHERE event_seq = ? ORDER BY seq')
    .all(seen.event_seq) as DeliveryStatus[]
  return { outcome: 'duplicate', eventSeq: seen.event_seq, deliveries }
}

/** Kept under a key of its own, so that the same conflicting copy, sent again, is a duplicate and not a third event. */
function conflict(connection: Connection, event: NewEvent, seen: DedupeRow, nowMs: number): PutResult {
  const hex = Buffer.from(event.digest).toString('hex')
  const key = dedupeKey('conflict', event.tenant, event.source, event.id, hex)
  const again = lookUp(connection, key, nowMs)
  if (again !== undefined) return duplicate(connection, key, again)
  const eventSeq = insertEvent(connection, event, key, seen.event_seq, nowMs)
  remember(connection, key, eventSeq, event, nowMs)
  return { outcome: 'conflict', eventSeq, conflictsWith: seen.event_seq }
}

function lookUp(connection: Connection, key: Uint8Array, nowMs: number): DedupeRow | undefined {
  return connection
    .sql('SELECT event_seq, digest FROM dedupe WHERE key = ? AND expires_ms > ?')
    .get(key, nowMs) as DedupeRow | undefined
}

/** Replaces a record whose window is over. */
function remember(connection: Connection, key: Uint8Array, eventSeq: number, event: NewEvent, nowMs: number): void {
  connection
    .sql('INSERT OR REPLACE INTO dedupe (key, event_seq, digest, expires_ms) VALUES (?, ?, ?, ?)')
    .run(key, eventSeq, event.digest, nowMs + event.dedupeWindowMs)
}

function insertEvent(
  connection: Connection,
  event: NewEvent,
  key: Uint8Array,
  conflictsWith: number | undefined,
  nowMs: number,
): number {
  const { lastInsertRowid } = connection
    .sql(
      `INSERT INTO event (tenant, source, id, type, created_ms, received_ms, ordering_key, verified_by, conflicts_with, dedupe_key, headers, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      event.tenant,
      event.source,
      event.id,
      event.type,
      event.createdMs ?? null,
      nowMs,
      event.orderingKey ?? null,
      event.verifiedBy,
      conflictsWith ?? null,
      key,
      JSON.stringify(event.headers),
      event.body,
    )
  return Number(lastInsertRowid)
}

/** Due at once. */
export function insertDelivery(
  connection: Connection,
  eventSeq: number,
  destination: string,
  nowMs: number,
): number {
  const { lastInsertRowid } = connection
    .sql(`INSERT INTO delivery (event_seq, destination, state, due_ms) VALUES (?, ?, 'pending', ?)`)
    .run(eventSeq, destination, nowMs)
  return Number(lastInsertRowid)
}
