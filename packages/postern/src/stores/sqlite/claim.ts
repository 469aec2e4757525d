import type { ClaimRequest } from '../../inbox/index.ts'
import { batchSizes } from './batches.ts'
import type { Connection } from './connection.ts'
import { destinationsWithWork } from './destinations-with-work.ts'
import { EVENT_COLUMNS, type EventRow } from './event-row.ts'
import { leased } from './lane.ts'
import type { ClaimResult, LeasedRow, OperationOf } from './operation.ts'
import { wholeMs } from './whole-ms.ts'

/** Leases what is due: leases that ended first, then by due time. Costs nothing where nothing is due. */
export function claim(
  connection: Connection,
  { destinations: served, leaseMs, nowMs }: OperationOf<'claim'>,
): ClaimResult {
  const destinations = destinationsWithWork(connection, served)
  const due = destinations.flatMap(({ name, limit }) =>
    dueDeliveries(connection, name, limit, nowMs).map((row) => ({ row, destination: name })),
  )
  leaseAll(
    connection,
    due.map(({ row }) => row),
    wholeMs(nowMs + leaseMs),
  )
  const events = new Map<number, EventRow>()
  const claimed = due.map(({ row, destination }) => ({
    deliverySeq: row.seq,
    token: row.token + 1,
    destination,
    attempt: row.attempt + 1,
    event: eventOnce(connection, events, row.eventSeq),
  }))
  return { claimed, nextMs: claimed.length > 0 ? undefined : nextDueMs(connection, destinations) }
}

/** More are hardly any faster. */
const MOST_PER_STATEMENT = 16

/** The attempt is counted before it is made. */
function leaseAll(connection: Connection, due: readonly DueRow[], untilMs: number): void {
  const seqs = due.map(({ seq }) => seq)
  for (const size of batchSizes(seqs.length, MOST_PER_STATEMENT)) {
    const places = Array(size).fill('?').join(', ')
    connection
      .sql(
        `UPDATE delivery SET state = 'leased', token = token + 1, attempt = attempt + 1, lease_until_ms = ? WHERE seq IN (${places})`,
      )
      .run(untilMs, ...seqs.splice(0, size))
  }
  for (const { seq, lane } of due) if (lane !== null) leased(connection, lane, seq, untilMs)
}

/** An event that goes to several destinations is read once for all that one claim leases. */
function eventOnce(connection: Connection, events: Map<number, EventRow>, eventSeq: number): EventRow {
  const known = events.get(eventSeq)
  if (known !== undefined) return known
  // One row: deliveries go with their event.
  const event = connection
    .sql(`SELECT ${EVENT_COLUMNS}, headers, body FROM event WHERE seq = ?`)
    .get(eventSeq) as EventRow
  events.set(eventSeq, event)
  return event
}

/**
 * Leases one delivery, whatever its time; the attempt is counted before it is made. Read and then written: `UPDATE …
 * RETURNING` copies every page that it touches into a journal of its own first, 11 µs a row.
 */
export function leaseOne(
  connection: Connection,
  deliverySeq: number,
  destination: string,
  untilMs: number,
): LeasedRow {
  // One row: the caller has found it in this transaction.
  const row = connection
    .sql('SELECT event_seq AS eventSeq, token, attempt, lane FROM delivery WHERE seq = ?')
    .get(deliverySeq) as { eventSeq: number; token: number; attempt: number; lane: number | null }
  const token = row.token + 1
  const attempt = row.attempt + 1
  connection
    .sql(`UPDATE delivery SET state = 'leased', token = ?, attempt = ?, lease_until_ms = ? WHERE seq = ?`)
    .run(token, attempt, untilMs, deliverySeq)
  if (row.lane !== null) leased(connection, row.lane, deliverySeq, untilMs)
  return { deliverySeq, token, destination, attempt, eventSeq: row.eventSeq }
}

/** What a claim looks for: among what stands in no line, and among the heads of lanes. */
interface Half {
  readonly free: string
  readonly isLeased: 0 | 1
}

const ENDED: Half = {
  free: `SELECT seq, lease_until_ms AS atMs, event_seq AS eventSeq, token, attempt, lane FROM delivery
         WHERE destination = ? AND state = 'leased' AND lane IS NULL AND lease_until_ms <= ?
         ORDER BY lease_until_ms, seq LIMIT ?`,
  isLeased: 1,
}

const DUE: Half = {
  free: `SELECT seq, due_ms AS atMs, event_seq AS eventSeq, token, attempt, lane FROM delivery
         WHERE destination = ? AND state = 'pending' AND lane IS NULL AND due_ms <= ?
         ORDER BY due_ms, seq LIMIT ?`,
  isLeased: 0,
}

function dueDeliveries(connection: Connection, destination: string, limit: number, nowMs: number): DueRow[] {
  const first = earliest(connection, ENDED, destination, limit, nowMs)
  if (first.length >= limit) return first
  const left = limit - first.length
  return [...first, ...earliest(connection, DUE, destination, left, nowMs)]
}

/** The first of one half, by time. */
function earliest(
  connection: Connection,
  { free, isLeased }: Half,
  destination: string,
  limit: number,
  nowMs: number,
): DueRow[] {
  const heads = connection.sql(
    `SELECT head.seq, lane.due_ms AS atMs, head.event_seq AS eventSeq, head.token, head.attempt, head.lane
       FROM lane CROSS JOIN delivery AS head ON head.seq = lane.head_seq
       WHERE lane.destination = ? AND lane.leased = ? AND lane.due_ms <= ?
       ORDER BY lane.due_ms, lane.head_seq LIMIT ?`,
  )
  const rows = [
    ...connection.sql(free).all(destination, nowMs, limit),
    ...heads.all(destination, isLeased, nowMs, limit),
  ] as DueRow[]
  return rows.toSorted((left, right) => left.atMs - right.atMs || left.seq - right.seq).slice(0, limit)
}

/** A delivery that can be leased now, as it was before. */
interface DueRow {
  readonly seq: number
  readonly atMs: number
  readonly eventSeq: number
  readonly token: number
  readonly attempt: number
  readonly lane: number | null
}

function nextDueMs(connection: Connection, destinations: ClaimRequest['destinations']): number | undefined {
  const times = destinations.flatMap(({ name, limit }) => {
    if (limit <= 0) return []
    const row = connection
      .sql(
        `SELECT (SELECT min(due_ms) FROM delivery WHERE destination = ?1 AND state = 'pending' AND lane IS NULL) AS due,
                (SELECT min(lease_until_ms) FROM delivery WHERE destination = ?1 AND state = 'leased' AND lane IS NULL) AS ended,
                (SELECT min(due_ms) FROM lane WHERE destination = ?1 AND leased = 0 AND due_ms IS NOT NULL) AS laneDue,
                (SELECT min(due_ms) FROM lane WHERE destination = ?1 AND leased = 1 AND due_ms IS NOT NULL) AS laneEnded`,
      )
      .get(name) as Readonly<Record<'due' | 'ended' | 'laneDue' | 'laneEnded', number | null>>
    return [row.due, row.ended, row.laneDue, row.laneEnded].filter((time) => time !== null)
  })
  return times.length === 0 ? undefined : Math.min(...times)
}
