import type { Claimed, ClaimRequest } from '../../inbox/index.ts'
import { readRecord, storedEvent } from './event-record.ts'
import { destinationName, destinationOf } from './names.ts'
import type { Packable, Unpacked } from './packing.ts'
import type { Answer, Space } from './space.ts'
import { wholeMs } from './whole-ms.ts'

export interface ClaimAnswer {
  readonly claimed: readonly Due[]
  /** How long until something may be due; `Infinity` where nothing is in sight. */
  readonly untilDueMs: number
}

/** What was claimed, and what put it in its place: whether its lease had ended, and since when it was due. */
export interface Due {
  readonly claimed: Claimed
  readonly wasLeased: boolean
  readonly atMs: number
}

/** As one claim of all would have given them. */
export function inOrder(all: readonly Due[]): Claimed[] {
  const sorted = all.toSorted(
    (left, right) =>
      Number(right.wasLeased) - Number(left.wasLeased) ||
      left.atMs - right.atMs ||
      left.claimed.deliverySeq - right.claimed.deliverySeq,
  )
  return sorted.map(({ claimed }) => claimed)
}

/** A claim as the script takes it: for each destination, what its limit leaves beside what other spaces gave. */
export function claimOperation(request: ClaimRequest, taken: readonly Due[]): Packable {
  const limits = request.destinations.flatMap(({ name, limit }) => {
    const has = taken.filter(({ claimed }) => claimed.destination === name).length
    return [destinationName(name), Math.max(0, limit - has)]
  })
  return ['claim', limits, wholeMs(request.leaseMs)]
}

type ClaimedRow = readonly [
  deliverySeq: number,
  token: number,
  attempt: number,
  destination: Buffer,
  eventSeq: number,
  record: Buffer,
  wasLeased: boolean,
  atMs: number,
]

/** What a claim was given, with the bodies that stand apart. */
export async function claimedIn(space: Space, { nowMs, value }: Answer): Promise<ClaimAnswer> {
  // Packed by lua/claim.ts.
  const [rows, nextMs] = value as readonly [readonly ClaimedRow[], number | false]
  const claimed = await Promise.all(rows.map((row) => claimedOf(space, row)))
  return { claimed, untilDueMs: nextMs === false ? Infinity : nextMs - nowMs }
}

async function claimedOf(space: Space, row: ClaimedRow): Promise<Due> {
  const [deliverySeq, token, attempt, destination, eventSeq, packed, wasLeased, atMs] = row
  const record = readRecord(eventSeq, packed)
  const apart: Unpacked = record.body === undefined ? (await space.read(['body', eventSeq])).value : undefined
  const event = storedEvent(record, apart)
  const name = destinationOf(destination.toString())
  return { claimed: { deliverySeq, token, destination: name, attempt, event }, wasLeased, atMs }
}
