import type { Attempt, Delivery, DeliveryState, Outcome } from '../../inbox/index.ts'
import { destinationOf } from './names.ts'
import type { Unpacked } from './packing.ts'

/** A delivery as the scripts keep it; `lua/rows.ts` names the places. */
export type DeliveryRow = readonly [
  eventSeq: number,
  destination: Buffer,
  state: number,
  token: number,
  attempt: number,
  dueMs: number,
  leaseUntilMs: number,
  madeMs: number,
  lane: Buffer,
  blocks: boolean,
  isAged: boolean,
  error: Buffer | false,
  attempts: readonly TryRow[] | false,
]

type TryRow = readonly [
  number: number,
  endedMs: number,
  durationMs: number,
  outcome: Buffer,
  error: Buffer | false,
]

const STATES: readonly (DeliveryState | undefined)[] = [
  undefined,
  'pending',
  'leased',
  'succeeded',
  'dead',
  'cancelled',
]

/** The state that a script's number stands for. */
export function stateOf(number: number): DeliveryState {
  const state = STATES[number]
  if (state === undefined) throw new Error(`No delivery has the state ${number}`)
  return state
}

/** A delivery as it is shown. */
export function deliveryOf(deliverySeq: number, row: Unpacked, orderingKey: string | undefined): Delivery {
  // Packed by the scripts.
  const [eventSeq, destination, state, token, attempt, dueMs, leaseUntilMs, , lane, blocks, , error] =
    row as DeliveryRow
  return {
    deliverySeq,
    eventSeq,
    destination: destinationOf(destination.toString()),
    state: stateOf(state),
    attempt,
    token,
    orderingKey: lane.byteLength === 0 ? undefined : orderingKey,
    blocks,
    dueMs,
    leaseUntilMs: leaseUntilMs === 0 ? undefined : leaseUntilMs,
    error: textOf(error),
  }
}

/** The attempts that were made of a delivery, in their order. */
export function attemptsOf(row: Unpacked): Attempt[] {
  const attempts = (row as DeliveryRow)[12]
  if (attempts === false) return []
  return attempts.map(([number, endedMs, durationMs, outcome, error]) => ({
    number,
    endedMs,
    durationMs,
    // One of those that `settle` sends.
    outcome: outcome.toString() as Outcome['kind'],
    error: textOf(error),
  }))
}

/** Errors stand as JSON, which knows halves of characters. */
function textOf(error: Buffer | false): string | undefined {
  return error === false ? undefined : (JSON.parse(error.toString()) as string)
}
