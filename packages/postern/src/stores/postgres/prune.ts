import type { PruneRequest, PruneResult } from '../../inbox/index.ts'
import { plainArray } from './array-literal.ts'
import { isOfOneEvent } from './failure.ts'
import { PARTITION_EVENTS, SLOTS } from './migrations/tables.ts'
import { dropOldest, type DroppedPartition } from './partitions.ts'
import type { Server, Transaction } from './server.ts'

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

/** Dropping a partition waits for long readers, and everyone waits behind it. */
const DROP_LOCK_TIMEOUT_MS = 200

/**
 * Deletes what is past its time: one whole partition where there is one, however many events it holds, and rows in a bounded
 * batch, passing over what somebody else holds.
 */
export async function prune(server: Server, request: PruneRequest, settings: PruneSettings): Promise<Pruned> {
  const dropped = await dropPartition(server, request, settings)
  const pruned = await server.transaction((tx) => pruneRows(tx, request, { ...settings, ...dropped }))
  return { ...pruned, events: pruned.events + dropped.events }
}

/** One that cannot be had now is dropped at a later time; its rows stay until then. */
async function dropPartition(
  server: Server,
  { eventsOlderThanMs: olderThanMs }: PruneRequest,
  { schema, offsetMs }: PruneSettings,
): Promise<DroppedPartition> {
  try {
    return await server.transaction((tx) => dropOldest(tx, { schema, offsetMs, olderThanMs }), {
      lockTimeoutMs: DROP_LOCK_TIMEOUT_MS,
    })
  } catch (error) {
    if (!isOfOneEvent(error)) throw error
    return { events: 0, rowsBelow: 0 }
  }
}

/** Rows to delete are chosen in an ARRAY: a subquery with LIMIT and SKIP LOCKED in IN may be run again for each row of a join. */
async function pruneRows(
  tx: Transaction,
  { eventsOlderThanMs, limit }: PruneRequest,
  { schema, offsetMs, lanesAfter, rowsBelow }: PruneSettings & DroppedPartition,
): Promise<Pruned> {
  const old = await tx.rows<{ seq: string }>(
    `SELECT seq FROM ${schema}.event WHERE received_ms < ${schema}.now_1($1) - $2::bigint AND seq < $4 AND ${isFinished(schema)}
     ORDER BY received_ms, seq LIMIT $3 FOR UPDATE SKIP LOCKED`,
    [offsetMs, Math.ceil(eventsOlderThanMs), limit, Math.min(rowsBelow, Number.MAX_SAFE_INTEGER)],
  )
  const events = await deleteEvents(
    tx,
    schema,
    old.map(({ seq }) => seq),
  )
  const expired = await tx.rows(
    `DELETE FROM ${schema}.dedupe WHERE key = ANY (ARRAY(
       SELECT key FROM ${schema}.dedupe WHERE expires_ms <= ${schema}.now_1($1) ORDER BY expires_ms LIMIT $2 FOR UPDATE SKIP LOCKED))
     RETURNING 1`,
    [offsetMs, limit],
  )
  await tx.rows(`DELETE FROM ${schema}.state WHERE expires_ms <= ${schema}.now_1($1)`, [offsetMs])
  await sweepOrphans(tx, schema, limit)
  return {
    events,
    dedupeRecords: expired.length,
    lanesAfter: await pruneLanes(tx, schema, { lanesAfter, limit }),
  }
}

/** What a dropped partition leaves beside itself: counts of copies, and replays that were numbered later. */
async function sweepOrphans(tx: Transaction, schema: string, limit: number): Promise<void> {
  const isOrphan = `event_seq < (SELECT min(number) FROM ${schema}.partition) * ${PARTITION_EVENTS}
    AND NOT EXISTS (SELECT 1 FROM ${schema}.event WHERE event.seq = event_seq)`
  await tx.rows(
    `DELETE FROM ${schema}.duplicate WHERE event_seq = ANY (ARRAY(
       SELECT event_seq FROM ${schema}.duplicate WHERE ${isOrphan} ORDER BY event_seq LIMIT $1 FOR UPDATE SKIP LOCKED))`,
    [limit],
  )
  await tx.rows(
    `WITH gone AS (
       DELETE FROM ${schema}.further_delivery WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM ${schema}.further_delivery WHERE ${isOrphan} ORDER BY event_seq LIMIT $1 FOR UPDATE SKIP LOCKED))
       RETURNING delivery_seq
     ), deliveries AS (
       DELETE FROM ${schema}.finished WHERE seq = ANY (ARRAY(SELECT delivery_seq FROM gone))
     )
     DELETE FROM ${schema}.attempt WHERE delivery_seq = ANY (ARRAY(SELECT delivery_seq FROM gone))`,
    [limit],
  )
}

/** With OFFSET 0, as in the functions (`PLANNED_ONCE`): a backlog that is taken for one row would be read for each event. */
function isFinished(schema: string): string {
  return `NOT EXISTS (SELECT 1 FROM ${schema}.delivery
                      WHERE delivery.seq BETWEEN event.seq * ${SLOTS} AND event.seq * ${SLOTS} + ${SLOTS - 1} OFFSET 0)
    AND NOT EXISTS (SELECT 1 FROM ${schema}.further_delivery,
                    LATERAL (SELECT FROM ${schema}.delivery WHERE seq = delivery_seq OFFSET 0) AS delivery
                    WHERE further_delivery.event_seq = event.seq OFFSET 0)`
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
       AND NOT EXISTS (SELECT 1 FROM ${schema}.delivery WHERE open_lane = key OFFSET 0)
       AND NOT EXISTS (SELECT 1 FROM ${schema}.delivery WHERE delivery.lane = key AND state = 'dead' AND delivery.lane IS NOT NULL OFFSET 0)`,
    [plainArray(lanes.map(({ key }) => key))],
  )
  return lanes.length < limit ? FIRST_LANE : (lanes.at(-1)?.key ?? FIRST_LANE)
}
