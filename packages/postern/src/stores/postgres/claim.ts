import type { Claimed, ClaimRequest, Lease } from '../../inbox/index.ts'
import { plainArray, textArray } from './array-literal.ts'
import { readClaimed, type HandedOut } from './handed-out.ts'
import { LOCK_TIMEOUT_MS, type Server } from './server.ts'

export interface ClaimResult {
  readonly claimed: Claimed[]
  /** How long until a delivery of these destinations is due or its lease ends; only where none was claimed. */
  readonly untilDueMs: number | undefined
}

/** Leases what is due: for each destination, what lost its worker first, then by due time. */
export async function claimDue(
  server: Server,
  schema: string,
  request: ClaimRequest,
  offsetMs: number,
): Promise<ClaimResult> {
  const wanted = request.destinations.filter(({ limit }) => limit > 0)
  const row = await server.call<HandedOut & { readonly until_due_ms: string | null }>(
    `SELECT * FROM ${schema}.claim_1($1, $2, $3, $4, $5)`,
    [
      textArray(wanted.map(({ name }) => name)),
      plainArray(wanted.map(({ limit }) => limit)),
      Math.ceil(request.leaseMs),
      LOCK_TIMEOUT_MS,
      offsetMs,
    ],
  )
  const untilDueMs = row.until_due_ms === null ? undefined : Number(row.until_due_ms)
  return { claimed: readClaimed(row), untilDueMs }
}

/** Prolongs leases that are still their holders'. */
export async function extendAll(
  server: Server,
  schema: string,
  leases: readonly Lease[],
  { leaseMs, offsetMs }: { readonly leaseMs: number; readonly offsetMs: number },
): Promise<('extended' | 'lost')[]> {
  const { places } = await server.call<{ places: string }>(
    `SELECT ${schema}.extend_1($1, $2, $3, $4, $5) AS places`,
    [
      plainArray(leases.map(({ deliverySeq }) => deliverySeq)),
      plainArray(leases.map(({ token }) => token)),
      Math.ceil(leaseMs),
      LOCK_TIMEOUT_MS,
      offsetMs,
    ],
  )
  // Written by the function.
  const extended = new Set(JSON.parse(places) as number[])
  return leases.map((_lease, index) => (extended.has(index + 1) ? 'extended' : 'lost'))
}
