import {
  fromNullableText,
  fromText,
  toOptionalText,
  toText,
  type Attempt,
  type Delivery,
  type DeliveryState,
  type DestinationStat,
  type EventDetail,
  type ListPage,
  type ListQuery,
  type Outcome,
  type StateEntry,
  type StoreStat,
} from '../../inbox/index.ts'
import type { SqliteValue } from './database.ts'
import type { Connection } from './connection.ts'
import { EVENT_COLUMNS, toStoredEvent, toSummary, type EventRow, type EventSummaryRow } from './event-row.ts'
import type { ReadOperation, ReadResultOf } from './read-operation.ts'
import { rejected } from './rejected-rows.ts'

const READ: {
  readonly [V in ReadOperation['verb']]: (connection: Connection, operation: never) => ReadResultOf[V]
} = { get, list, stat, inspect, rejected, recall, entries, checkpoint }

/** Carries out one reading operation. */
export function read(connection: Connection, operation: ReadOperation): ReadResultOf[ReadOperation['verb']] {
  // The table pairs each verb with the function for it; the compiler cannot follow a union through the look-up.
  return READ[operation.verb](connection, operation as never)
}

interface DeliveryRow {
  readonly seq: number
  readonly event_seq: number
  readonly destination: string
  readonly state: DeliveryState
  readonly due_ms: number
  readonly lease_until_ms: number | null
  readonly token: number
  readonly attempt: number
  readonly error: string | null
  readonly open_lane: number | null
  readonly ordering_key: string | null
}

/** A delivery, with the key it waits in line under. */
const DELIVERY_COLUMNS =
  'delivery.*, CASE WHEN delivery.lane IS NOT NULL THEN event.ordering_key END AS ordering_key'

function get(connection: Connection, { eventSeq }: { readonly eventSeq: number }): EventDetail | undefined {
  const row = connection
    .sql(`SELECT ${EVENT_COLUMNS}, headers, body FROM event WHERE seq = ?`)
    .get(eventSeq) as EventRow | undefined
  if (row === undefined) return undefined
  const duplicate = connection.sql('SELECT copies FROM duplicate WHERE event_seq = ?').get(eventSeq) as
    | { copies: number }
    | undefined
  const deliveries = connection
    .sql(
      `SELECT ${DELIVERY_COLUMNS} FROM delivery JOIN event ON event.seq = event_seq WHERE event_seq = ? ORDER BY delivery.seq`,
    )
    .all(eventSeq) as DeliveryRow[]
  return {
    event: toStoredEvent(row),
    duplicates: duplicate?.copies ?? 0,
    deliveries: deliveries.map((delivery) => ({
      ...toDelivery(delivery),
      attempts: attemptsOf(connection, delivery.seq),
    })),
  }
}

function attemptsOf(connection: Connection, deliverySeq: number): Attempt[] {
  const rows = connection
    .sql('SELECT * FROM attempt WHERE delivery_seq = ? ORDER BY token')
    .all(deliverySeq) as {
    number: number
    ended_ms: number
    duration_ms: number
    outcome: Outcome['kind']
    error: string | null
  }[]
  return rows.map((row) => ({
    number: row.number,
    endedMs: row.ended_ms,
    durationMs: row.duration_ms,
    outcome: row.outcome,
    error: fromNullableText(row.error),
  }))
}

function toDelivery(row: DeliveryRow): Delivery {
  return {
    deliverySeq: row.seq,
    eventSeq: row.event_seq,
    destination: fromText(row.destination),
    state: row.state,
    attempt: row.attempt,
    token: row.token,
    orderingKey: fromNullableText(row.ordering_key),
    blocks: row.state === 'dead' && row.open_lane !== null,
    dueMs: row.due_ms,
    leaseUntilMs: row.lease_until_ms ?? undefined,
    error: fromNullableText(row.error),
  }
}

