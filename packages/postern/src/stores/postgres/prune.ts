import type { PruneRequest, PruneResult } from '../../inbox/index.ts'
import { plainArray } from './array-literal.ts'
import { SLOTS } from './migrations/tables.ts'
import type { Transaction } from './server.ts'

export interface PruneSettings {
  readonly schema: string
  readonly offsetMs: number
  /** Lanes up to this key have been looked at. */
  readonly lanesAfter: string
}

export interface Pruned extends PruneResult {
  readonly lanesAfter: string
}

/** Before every key. */
export const FIRST_LANE = '00000000000000000000000000000000'

/** Deletes what is past its time, in a bounded batch; passes over what somebody else holds. */
export async function pruneRows(
  tx: Transaction,
  { eventsOlderThanMs, limit }: PruneRequest,
  { schema, offsetMs, lanesAfter }: PruneSettings,
): Promise<Pruned> {
  const old = await tx.rows<{ seq: string }>(
    `SELECT seq FROM ${schema}.event WHERE received_ms < ${schema}.now_1($1) - $2::bigint AND ${isFinished(schema)}
     ORDER BY received_ms, seq LIMIT $3 FOR UPDATE SKIP LOCKED`,
    [offsetMs, Math.ceil(eventsOlderThanMs), limit],
  )
  const events = await deleteEvents(
    tx,
    schema,
    old.map(({ seq }) => seq),
  )
  const expired = await tx.rows(
    `DELETE FROM ${schema}.dedupe WHERE key IN (
       SELECT key FROM ${schema}.dedupe WHERE expires_ms <= ${schema}.now_1($1) ORDER BY expires_ms LIMIT $2 FOR UPDATE SKIP LOCKED)
     RETURNING 1`,
    [offsetMs, limit],
  )
  await tx.rows(`DELETE FROM ${schema}.state WHERE expires_ms <= ${schema}.now_1($1)`, [offsetMs])
  return {
    events,
    dedupeRecords: expired.length,
    lanesAfter: await pruneLanes(tx, schema, { lanesAfter, limit }),
  }
}

function isFinished(schema: string): string {
  return `NOT EXISTS (SELECT 1 FROM ${schema}.delivery
                      WHERE delivery.seq BETWEEN event.seq * ${SLOTS} AND event.seq * ${SLOTS} + ${SLOTS - 1})
    AND NOT EXISTS (SELECT 1 FROM ${schema}.further_delivery JOIN ${schema}.delivery ON delivery.seq = delivery_seq
                    WHERE further_delivery.event_seq = event.seq)`
}

/** Asks again what is finished: a replay may have committed between the look and the lock. */
async function deleteEvents(tx: Transaction, schema: string, seqs: readonly string[]): Promise<number> {
  if (seqs.length === 0) return 0
  const gone = await tx.rows(
    `WITH gone AS (
       DELETE FROM ${schema}.event WHERE seq = ANY ($1::bigint[]) AND ${isFinished(schema)} RETURNING seq
     ), further AS (
       DELETE FROM ${schema}.further_delivery WHERE event_seq IN (SELECT seq FROM gone) RETURNING delivery_seq
     ), done AS MATERIALIZED (
       SELECT seq * ${SLOTS} + slot AS seq FROM gone, generate_series(0, ${SLOTS - 1}) AS slot UNION ALL SELECT delivery_seq FROM further
     ), deliveries AS (
       DELETE FROM ${schema}.finished WHERE seq = ANY (ARRAY(SELECT seq FROM done))
     ), attempts AS (
       DELETE FROM ${schema}.attempt WHERE delivery_seq = ANY (ARRAY(SELECT seq FROM done))
     ), duplicates AS (
       DELETE FROM ${schema}.duplicate WHERE event_seq IN (SELECT seq FROM gone)
     )
     SELECT 1 FROM gone`,
    [plainArray(seqs)],
  )
  return gone.length
}

/**
 * Forgets lanes where nothing waits and nothing dead could come back, a stretch of them in each call. Locked first, then
 * looked at again: a condition on another table is not checked anew by whoever has waited.
 */
async function pruneLanes(
  tx: Transaction,
  schema: string,
  { lanesAfter, limit }: { readonly lanesAfter: string; readonly limit: number },
): Promise<string> {
  const lanes = await tx.rows<{ key: string }>(
    `SELECT key FROM ${schema}.lane WHERE key > $1 ORDER BY key LIMIT $2 FOR UPDATE SKIP LOCKED`,
    [lanesAfter, limit],
  )
  await tx.rows(
    `DELETE FROM ${schema}.lane WHERE key = ANY ($1::uuid[])
       AND NOT EXISTS (SELECT 1 FROM ${schema}.delivery WHERE open_lane = key)
       AND NOT EXISTS (SELECT 1 FROM ${schema}.delivery WHERE delivery.lane = key AND state = 'dead' AND delivery.lane IS NOT NULL)`,
    [plainArray(lanes.map(({ key }) => key))],
  )
  return lanes.length < limit ? FIRST_LANE : (lanes.at(-1)?.key ?? FIRST_LANE)
}
