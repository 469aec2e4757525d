import { toError, type Lease, type Outcome, type Settlement, type SettleResult } from '../../inbox/index.ts'
import type { DeliveryRow, Tables } from './tables.ts'

/**
 * A function that is run at once and must not be asynchronous. Where a later one of the same settlement throws, the
 * delivery is put back; what this one did is its own affair.
 */
export type MemoryEffect = () => void

/** Ends one lease; where an effect fails, the delivery stays as it was. */
export function settleOne(tables: Tables, settlement: Settlement<MemoryEffect>, nowMs: number): SettleResult {
  const leased = leasedBy(tables, settlement)
  if (leased === undefined) return { result: 'lost' }
  const blocksWhenDead = tables.laneOf(leased)?.onDead === 'block'
  tables.setDelivery(settled(leased, settlement, blocksWhenDead, nowMs))
  try {
    for (const effect of settlement.effects ?? []) effect()
    return { result: 'settled' }
  } catch (error) {
    tables.setDelivery(leased)
    return { result: 'failed', error: toError(error) }
  }
}

/** Prolongs one lease. One that has ended and was not claimed since is still its holder's. */
export function extendOne(tables: Tables, lease: Lease, leaseUntilMs: number): 'extended' | 'lost' {
  const leased = leasedBy(tables, lease)
  if (leased === undefined) return 'lost'
  tables.setDelivery({ ...leased, leaseUntilMs })
  return 'extended'
}

/** The fence: the delivery, if it is leased under this token. */
function leasedBy(tables: Tables, { deliverySeq, token }: Lease): DeliveryRow | undefined {
  const row = tables.deliveries.get(deliverySeq)
  return row?.state === 'leased' && row.token === token ? row : undefined
}

function settled(
  row: DeliveryRow,
  { outcome, durationMs }: Settlement<MemoryEffect>,
  blocksWhenDead: boolean,
  nowMs: number,
): DeliveryRow {
  const free = { ...row, leaseUntilMs: undefined }
  if (outcome.kind === 'released') {
    return { ...free, state: 'pending', attempt: row.attempt - 1, dueMs: nowMs + (outcome.afterMs ?? 0) }
  }
  const error = errorOf(outcome)
  const attempt = { number: row.attempt, endedMs: nowMs, durationMs, outcome: outcome.kind, error }
  const tried = { ...free, error: error ?? row.error, attempts: [...row.attempts, attempt] }
  if (outcome.kind === 'retry') return { ...tried, state: 'pending', dueMs: nowMs + outcome.afterMs }
  return { ...tried, state: outcome.kind, blocks: outcome.kind === 'dead' && blocksWhenDead }
}

function errorOf(outcome: Outcome): string | undefined {
  return outcome.kind === 'retry' || outcome.kind === 'dead' ? outcome.error : undefined
}
