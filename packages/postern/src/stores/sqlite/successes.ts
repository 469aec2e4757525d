import { TRANSITIONS, type Settlement } from '../../inbox/index.ts'
import { batchesOf, places, textByCount } from './batches.ts'
import type { Connection } from './connection.ts'
import type { SqliteEffect } from './operation.ts'
import { wholeMs } from './whole-ms.ts'

/** More are no faster. */
const MOST_PER_STATEMENT = 16

type Success = Settlement<SqliteEffect>

/**
 * Settles successes together, each fenced by its own token, and answers which of them are done: those whose lease was still
 * theirs, in no lane. What most leases come to; three statements for each took 5.8 µs, and this 3.3.
 */
export function settleSuccesses(
  connection: Connection,
  successes: readonly Success[],
  nowMs: number,
): ReadonlySet<Success> {
  const done = new Set<Success>()
  for (const batch of batchesOf(inOrder(successes), MOST_PER_STATEMENT)) {
    // Recorded first: a delivery that is not counted here can still be told from the others, since none has changed yet.
    const held = recordAll(connection, batch, nowMs) === batch.length ? batch : heldOf(connection, batch)
    if (held.length === 0) continue
    connection.sql(SUCCEED(held.length)).run(nowMs, ...held.map(({ deliverySeq }) => deliverySeq))
    for (const success of held) done.add(success)
  }
  return done
}

/** By number, as the tables are; of several for one delivery the first alone. */
function inOrder(successes: readonly Success[]): readonly Success[] {
  const first = new Map<number, Success>()
  for (const success of successes)
    if (!first.has(success.deliverySeq)) first.set(success.deliverySeq, success)
  return [...first.values()].toSorted((left, right) => left.deliverySeq - right.deliverySeq)
}

/** Of some deliveries those that are leased under the token that comes with each. */
const LEASED = `delivery ON seq = column1 WHERE token = column2 AND state = 'leased' AND lane IS NULL`

const RECORD = textByCount((count) => {
  const rows = Array.from({ length: count }, (_, row) => `(${places(2 + 3 * row, 3)})`)
  return `INSERT OR FAIL INTO attempt (delivery_seq, token, number, ended_ms, duration_ms, outcome)
    SELECT seq, token, attempt, ?1, column3, 'succeeded' FROM (VALUES ${rows.join(', ')}) AS brought CROSS JOIN ${LEASED}`
})

/** Answers how many there were to record. `OR FAIL`: see `LEASE` in claim.ts. */
function recordAll(connection: Connection, batch: readonly Success[], nowMs: number): number {
  const values = batch.flatMap(({ deliverySeq, token, durationMs }) => [
    deliverySeq,
    token,
    wholeMs(durationMs),
  ])
  return Number(connection.sql(RECORD(batch.length)).run(nowMs, ...values).changes)
}

const HELD = textByCount((count) => {
  const rows = Array.from({ length: count }, (_, row) => `(${places(1 + 2 * row, 2)})`)
  return `SELECT seq FROM (VALUES ${rows.join(', ')}) AS brought CROSS JOIN ${LEASED}`
})

function heldOf(connection: Connection, batch: readonly Success[]): readonly Success[] {
  const rows = connection
    .sql(HELD(batch.length))
    .all(...batch.flatMap(({ deliverySeq, token }) => [deliverySeq, token])) as { readonly seq: number }[]
  const seqs = new Set(rows.map(({ seq }) => seq))
  return batch.filter(({ deliverySeq }) => seqs.has(deliverySeq))
}

const SUCCEED = textByCount(
  (count) =>
    `UPDATE OR FAIL delivery SET state = '${TRANSITIONS.succeeded.to}', due_ms = ?1, lease_until_ms = NULL
     WHERE seq IN (${places(2, count)})`,
)
