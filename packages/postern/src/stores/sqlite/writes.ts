import {
  dedupeKey,
  isLegal,
  REJECTED_LOG_ROWS,
  rejectedBudget,
  toText,
  TRANSITIONS,
  type DeliveryState,
  type Lease,
  type Move,
  type MoveResult,
  type Outcome,
  type PruneResult,
  type Replay,
  type ReplayResult,
  type Settlement,
} from '../../inbox/index.ts'
import { sha256 } from '../../core/crypto.ts'
import type { Connection } from './connection.ts'
import { isInfrastructure } from './failure.ts'
import { hasOvertaken, moved, prolonged, pruneLanes, settled, type LaneName } from './lane.ts'
import type { OperationOf, SettledRow, SqliteEffect } from './operation.ts'
import { insertDelivery } from './put.ts'
import { settleSuccesses } from './successes.ts'
import { wholeMs } from './whole-ms.ts'

/** Ends leases, each fenced by its token. */
export function settle(connection: Connection, { settlements, nowMs }: OperationOf<'settle'>): SettledRow[] {
  const rows: SettledRow[] = []
  let successes: Settlement<SqliteEffect>[] = []
  const settleThem = (): void => {
    const done = settleSuccesses(connection, successes, nowMs)
    for (const each of successes) rows.push(done.has(each) ? DONE : settleOne(connection, each, nowMs))
    successes = []
  }
  for (const settlement of settlements) {
    const hasEffects = settlement.effects !== undefined && settlement.effects.length > 0
    if (settlement.outcome.kind === 'succeeded' && !hasEffects) {
      successes.push(settlement)
      continue
    }
    settleThem()
    const settleIt = hasEffects ? settleWithEffects : settleOne
    rows.push(settleIt(connection, settlement, nowMs))
  }
  settleThem()
  return rows
}

const DONE: SettledRow = { result: 'settled', makesWork: false }

/** A savepoint of its own, so that a failing effect undoes this settlement and no other. */
function settleWithEffects(
  connection: Connection,
  settlement: Settlement<SqliteEffect>,
  nowMs: number,
): SettledRow {
  connection.sql('SAVEPOINT settlement').run()
  try {
    const result = settleOne(connection, settlement, nowMs)
    if (result.result === 'settled') {
      for (const { sql, params = [] } of settlement.effects ?? []) connection.effect(sql).run(...params)
    }
    connection.sql('RELEASE settlement').run()
    return result
  } catch (error) {
    if (isInfrastructure(error)) throw error
    connection.sql('ROLLBACK TO settlement').run()
    connection.sql('RELEASE settlement').run()
    return { result: 'failed', message: error instanceof Error ? error.message : String(error) }
  }
}

