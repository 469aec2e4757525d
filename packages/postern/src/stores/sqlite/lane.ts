/**
 * Lanes: the deliveries of one ordering key at one destination, in line. The lowest sequence number runs first, and none
 * while another runs. A lane's row says what can be claimed of it and when; it is kept true inside each transaction that
 * moves one of its deliveries.
 *
 * @module
 */
import type { DeliveryState, NewEvent, OnDead } from '../../inbox/index.ts'
import type { Connection } from './connection.ts'

/** What a delivery's lane is named by. */
export type LaneName = Pick<NewEvent, 'tenant' | 'source'> & {
  readonly orderingKey: string | null | undefined
  readonly onDead: OnDead | null | undefined
}

interface LaneRow {
  readonly seq: number
  readonly onDead: OnDead
  readonly headSeq: number | null
  readonly leased: number
  readonly lastClaimedSeq: number
}

const LANE_COLUMNS = 'seq, on_dead AS onDead, head_seq AS headSeq, leased, last_claimed_seq AS lastClaimedSeq'

/**
 * The lane of an event's deliveries at a destination, made on first use; `undefined` where no order was asked for. A replay
 * is no news of what the source asks for.
 */
export function laneFor(
  connection: Connection,
  name: LaneName,
  destination: string,
  is: 'new' | 'replayed',
): LaneRow | undefined {
  const { tenant, source, orderingKey, onDead } = name
  // Loose: absent in an event is undefined, and in a row null.
  if (orderingKey == null || onDead == null) return undefined
  const known = connection
    .sql(
      `SELECT ${LANE_COLUMNS} FROM lane WHERE destination = ? AND tenant = ? AND source = ? AND ordering_key = ?`,
    )
    .get(destination, tenant, source, orderingKey) as LaneRow | undefined
  if (known === undefined) {
    return connection
      .sql(
        `INSERT INTO lane (destination, tenant, source, ordering_key, on_dead) VALUES (?, ?, ?, ?, ?) RETURNING ${LANE_COLUMNS}`,
      )
      .get(destination, tenant, source, orderingKey, onDead) as LaneRow
  }
  if (is === 'new' && known.onDead !== onDead)
    connection.sql('UPDATE lane SET on_dead = ? WHERE seq = ?').run(onDead, known.seq)
  return known
}

/** A new delivery stands in line: it is the head where nobody else waits. */
export function joined(connection: Connection, lane: LaneRow, deliverySeq: number, dueMs: number): void {
  if (lane.headSeq !== null) return
  connection
    .sql('UPDATE lane SET head_seq = ?, due_ms = ?, leased = 0 WHERE seq = ?')
    .run(deliverySeq, dueMs, lane.seq)
}

/** A delivery was leased: nothing else of its lane can be claimed until the lease ends. */
export function leased(connection: Connection, lane: number, deliverySeq: number, untilMs: number): void {
  connection
    .sql(
      `UPDATE lane SET head_seq = ?1, due_ms = ?2, leased = 1, last_claimed_seq = max(last_claimed_seq, ?1) WHERE seq = ?3`,
    )
    .run(deliverySeq, untilMs, lane)
}

/** A lease was prolonged. */
export function prolonged(connection: Connection, lane: number, untilMs: number): void {
  connection.sql('UPDATE lane SET due_ms = ? WHERE seq = ? AND leased = 1').run(untilMs, lane)
}

/**
 * A lease ended with an outcome: what is done, or dead where that does not block, leaves the line. Answers whether another
 * one can run now.
 */
export function settled(
  connection: Connection,
  lane: number,
  deliverySeq: number,
  state: DeliveryState,
): boolean {
  if (state !== 'pending') {
    connection
      .sql(
        `UPDATE delivery SET open_lane =
           (SELECT seq FROM lane WHERE seq = delivery.lane AND on_dead = 'block' AND delivery.state = 'dead')
         WHERE seq = ?`,
      )
      .run(deliverySeq)
  }
  return chooseHead(connection, lane) === 'pending'
}

/** An operator moved a delivery. What runs in its lane meanwhile stays the head. */
export function moved(connection: Connection, lane: number, deliverySeq: number, state: DeliveryState): void {
  connection
    .sql('UPDATE delivery SET open_lane = ? WHERE seq = ?')
    .run(state === 'pending' ? lane : null, deliverySeq)
  if (!isRunning(connection, lane)) chooseHead(connection, lane)
}

/** Whether a later delivery of the lane has been claimed: running this one now would be out of order. */
export function hasOvertaken(connection: Connection, lane: number, deliverySeq: number): boolean {
  return (laneAt(connection, lane)?.lastClaimedSeq ?? 0) > deliverySeq
}

/** Whether a delivery could run now: nothing runs, nothing earlier waits. */
export function isTurnOf(connection: Connection, lane: number, deliverySeq: number): boolean {
  const row = laneAt(connection, lane)
  return row !== undefined && row.leased === 0 && (row.headSeq ?? Infinity) >= deliverySeq
}

/** Forgets lanes where nothing waits and nothing dead could come back. */
export function pruneLanes(connection: Connection, limit: number): void {
  connection
    .sql(
      `DELETE FROM lane WHERE seq IN (
         SELECT seq FROM lane WHERE head_seq IS NULL
           AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.lane = lane.seq AND state = 'dead' AND delivery.lane IS NOT NULL)
         LIMIT ?)`,
    )
    .run(limit)
}

function isRunning(connection: Connection, lane: number): boolean {
  return laneAt(connection, lane)?.leased === 1
}

function laneAt(connection: Connection, lane: number): LaneRow | undefined {
  return connection.sql(`SELECT ${LANE_COLUMNS} FROM lane WHERE seq = ?`).get(lane) as LaneRow | undefined
}

function chooseHead(connection: Connection, lane: number): DeliveryState | undefined {
  const head = connection
    .sql('SELECT seq, state, due_ms AS dueMs FROM delivery WHERE open_lane = ? ORDER BY seq LIMIT 1')
    .get(lane) as { seq: number; state: DeliveryState; dueMs: number } | undefined
  connection
    .sql('UPDATE lane SET head_seq = ?, due_ms = ?, leased = 0 WHERE seq = ?')
    .run(head?.seq ?? null, head?.state === 'pending' ? head.dueMs : null, lane)
  return head?.state
}