function list(connection: Connection, { query }: { readonly query: ListQuery }): ListPage {
  const { where, params } = filters(query)
  const order = query.after === undefined ? 'DESC' : 'ASC'
  const limit = Math.min(Math.max(1, query.limit), 1000)
  if (query.of === 'events') {
    const rows = connection
      .sql(
        `SELECT ${EVENT_COLUMNS}, length(body) AS body_bytes FROM event ${where} ORDER BY seq ${order} LIMIT ?`,
      )
      .all(...params, limit + 1) as (EventSummaryRow & { readonly body_bytes: number })[]
    return { events: rows.slice(0, limit).map(toSummary), deliveries: [], next: nextOf(rows, limit) }
  }
  const rows = connection
    .sql(
      `SELECT ${DELIVERY_COLUMNS} FROM delivery JOIN event ON event.seq = event_seq ${where} ORDER BY delivery.seq ${order} LIMIT ?`,
    )
    .all(...params, limit + 1) as DeliveryRow[]
  return { events: [], deliveries: rows.slice(0, limit).map(toDelivery), next: nextOf(rows, limit) }
}

/** One row more than asked for was read: only then is there a next page. */
function nextOf(rows: readonly { readonly seq: number }[], limit: number): number | undefined {
  return rows.length > limit ? rows[limit - 1]?.seq : undefined
}

/** Only conditions that are asked for, so that each combination can use its index. */
function filters(query: ListQuery): { readonly where: string; readonly params: SqliteValue[] } {
  const table = query.of === 'events' ? 'event' : 'delivery'
  const conditions: [string, SqliteValue | undefined][] = [
    ['event.source = ?', toOptionalText(query.source)],
    ['event.type = ?', toOptionalText(query.type)],
    [`${table}.seq < ?`, query.before],
    [`${table}.seq > ?`, query.after],
  ]
  if (query.of === 'deliveries') {
    conditions.push(
      ['delivery.state = ?', query.state],
      ['delivery.destination = ?', toOptionalText(query.destination)],
    )
  }
  const used = conditions.filter(
    (condition): condition is [string, SqliteValue] => condition[1] !== undefined,
  )
  const texts = [...used.map(([text]) => text), ...conditionsOf(query)]
  return {
    where: texts.length === 0 ? '' : `WHERE ${texts.join(' AND ')}`,
    params: used.map(([, value]) => value),
  }
}

/** Conditions without a value, each the very text of the index that serves it. */
function conditionsOf({ of, conflicts, blocking }: ListQuery): string[] {
  if (of === 'events') return conflicts === true ? ['event.conflicts_with IS NOT NULL'] : []
  return blocking === true ? [`delivery.state = 'dead'`, 'delivery.open_lane IS NOT NULL'] : []
}

function stat(connection: Connection, { nowMs }: { readonly nowMs: number }): Omit<StoreStat, 'commits'> {
  // One row with this one column.
  const { events } = connection.sql('SELECT count(*) AS events FROM event').get() as { events: number }
  const destinations = new Map<string, MutableStat>()
  const of = (name: string): MutableStat => {
    const entry = destinations.get(name) ?? emptyStat(fromText(name))
    destinations.set(name, entry)
    return entry
  }
  for (const { destination, state, count } of unfinished(connection)) of(destination)[state] += count
  for (const { destination, count } of blocked(connection)) of(destination).blockedKeys = count
  for (const [name, entry] of destinations) {
    if (entry.pending > 0) entry.oldestPendingMs = oldestPendingMs(connection, name, nowMs)
  }
  return { events, destinations: [...destinations.values()] }
}

