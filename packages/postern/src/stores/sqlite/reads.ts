import type {
  Attempt,
  Delivery,
  DeliveryState,
  DestinationStat,
  EventDetail,
  KeptRequest,
  ListPage,
  ListQuery,
  Outcome,
  StoreStat,
} from '../../inbox/index.ts'
import type { Reason } from '../../core/index.ts'
import type { SqliteValue } from './database.ts'
import type { Connection } from './connection.ts'
import { EVENT_COLUMNS, toStoredEvent, toSummary, type EventRow, type EventSummaryRow } from './event-row.ts'
import type { ReadOperation, ReadResultOf } from './read-operation.ts'

const READ: {
  readonly [V in ReadOperation['verb']]: (connection: Connection, operation: never) => ReadResultOf[V]
} = { get, list, stat, recent, checkpoint }

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
}

function get(connection: Connection, { eventSeq }: { readonly eventSeq: number }): EventDetail | undefined {
  const row = connection
    .sql(`SELECT ${EVENT_COLUMNS}, headers, body FROM event WHERE seq = ?`)
    .get(eventSeq) as EventRow | undefined
  if (row === undefined) return undefined
  const duplicate = connection.sql('SELECT copies FROM duplicate WHERE event_seq = ?').get(eventSeq) as
    | { copies: number }
    | undefined
  const deliveries = connection
    .sql('SELECT * FROM delivery WHERE event_seq = ? ORDER BY seq')
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
    .sql('SELECT * FROM attempt WHERE delivery_seq = ? ORDER BY ended_ms, number')
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
    error: row.error ?? undefined,
  }))
}

function toDelivery(row: DeliveryRow): Delivery {
  return {
    deliverySeq: row.seq,
    eventSeq: row.event_seq,
    destination: row.destination,
    state: row.state,
    attempt: row.attempt,
    token: row.token,
    dueMs: row.due_ms,
    leaseUntilMs: row.lease_until_ms ?? undefined,
    error: row.error ?? undefined,
  }
}

function list(connection: Connection, { query }: { readonly query: ListQuery }): ListPage {
  const { where, params } = filters(query)
  const limit = Math.min(Math.max(1, query.limit), 1000)
  if (query.of === 'events') {
    const rows = connection
      .sql(
        `SELECT ${EVENT_COLUMNS}, length(body) AS body_bytes FROM event ${where} ORDER BY seq DESC LIMIT ?`,
      )
      .all(...params, limit + 1) as (EventSummaryRow & { readonly body_bytes: number })[]
    return { events: rows.slice(0, limit).map(toSummary), deliveries: [], next: nextOf(rows, limit) }
  }
  const rows = connection
    .sql(
      `SELECT delivery.* FROM delivery JOIN event ON event.seq = event_seq ${where} ORDER BY delivery.seq DESC LIMIT ?`,
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
    ['event.source = ?', query.source],
    ['event.type = ?', query.type],
    [`${table}.seq < ?`, query.before],
  ]
  if (query.of === 'deliveries') {
    conditions.push(['delivery.state = ?', query.state], ['delivery.destination = ?', query.destination])
  }
  const used = conditions.filter(
    (condition): condition is [string, SqliteValue] => condition[1] !== undefined,
  )
  return {
    where: used.length === 0 ? '' : `WHERE ${used.map(([text]) => text).join(' AND ')}`,
    params: used.map(([, value]) => value),
  }
}

function stat(connection: Connection, { nowMs }: { readonly nowMs: number }): StoreStat {
  // One row with this one column.
  const { events } = connection.sql('SELECT count(*) AS events FROM event').get() as { events: number }
  const destinations = new Map<string, MutableStat>()
  for (const state of ['pending', 'leased', 'dead'] as const) {
    const rows = connection
      .sql(
        `SELECT destination, count(*) AS count FROM delivery WHERE state = '${state}' GROUP BY destination`,
      )
      .all() as { destination: string; count: number }[]
    for (const { destination, count } of rows) {
      const entry = destinations.get(destination) ?? emptyStat(destination)
      entry[state] = count
      if (state === 'pending') entry.oldestPendingMs = oldestPendingMs(connection, destination, nowMs)
      destinations.set(destination, entry)
    }
  }
  return { events, destinations: [...destinations.values()] }
}

type MutableStat = { -readonly [Key in keyof DestinationStat]: DestinationStat[Key] }

function emptyStat(name: string): MutableStat {
  return { name, pending: 0, leased: 0, dead: 0, oldestPendingMs: undefined }
}

function oldestPendingMs(connection: Connection, destination: string, nowMs: number): number | undefined {
  const row = connection
    .sql(`SELECT min(made_ms) AS oldest FROM delivery WHERE destination = ? AND state = 'pending'`)
    .get(destination) as { oldest: number | null }
  return row.oldest === null ? undefined : nowMs - row.oldest
}

function recent(connection: Connection, { limit }: { readonly limit: number }): readonly KeptRequest[] {
  const rows = connection.sql('SELECT * FROM rejected ORDER BY seq DESC LIMIT ?').all(limit) as {
    received_ms: number
    source: string
    reason: Reason
    method: string
    url: string
    headers: string
    body: Uint8Array
    copies: number
  }[]
  return rows.map((row) => ({
    receivedMs: row.received_ms,
    source: row.source,
    reason: row.reason,
    method: row.method,
    url: row.url,
    // Written by record from an array of strings.
    headers: JSON.parse(row.headers) as string[],
    body: row.body,
    copies: row.copies,
  }))
}

function checkpoint(connection: Connection): { readonly walPages: number } {
  const row = connection.database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get() as { log: number }
  return { walPages: row.log }
}
