import type { DeliveryStatus, NewEvent, PutResult } from '../../inbox/index.ts'
import { dedupeKey } from '../../inbox/dedupe-key.ts'
import type { Connection } from './connection.ts'
import type { DedupeEntry } from './dedupe-index.ts'
import type { OperationOf } from './operation.ts'

/** Records events, once each. Runs inside the commit's transaction. */
export function put(connection: Connection, { events, nowMs }: OperationOf<'put'>): PutResult[] {
  return events.map((event) => putOne(connection, event, nowMs))
}

function putOne(connection: Connection, event: NewEvent, nowMs: number): PutResult {
  let conflicting: DedupeEntry | undefined
  for (const { kind, key } of event.keys) {
    const seen = connection.dedupe.lookUp(key, nowMs)
    if (seen === undefined) continue
    if (kind === 'body' || Buffer.compare(seen.digest, event.digest) === 0) return duplicate(connection, seen)
    conflicting = seen
  }
  if (conflicting !== undefined) return conflict(connection, event, conflicting, nowMs)
  const [first, guard] = event.keys
  if (first === undefined) throw new Error('an event needs at least one dedupe key')
  const eventSeq = insertEvent(connection, event, { key: first.key, guard: guard?.key }, nowMs)
  for (const destination of event.destinations) insertDelivery(connection, eventSeq, destination, nowMs)
  return { outcome: 'stored', eventSeq }
}

function duplicate(connection: Connection, { eventSeq }: DedupeEntry): PutResult {
  connection
    .sql('INSERT INTO duplicate VALUES (?, 1) ON CONFLICT (event_seq) DO UPDATE SET copies = copies + 1')
    .run(eventSeq)
  const deliveries = connection
    .sql('SELECT destination, state FROM delivery WHERE event_seq = ? ORDER BY seq')
    .all(eventSeq) as DeliveryStatus[]
  return {
    outcome: 'duplicate',
    eventSeq,
    // Rows have no prototype; callers get plain objects.
    deliveries: deliveries.map(({ destination, state }) => ({ destination, state })),
  }
}

/** Kept under a key of its own, so that the same conflicting copy, sent again, is a duplicate and not a third event. */
function conflict(connection: Connection, event: NewEvent, seen: DedupeEntry, nowMs: number): PutResult {
  const hex = Buffer.from(event.digest).toString('hex')
  const key = dedupeKey('conflict', event.tenant, event.source, event.id, hex)
  const again = connection.dedupe.lookUp(key, nowMs)
  if (again !== undefined) return duplicate(connection, again)
  const guard = event.keys.find(({ kind }) => kind === 'body')?.key
  const eventSeq = insertEvent(connection, event, { key, guard, conflictsWith: seen.eventSeq }, nowMs)
  return { outcome: 'conflict', eventSeq, conflictsWith: seen.eventSeq }
}

interface EventKeys {
  readonly key: Uint8Array
  readonly guard?: Uint8Array | undefined
  readonly conflictsWith?: number
}

/**
 * The row, and its keys in the index: they are durable together. `coalesce`: Node 22's SQLite binds an array without bytes
 * as NULL.
 */
function insertEvent(
  connection: Connection,
  event: NewEvent,
  { key, guard, conflictsWith }: EventKeys,
  nowMs: number,
): number {
  const expiresMs = nowMs + event.dedupeWindowMs
  const { lastInsertRowid } = connection
    .sql(
      `INSERT INTO event (dedupe_key, guard_key, digest, expires_ms, tenant, source, id, type, created_ms, received_ms,
                          ordering_key, verified_by, conflicts_with, headers, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce(?, x''))`,
    )
    .run(
      key,
      guard ?? null,
      event.digest,
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
      JSON.stringify(event.headers),
      event.body,
    )
  // A copy: in the thread the digest is a view of the whole commit's block, which must not live as long as the index.
  const entry = { eventSeq: Number(lastInsertRowid), digest: new Uint8Array(event.digest), expiresMs }
  connection.dedupe.remember(key, entry)
  if (guard !== undefined) connection.dedupe.remember(guard, entry)
  return entry.eventSeq
}

/** Due at once. */
export function insertDelivery(
  connection: Connection,
  eventSeq: number,
  destination: string,
  nowMs: number,
): number {
  const { lastInsertRowid } = connection
    .sql(
      `INSERT INTO delivery (event_seq, destination, state, made_ms, due_ms) VALUES (?, ?, 'pending', ?, ?)`,
    )
    .run(eventSeq, destination, nowMs, nowMs)
  return Number(lastInsertRowid)
}
