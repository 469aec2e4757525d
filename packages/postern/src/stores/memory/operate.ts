import {
  isLegal,
  TRANSITIONS,
  type Move,
  type MoveResult,
  type PruneRequest,
  type PruneResult,
  type Replay,
  type ReplayResult,
} from '../../inbox/index.ts'
import type { EventRow, Tables } from './tables.ts'

/** Takes one step of an operator, if the lifecycle has it. */
export function moveOne(tables: Tables, { deliverySeq, to, force }: Move, nowMs: number): MoveResult {
  const row = tables.deliveries.get(deliverySeq)
  if (row === undefined) return 'unknown'
  if (!isLegal(to, row.state)) return 'illegal'
  const isOvertaken = tables.laneOf(row)?.hasOvertaken(deliverySeq) === true
  if (to === 'redrive' && isOvertaken && force !== true) return 'overtaken'
  const state = TRANSITIONS[to].to
  // A redriven delivery starts its schedule anew; its attempts stay on record.
  const attempt = to === 'redrive' ? 0 : row.attempt
  const dueMs = state === 'pending' ? nowMs : row.dueMs
  tables.setDelivery({ ...row, state, attempt, dueMs, blocks: false })
  return 'moved'
}

/** Makes new deliveries of one event, due now. */
export function replayOne(tables: Tables, { eventSeq, destinations }: Replay, nowMs: number): ReplayResult {
  if (!tables.events.has(eventSeq)) return 'unknown'
  const deliverySeqs = destinations.flatMap((destination) => {
    const row = tables.events.get(eventSeq)
    return row === undefined ? [] : [tables.addDelivery(row, destination, nowMs, 'replayed')]
  })
  return { deliverySeqs }
}

/** Deletes the oldest of what is past its time. */
export function prune(tables: Tables, request: PruneRequest, nowMs: number): PruneResult {
  const { eventsOlderThanMs, limit } = request
  const isPast = (row: EventRow): boolean =>
    nowMs - row.event.receivedMs > eventsOlderThanMs && isFinished(tables, row)
  const events = firstOf(tables.events.values(), isPast, limit)
  for (const row of events) tables.deleteEvent(row)
  const expired = firstOf(tables.dedupe, ([, row]) => row.expiresMs <= nowMs, limit)
  for (const [key] of expired) tables.dedupe.delete(key)
  return { events: events.length, dedupeRecords: expired.length }
}

function isFinished(tables: Tables, row: EventRow): boolean {
  return tables.deliveriesOf(row).every(({ state }) => state === 'succeeded' || state === 'cancelled')
}

function firstOf<Row>(rows: Iterable<Row>, isWanted: (row: Row) => boolean, limit: number): Row[] {
  const found: Row[] = []
  for (const row of rows) {
    if (found.length >= limit) break
    if (isWanted(row)) found.push(row)
  }
  return found
}
