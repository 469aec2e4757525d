import type { Occurrence } from 'postern'

/** What a second has at most of each kind before it is summed up. */
export const SHOWN_PER_SECOND = 20

/** How an occurrence is called in a summary. */
export function labelOf(occurrence: Occurrence): string {
  if (occurrence.kind === 'accepted') return occurrence.outcome
  if (occurrence.kind === 'rejected') return `rejected (${occurrence.reason})`
  return occurrence.outcome === 'succeeded' ? 'handled' : occurrence.outcome
}

/** Requests and attempts are counted apart, so that one event is one of each. */
export function flowOf(occurrence: Occurrence): Occurrence['kind'] {
  return occurrence.kind
}
