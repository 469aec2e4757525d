import type { ClaimRequest } from '../../inbox/index.ts'
import type { Connection } from './connection.ts'
import { EVENT_COLUMNS, type EventRow } from './event-row.ts'
import type { ClaimedRow, ClaimResult, OperationOf } from './operation.ts'

/** Leases what is due: leases that ended first, then by due time. Costs nothing where nothing is due. */
export function claim(
  connection: Connection,
  { destinations, leaseMs, nowMs }: OperationOf<'claim'>,
): ClaimResult {
  const claimed = destinations.flatMap(({ name, limit }) =>
    dueDeliveries(connection, name, limit, nowMs).map((seq) => lease(connection, seq, name, nowMs + leaseMs)),
  )
  return { claimed, nextMs: claimed.length > 0 ? undefined : nextDueMs(connection, destinations) }
}

function dueDeliveries(connection: Connection, destination: string, limit: number, nowMs: number): number[] {
  const ended = connection
    .sql(
      `SELECT seq FROM delivery WHERE destination = ? AND state = 'leased' AND lease_until_ms <= ?
       ORDER BY lease_until_ms, seq LIMIT ?`,
    )
    .all(destination, nowMs, limit) as { seq: number }[]
  if (ended.length >= limit) return ended.map(({ seq }) => seq)
  const due = connection
    .sql(
      `SELECT seq FROM delivery WHERE destination = ? AND state = 'pending' AND due_ms <= ?
       ORDER BY due_ms, seq LIMIT ?`,
    )
    .all(destination, nowMs, limit - ended.length) as { seq: number }[]
  return [...ended, ...due].map(({ seq }) => seq)
}

function lease(connection: Connection, seq: number, destination: string, untilMs: number): ClaimedRow {
  const row = connection
    .sql(
      `UPDATE delivery SET state = 'leased', token = token + 1, attempt = attempt + 1, lease_until_ms = ?
       WHERE seq = ? RETURNING event_seq, token, attempt`,
    )
    .get(untilMs, seq) as { event_seq: number; token: number; attempt: number }
  const event = connection
    .sql(`SELECT ${EVENT_COLUMNS}, headers, body FROM event WHERE seq = ?`)
    .get(row.event_seq) as EventRow
  return { deliverySeq: seq, token: row.token, destination, attempt: row.attempt, event }
}

function nextDueMs(connection: Connection, destinations: ClaimRequest['destinations']): number | undefined {
  const times = destinations.flatMap(({ name }) => {
    const row = connection
      .sql(
        `SELECT (SELECT min(due_ms) FROM delivery WHERE destination = ?1 AND state = 'pending') AS due,
                (SELECT min(lease_until_ms) FROM delivery WHERE destination = ?1 AND state = 'leased') AS ended`,
      )
      .get(name) as { due: number | null; ended: number | null }
    return [row.due, row.ended].filter((time) => time !== null)
  })
  return times.length === 0 ? undefined : Math.min(...times)
}
