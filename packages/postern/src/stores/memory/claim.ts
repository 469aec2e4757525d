import { TRANSITIONS, type Claimed, type ClaimRequest } from '../../inbox/index.ts'
import { handOut, type Tables } from './tables.ts'

/** Leases what is due: for each destination, those whose lease ended first, then the pending ones by due time. */
export function claimDue(tables: Tables, request: ClaimRequest, nowMs: number): Claimed[] {
  return request.destinations.flatMap(({ name, limit }) => {
    const claimed: Claimed[] = []
    while (claimed.length < limit) {
      const deliverySeq = takeDue(tables, name, nowMs)
      if (deliverySeq === undefined) break
      claimed.push(...leaseOne(tables, deliverySeq, nowMs + request.leaseMs))
    }
    return claimed
  })
}

/** When the next delivery can be claimed; `Infinity` where none is in sight. */
export function nextDueMs(tables: Tables, request: ClaimRequest): number {
  const times = request.destinations.flatMap(({ name, limit }) => {
    const { leased, pending } = tables.queuesOf(name)
    return limit > 0 ? [leased.firstMs() ?? Infinity, pending.firstMs() ?? Infinity] : []
  })
  return Math.min(Infinity, ...times)
}

function takeDue(tables: Tables, destination: string, nowMs: number): number | undefined {
  const { leased, pending } = tables.queuesOf(destination)
  return leased.takeDue(nowMs) ?? pending.takeDue(nowMs)
}

/** Leases a delivery, whatever its time; the attempt is counted before it is made. */
export function leaseOne(tables: Tables, deliverySeq: number, leaseUntilMs: number): Claimed[] {
  const row = tables.deliveries.get(deliverySeq)
  const event = row && tables.events.get(row.eventSeq)?.event
  if (row === undefined || event === undefined) return []
  const attempt = row.attempt + 1
  const token = row.token + 1
  tables.setDelivery({ ...row, state: TRANSITIONS.claim.to, attempt, token, leaseUntilMs, blocks: false })
  return [{ deliverySeq, token, destination: row.destination, attempt, event: handOut(event) }]
}