/** Read and then written, as `leaseOne` is. */
function settleOne(connection: Connection, settlement: Settlement<SqliteEffect>, nowMs: number): SettledRow {
  const { deliverySeq, token, outcome, durationMs } = settlement
  const row = leasedRow(connection, settlement)
  if (row === undefined) return { result: 'lost' }
  const { to } = TRANSITIONS[outcome.kind]
  const attempt = row.attempt - (outcome.kind === 'released' ? 1 : 0)
  const dueMs = wholeMs(nowMs + ('afterMs' in outcome ? (outcome.afterMs ?? 0) : 0))
  connection
    .sql(
      'UPDATE delivery SET state = ?, due_ms = ?, lease_until_ms = NULL, error = coalesce(?, error), attempt = ? WHERE seq = ?',
    )
    .run(to, dueMs, errorOf(outcome), attempt, deliverySeq)
  const makesWork = row.lane === null ? to === 'pending' : settled(connection, row.lane, deliverySeq, to)
  if (outcome.kind !== 'released') {
    connection
      .sql(
        `INSERT INTO attempt (delivery_seq, token, number, ended_ms, duration_ms, outcome, error) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(deliverySeq, token, attempt, nowMs, wholeMs(durationMs), outcome.kind, errorOf(outcome))
  }
  return { result: 'settled', makesWork }
}

/** What is leased under this token; `undefined` where the lease is no longer this one's. */
function leasedRow(
  connection: Connection,
  { deliverySeq, token }: Lease,
): { readonly attempt: number; readonly lane: number | null } | undefined {
  return connection
    .sql(`SELECT attempt, lane FROM delivery WHERE seq = ? AND token = ? AND state = 'leased'`)
    .get(deliverySeq, token) as { attempt: number; lane: number | null } | undefined
}

function errorOf(outcome: Outcome): string | null {
  return 'error' in outcome ? toText(outcome.error) : null
}

/** Prolongs leases that are still their holders'. */
export function extend(
  connection: Connection,
  { leases, leaseMs, nowMs }: OperationOf<'extend'>,
): ('extended' | 'lost')[] {
  return leases.map((lease) => extendOne(connection, lease, wholeMs(nowMs + leaseMs)))
}

function extendOne(connection: Connection, lease: Lease, untilMs: number): 'extended' | 'lost' {
  const row = leasedRow(connection, lease)
  if (row === undefined) return 'lost'
  connection.sql('UPDATE delivery SET lease_until_ms = ? WHERE seq = ?').run(untilMs, lease.deliverySeq)
  if (row.lane !== null) prolonged(connection, row.lane, untilMs)
  return 'extended'
}

/** Takes an operator's steps along the lifecycle. */
export function move(connection: Connection, { moves, nowMs }: OperationOf<'move'>): MoveResult[] {
  return moves.map((step) => moveOne(connection, step, nowMs))
}

function moveOne(connection: Connection, { deliverySeq, to, force }: Move, nowMs: number): MoveResult {
  const row = connection.sql('SELECT state, lane FROM delivery WHERE seq = ?').get(deliverySeq) as
    | { state: DeliveryState; lane: number | null }
    | undefined
  if (row === undefined) return 'unknown'
  if (!isLegal(to, row.state)) return 'illegal'
  const isOvertaken = row.lane !== null && hasOvertaken(connection, row.lane, deliverySeq)
  if (to === 'redrive' && isOvertaken && force !== true) return 'overtaken'
  // A redriven delivery starts its schedule anew; its attempts stay on record.
  connection
    .sql(
      'UPDATE delivery SET state = ?, due_ms = ?, attempt = CASE WHEN ? THEN 0 ELSE attempt END WHERE seq = ?',
    )
    .run(TRANSITIONS[to].to, nowMs, to === 'redrive' ? 1 : 0, deliverySeq)
  if (row.lane !== null) moved(connection, row.lane, deliverySeq, TRANSITIONS[to].to)
  return 'moved'
}

/** Makes new deliveries of stored events. */
export function replay(connection: Connection, { replays, nowMs }: OperationOf<'replay'>): ReplayResult[] {
  return replays.map(({ eventSeq, destinations }: Replay) => {
    const event = connection
      .sql(
        'SELECT seq AS eventSeq, tenant, source, ordering_key AS orderingKey, on_dead AS onDead FROM event WHERE seq = ?',
      )
      .get(eventSeq) as (LaneName & { readonly eventSeq: number }) | undefined
    if (event === undefined) return 'unknown'
    return {
      deliverySeqs: destinations.map((name) =>
        insertDelivery(connection, event, toText(name), nowMs, 'replayed'),
      ),
    }
  })
}

/** Deletes what is past its time, in a bounded batch. */
export function prune(connection: Connection, { request, nowMs }: OperationOf<'prune'>): PruneResult {
  const old = connection
    .sql(
      `SELECT seq FROM event WHERE received_ms < ? AND NOT EXISTS
         (SELECT 1 FROM delivery WHERE event_seq = event.seq AND state NOT IN ('succeeded', 'cancelled'))
       ORDER BY received_ms LIMIT ?`,
    )
    .all(nowMs - request.eventsOlderThanMs, request.limit) as { seq: number }[]
  connection.dedupe.keep(new Set(old.map(({ seq }) => seq)), nowMs)
  for (const { seq } of old) {
    connection
      .sql('DELETE FROM attempt WHERE delivery_seq IN (SELECT seq FROM delivery WHERE event_seq = ?)')
      .run(seq)
    connection.sql('DELETE FROM delivery WHERE event_seq = ?').run(seq)
    connection.sql('DELETE FROM duplicate WHERE event_seq = ?').run(seq)
    connection.sql('DELETE FROM event WHERE seq = ?').run(seq)
  }
  pruneLanes(connection, request.limit)
  connection.sql('DELETE FROM state WHERE expires_ms <= ?').run(nowMs)
  return { events: old.length, dedupeRecords: connection.dedupe.forgetExpired(request.limit, nowMs) }
}

/** Keeps a refused request, or counts a copy of it. */
export function record(connection: Connection, { rejected, nowMs }: OperationOf<'record'>): undefined {
  const digest = sha256(rejected.body).toString('hex')
  const budget = rejectedBudget(rejected.reason)
  connection
    .sql(
      `INSERT INTO rejected (key, received_ms, source, reason, method, url, headers, body, body_bytes, budget)
       VALUES (?, ?, ?, ?, ?, ?, ?, coalesce(?, x''), ?, ?)
       ON CONFLICT (key) DO UPDATE SET copies = copies + 1`,
    )
    .run(
      dedupeKey('rejected', '', rejected.source, rejected.reason, digest),
      nowMs,
      toText(rejected.source),
      rejected.reason,
      toText(rejected.method),
      toText(rejected.url),
      JSON.stringify(rejected.headers),
      rejected.body,
      rejected.bodyBytes,
      budget,
    )
  connection
    .sql(
      `DELETE FROM rejected WHERE budget = ?1 AND seq <=
         (SELECT seq FROM rejected WHERE budget = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)`,
    )
    .run(budget, REJECTED_LOG_ROWS[budget])
  return undefined
}

/** Sets or forgets an entry of the small state. */
export function remember(
  connection: Connection,
  { key, value, forMs, nowMs }: OperationOf<'remember'>,
): undefined {
  if (value === null) connection.sql('DELETE FROM state WHERE key = ?').run(toText(key))
  else {
    connection
      .sql('INSERT OR REPLACE INTO state (key, value, expires_ms) VALUES (?, ?, ?)')
      .run(toText(key), toText(value), forMs === null ? null : wholeMs(nowMs + forMs))
  }
  return undefined
}
