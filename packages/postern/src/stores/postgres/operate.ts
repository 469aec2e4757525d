import {
  fromNullableText,
  fromText,
  isLegal,
  TRANSITIONS,
  type DeliveryState,
  type Move,
  type MoveResult,
  type OnDead,
  type Replay,
  type ReplayResult,
} from '../../inbox/index.ts'
import { plainArray, textArray } from './array-literal.ts'
import { laneOf } from './lane.ts'
import { SLOTS } from './migrations/tables.ts'
import type { Transaction } from './server.ts'

export interface OperateSettings {
  readonly schema: string
  readonly offsetMs: number
}

interface MovedRow {
  readonly state: DeliveryState
  readonly lane: string | undefined
  readonly isOvertaken: boolean
  readonly isMoved: boolean
  readonly isRedriven: boolean
}

/** Takes an operator's steps along the lifecycle, one after another. */
export async function moveAll(
  tx: Transaction,
  moves: readonly Move[],
  settings: OperateSettings,
): Promise<MoveResult[]> {
  const deliveries = await lockMoved(tx, settings.schema, moves)
  const results = moves.map((move) => moveOne(deliveries, move))
  const moved = [...deliveries].filter(([, { isMoved }]) => isMoved)
  await reopen(
    tx,
    moved.filter(([, { state }]) => state === 'pending'),
    settings,
  )
  await finish(
    tx,
    moved.filter(([, { state }]) => state === 'cancelled'),
    settings,
  )
  const lanes = new Set(moved.flatMap(([, { lane }]) => lane ?? []))
  if (lanes.size > 0) await tx.rows(`SELECT ${settings.schema}.advance_1($1)`, [plainArray([...lanes])])
  return results
}

function moveOne(deliveries: Map<number, MovedRow>, { deliverySeq, to, force }: Move): MoveResult {
  const row = deliveries.get(deliverySeq)
  if (row === undefined) return 'unknown'
  if (!isLegal(to, row.state)) return 'illegal'
  if (to === 'redrive' && row.isOvertaken && force !== true) return 'overtaken'
  const isRedriven = row.isRedriven || to === 'redrive'
  deliveries.set(deliverySeq, { ...row, state: TRANSITIONS[to].to, isMoved: true, isRedriven })
  return 'moved'
}

/** What is done already is legal for no step, and needs no lock. */
async function lockMoved(
  tx: Transaction,
  schema: string,
  moves: readonly Move[],
): Promise<Map<number, MovedRow>> {
  const seqs = plainArray(moves.map(({ deliverySeq }) => deliverySeq))
  await tx.rows(`SELECT ${schema}.lock_1($1)`, [seqs])
  const rows = await tx.rows<{
    seq: string
    state: DeliveryState
    lane: string | null
    is_overtaken: boolean
  }>(
    `SELECT seq, state, lane,
            coalesce((SELECT last_settled_seq FROM ${schema}.lane WHERE key = every_delivery.lane) > seq, false)
            OR EXISTS (SELECT 1 FROM ${schema}.delivery AS running WHERE running.lane = every_delivery.lane AND running.at_ms IS NOT NULL
                       AND running.state = 'leased' AND running.seq > every_delivery.seq) AS is_overtaken
     FROM ${schema}.every_delivery WHERE seq = ANY ($1::bigint[])`,
    [seqs],
  )
  return new Map(
    rows.map(({ seq, state, lane, is_overtaken: isOvertaken }) => [
      Number(seq),
      { state, lane: lane ?? undefined, isOvertaken, isMoved: false, isRedriven: false },
    ]),
  )
}

/** In line again; its turn is for the lane to say. */
async function reopen(
  tx: Transaction,
  moved: readonly (readonly [number, MovedRow])[],
  { schema, offsetMs }: OperateSettings,
): Promise<void> {
  if (moved.length === 0) return
  await tx.rows(
    `UPDATE ${schema}.delivery SET state = 'pending', due_ms = ${schema}.now_1($2), open_lane = lane, attempt = 0,
            at_ms = CASE WHEN lane IS NULL THEN ${schema}.now_1($2) END
     WHERE seq = ANY ($1::bigint[])`,
    [plainArray(moved.map(([deliverySeq]) => deliverySeq)), offsetMs],
  )
}

