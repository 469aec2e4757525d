import type { Claimed } from '../inbox/index.ts'
import type { FreePlaces } from './places.ts'

/** What a claim asked for, and what it came with. */
export interface ClaimRound {
  readonly destinations: readonly FreePlaces[]
  readonly claimed: readonly Claimed[]
  /** Its wait was broken off, and what is due has not been looked for since. */
  readonly isCutShort: boolean
}

/** The destinations that it left nothing of that was due by then: they got less than was asked for. */
export function caughtUpIn({ destinations, claimed, isCutShort }: ClaimRound): Set<string> {
  if (isCutShort) return new Set()
  const counts = new Map<string, number>()
  for (const { destination } of claimed) counts.set(destination, (counts.get(destination) ?? 0) + 1)
  const unfilled = destinations.filter(({ name, limit }) => (counts.get(name) ?? 0) < limit)
  return new Set(unfilled.map(({ name }) => name))
}
