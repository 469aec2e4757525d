import { toText, type ClaimRequest } from '../../inbox/index.ts'
import { batchesOf, places, textByCount } from './batches.ts'
import type { Connection } from './connection.ts'
import { destinationsWithWork } from './destinations-with-work.ts'
import { EVENT_COLUMNS, eventRowOf, type EventRow, type EventValues } from './event-row.ts'
import { leased } from './lane.ts'
import type { ClaimResult, LeasedRow, OperationOf } from './operation.ts'
import { wholeMs } from './whole-ms.ts'

/** Leases what is due: leases that ended first, then by due time. Costs nothing where nothing is due. */
export function claim(
  connection: Connection,
  { destinations: served, leaseMs, nowMs }: OperationOf<'claim'>,
): ClaimResult {
  const destinations = destinationsWithWork(connection, served)
  const hasLanes = someLaneWaits(connection)
  const due = destinations.flatMap(({ name, limit }) =>
    dueDeliveries(connection, { destination: toText(name), limit, nowMs, hasLanes }).map((row) => ({
      row,
      destination: name,
    })),
  )
  const rows = due.map(({ row }) => row)
  leaseAll(connection, rows, wholeMs(nowMs + leaseMs))
  const events = eventsOf(connection, rows)
  const claimed = due.map(({ row: [deliverySeq, , eventSeq, token, attempt], destination }) => ({
    deliverySeq,
    token: token + 1,
    destination,
    attempt: attempt + 1,
    // Deliveries go with their event.
    event: events.get(eventSeq) as EventRow,
  }))
  return { claimed, nextMs: claimed.length > 0 ? undefined : nextDueMs(connection, destinations) }
}

/** More are hardly any faster. */
const MOST_PER_STATEMENT = 16

/**
 * The attempt is counted before it is made. `OR FAIL`: no copy of each page into a journal of the statement's own, as for new
 * rows; 5 µs a delivery.
 */
const LEASE = textByCount(
  (count) =>
    `UPDATE OR FAIL delivery SET state = 'leased', token = token + 1, attempt = attempt + 1, lease_until_ms = ?1
     WHERE seq IN (${places(2, count)})`,
)

function leaseAll(connection: Connection, due: readonly DueRow[], untilMs: number): void {
  for (const rows of batchesOf(due, MOST_PER_STATEMENT))
    connection.sql(LEASE(rows.length)).run(untilMs, ...rows.map(([seq]) => seq))
  for (const [seq, , , , , lane] of due) if (lane !== undefined) leased(connection, lane, seq, untilMs)
}

const EVENTS = textByCount(
  (count) => `SELECT ${EVENT_COLUMNS}, headers, body FROM event WHERE seq IN (${places(1, count)})`,
)

/** An event that goes to several destinations is read once for all that one claim leases. */
function eventsOf(connection: Connection, due: readonly DueRow[]): ReadonlyMap<number, EventRow> {
  const events = new Map<number, EventRow>()
  const seqs = new Set(due.map(([, , eventSeq]) => eventSeq))
  for (const batch of batchesOf([...seqs], MOST_PER_STATEMENT)) {
    const rows = connection.arrays(EVENTS(batch.length)).all(...batch) as EventValues[]
    for (const values of rows) events.set(values[0], eventRowOf(values, values[11]))
  }
  return events
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
  free: `SELECT seq, lease_until_ms AS atMs, event_seq, token, attempt FROM delivery
         WHERE destination = ? AND state = 'leased' AND lane IS NULL AND lease_until_ms <= ?
         ORDER BY lease_until_ms, seq LIMIT ?`,
  isLeased: 1,
}

const DUE: Half = {
  free: `SELECT seq, due_ms AS atMs, event_seq, token, attempt FROM delivery
         WHERE destination = ? AND state = 'pending' AND lane IS NULL AND due_ms <= ?
         ORDER BY due_ms, seq LIMIT ?`,
  isLeased: 0,
}

const HEADS = `SELECT head.seq, lane.due_ms, head.event_seq, head.token, head.attempt, head.lane
  FROM lane CROSS JOIN delivery AS head ON head.seq = lane.head_seq
  WHERE lane.destination = ? AND lane.leased = ? AND lane.due_ms <= ?
  ORDER BY lane.due_ms, lane.head_seq LIMIT ?`

/** Where no source asks for order, two of four statements for each destination find nothing, ever. */
function someLaneWaits(connection: Connection): boolean {
  // One row, as of every minimum.
  const [first] = connection
    .arrays('SELECT min(destination) FROM lane WHERE due_ms IS NOT NULL')
    .get() as readonly [string | null]
  return first !== null
}

interface Looked {
  readonly destination: string
  readonly limit: number
  readonly nowMs: number
  readonly hasLanes: boolean
}

function dueDeliveries(connection: Connection, looked: Looked): readonly DueRow[] {
  const { limit } = looked
  const first = earliest(connection, ENDED, looked)
  if (first.length >= limit) return first
  const due = earliest(connection, DUE, { ...looked, limit: limit - first.length })
  return first.length === 0 ? due : [...first, ...due]
}

/** The first of one half, by time. */
function earliest(
  connection: Connection,
  { free, isLeased }: Half,
  { destination, limit, nowMs, hasLanes }: Looked,
): readonly DueRow[] {
  const rows = connection.arrays(free).all(destination, nowMs, limit) as DueRow[]
  if (!hasLanes) return rows
  const heads = connection.arrays(HEADS).all(destination, isLeased, nowMs, limit) as DueRow[]
  return [...rows, ...heads]
    .toSorted((left, right) => left[1] - right[1] || left[0] - right[0])
    .slice(0, limit)
}

/** A delivery that can be leased now, as it was before; without a lane where it stands in no line. */
type DueRow = readonly [
  seq: number,
  atMs: number,
  eventSeq: number,
  token: number,
  attempt: number,
  lane?: number,
]

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
      .get(toText(name)) as Readonly<Record<'due' | 'ended' | 'laneDue' | 'laneEnded', number | null>>
    return [row.due, row.ended, row.laneDue, row.laneEnded].filter((time) => time !== null)
  })
  return times.length === 0 ? undefined : Math.min(...times)
}