async function finish(
  tx: Transaction,
  moved: readonly (readonly [number, MovedRow])[],
  { schema }: OperateSettings,
): Promise<void> {
  if (moved.length === 0) return
  // One that was claimed once, and goes, has run after those before it.
  await tx.rows(
    `UPDATE ${schema}.lane SET last_settled_seq = greatest(last_settled_seq, gone.seq)
     FROM (SELECT lane, max(seq) AS seq FROM ${schema}.delivery WHERE seq = ANY ($1::bigint[]) AND token > 0 GROUP BY lane) AS gone
     WHERE key = gone.lane`,
    [plainArray(moved.map(([deliverySeq]) => deliverySeq))],
  )
  await tx.rows(
    `WITH gone AS (DELETE FROM ${schema}.delivery WHERE seq = ANY ($1::bigint[]) RETURNING *, seq = ANY ($2::bigint[]) AS is_redriven)
     INSERT INTO ${schema}.finished (seq, event_seq, due_ms, token, lane, attempt, destination, state, error)
     SELECT seq, event_seq, due_ms, token, lane, CASE WHEN is_redriven THEN 0 ELSE attempt END, destination, 'cancelled', error FROM gone`,
    [
      plainArray(moved.map(([deliverySeq]) => deliverySeq)),
      plainArray(moved.filter(([, { isRedriven }]) => isRedriven).map(([deliverySeq]) => deliverySeq)),
    ],
  )
}

interface EventRow {
  readonly seq: string
  readonly tenant: string
  readonly source: string
  readonly ordering_key: string | null
  readonly on_dead: OnDead | null
  readonly body_bytes: number
}

/** Makes new deliveries of stored events, behind whatever waits. What is being replayed is not pruned meanwhile. */
export async function replayAll(
  tx: Transaction,
  replays: readonly Replay[],
  { schema, offsetMs }: OperateSettings,
): Promise<ReplayResult[]> {
  const rows = await tx.rows<EventRow>(
    `SELECT seq, tenant, source, ordering_key, on_dead, octet_length(body) AS body_bytes FROM ${schema}.event WHERE seq = ANY ($1::bigint[]) ORDER BY seq FOR KEY SHARE`,
    [plainArray(replays.map(({ eventSeq }) => eventSeq))],
  )
  const events = new Map(rows.map((row) => [Number(row.seq), row]))
  const wanted = replays.flatMap(({ eventSeq, destinations }, index) => {
    const row = events.get(eventSeq)
    if (row === undefined) return []
    return destinations.map((destination) => ({ index, row, destination, lane: laneOfRow(row, destination) }))
  })
  await lockLanes(tx, schema, wanted)
  const made = await tx.rows<{ seq: string }>(
    `WITH made AS MATERIALIZED (
       SELECT nextval('${schema}.number') * ${SLOTS} AS seq, event_seq, destination, lane, body_bytes, ${schema}.now_1($5) AS now_ms
       FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::integer[]) AS u (event_seq, destination, lane, body_bytes)
     ), further AS (
       INSERT INTO ${schema}.further_delivery SELECT event_seq, seq FROM made
     ), inserted AS (
       INSERT INTO ${schema}.delivery (seq, event_seq, made_ms, due_ms, at_ms, lane, open_lane, body_bytes, state, destination)
       SELECT seq, event_seq, now_ms, now_ms, CASE WHEN lane IS NULL THEN now_ms END, lane, lane, body_bytes, 'pending', destination
       FROM made
     )
     SELECT seq FROM made ORDER BY seq`,
    [
      plainArray(wanted.map(({ row }) => row.seq)),
      textArray(wanted.map(({ destination }) => destination)),
      plainArray(wanted.map(({ lane }) => lane ?? null)),
      plainArray(wanted.map(({ row }) => row.body_bytes)),
      offsetMs,
    ],
  )
  const lanes = new Set(wanted.flatMap(({ lane }) => lane ?? []))
  if (lanes.size > 0) await tx.rows(`SELECT ${schema}.advance_1($1)`, [plainArray([...lanes])])
  return replays.map(({ eventSeq }, index) => {
    if (!events.has(eventSeq)) return 'unknown'
    return {
      deliverySeqs: made.flatMap(({ seq }, each) => (wanted[each]?.index === index ? Number(seq) : [])),
    }
  })
}

function laneOfRow(row: EventRow, destination: string): string | undefined {
  const { tenant, source, ordering_key: orderingKey, on_dead: onDead } = row
  return laneOf(
    {
      tenant: fromText(tenant),
      source: fromText(source),
      orderingKey: fromNullableText(orderingKey),
      onDead: onDead ?? undefined,
    },
    destination,
  )
}

/** Makes lanes that were pruned. A replay is no news of what a dead one does to those after it. */
async function lockLanes(
  tx: Transaction,
  schema: string,
  wanted: readonly { readonly row: EventRow; readonly lane: string | undefined }[],
): Promise<void> {
  const onDead = new Map(
    wanted.flatMap(({ row, lane }) => (lane === undefined ? [] : [[lane, row.on_dead] as const])),
  )
  if (onDead.size === 0) return
  await tx.rows(
    `INSERT INTO ${schema}.lane (key, on_dead) SELECT * FROM unnest($1::uuid[], $2::text[]) AS u (key, on_dead) ORDER BY key
     ON CONFLICT (key) DO UPDATE SET puts = lane.puts + 1`,
    [plainArray([...onDead.keys()]), plainArray([...onDead.values()])],
  )
}