/** Counted index by index: what is finished is in none of them. */
function unfinished(
  connection: Connection,
): { destination: string; state: 'pending' | 'leased' | 'dead'; count: number }[] {
  return connection
    .sql(
      `SELECT destination, 'pending' AS state, count(*) AS count FROM delivery WHERE state = 'pending' AND lane IS NULL GROUP BY destination
       UNION ALL
       SELECT destination, 'leased', count(*) FROM delivery WHERE state = 'leased' AND lane IS NULL GROUP BY destination
       UNION ALL
       SELECT destination, 'dead', count(*) FROM delivery WHERE state = 'dead' GROUP BY destination
       UNION ALL
       SELECT destination, state, count(*) FROM delivery
       WHERE open_lane IS NOT NULL AND state IN ('pending', 'leased') GROUP BY destination, state`,
    )
    .all() as { destination: string; state: 'pending' | 'leased' | 'dead'; count: number }[]
}

function blocked(connection: Connection): { destination: string; count: number }[] {
  return connection
    .sql(
      'SELECT destination, count(*) AS count FROM lane WHERE head_seq IS NOT NULL AND due_ms IS NULL GROUP BY destination',
    )
    .all() as { destination: string; count: number }[]
}

type MutableStat = { -readonly [Key in keyof DestinationStat]: DestinationStat[Key] }

function emptyStat(name: string): MutableStat {
  return { name, pending: 0, leased: 0, dead: 0, blockedKeys: 0, oldestPendingMs: undefined }
}

function oldestPendingMs(connection: Connection, destination: string, nowMs: number): number {
  const row = connection
    .sql(
      `SELECT (SELECT min(made_ms) FROM delivery WHERE destination = ?1 AND state = 'pending' AND lane IS NULL) AS free,
              (SELECT min(made_ms) FROM delivery WHERE open_lane IS NOT NULL AND destination = ?1 AND state = 'pending') AS inLine`,
    )
    .get(destination) as { free: number | null; inLine: number | null }
  return nowMs - Math.min(row.free ?? Infinity, row.inLine ?? Infinity)
}

/** Every connection asserts the same of itself when it is opened; this one says what it found. */
function inspect(connection: Connection): ReadResultOf['inspect'] {
  const { version } = connection.sql('SELECT sqlite_version() AS version').get() as { version: string }
  const pragma = (name: string): number | string => {
    const row = connection.sql(`PRAGMA ${name}`).get() as Record<string, number | string>
    return row[name] ?? ''
  }
  const journalMode = String(pragma('journal_mode'))
  const synchronous = SYNCHRONOUS[Number(pragma('synchronous'))] ?? 'unknown'
  return {
    engine: `SQLite ${version}`,
    schemaVersion: Number(pragma('user_version')),
    settings: [
      { name: 'journal_mode', value: journalMode, wanted: 'wal', isSound: journalMode === 'wal' },
      { name: 'synchronous', value: synchronous, wanted: 'FULL', isSound: synchronous === 'FULL' },
    ],
    acceptsLoss: false,
  }
}

/** As `PRAGMA synchronous` numbers them (sqlite.org/pragma.html). */
const SYNCHRONOUS = ['OFF', 'NORMAL', 'FULL', 'EXTRA']

function recall(
  connection: Connection,
  { key, nowMs }: { readonly key: string; readonly nowMs: number },
): string | undefined {
  const row = connection
    .sql('SELECT value FROM state WHERE key = ? AND (expires_ms IS NULL OR expires_ms > ?)')
    .get(toText(key), nowMs) as { value: string } | undefined
  return row && fromText(row.value)
}

function entries(
  connection: Connection,
  { prefix, nowMs }: { readonly prefix: string; readonly nowMs: number },
): StateEntry[] {
  const rows = connection
    .sql(
      'SELECT key, value FROM state WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1 AND (expires_ms IS NULL OR expires_ms > ?2) ORDER BY key',
    )
    .all(toText(prefix), nowMs) as StateEntry[]
  return rows.map(({ key, value }) => ({ key: fromText(key), value: fromText(value) }))
}

function checkpoint(connection: Connection): { readonly walPages: number } {
  const row = connection.database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get() as { log: number }
  return { walPages: row.log }
}
