import type { Replayed } from 'postern'
import type { AdminAnswer } from './admin-answer.ts'
import type { AdminParts } from './api.ts'
import { unlessThere } from './destinations.ts'

/**
 * Makes new deliveries of an event: for the destinations that are named, or else for those that it would go to if it came now.
 * A name that is none is told with those that there are.
 */
export async function replay(
  eventSeq: number,
  parameters: URLSearchParams,
  parts: Pick<AdminParts, 'destinations' | 'forwarding' | 'replay' | 'store'>,
): Promise<AdminAnswer> {
  if ([...parameters.keys()].some((name) => name !== 'destination'))
    return { status: 400, body: { error: 'Unknown parameter; known is destination, once for each' } }
  const named = parameters.getAll('destination')
  const replayed = await parts.replay(eventSeq, named.length === 0 ? {} : { destinations: named })
  if (replayed.outcome === 'replayed') return { status: 200, body: replayed }
  if (replayed.outcome === 'unknown')
    return { status: 404, body: { ...replayed, error: `there is no event ${eventSeq}` } }
  for (const name of replayed.destinations) {
    const refused = await unlessThere(name, parts)
    if (refused !== undefined) return refused
  }
  return { status: 409, body: { ...replayed, error: unhandled(eventSeq, replayed) } }
}

function unhandled(
  eventSeq: number,
  { source, type, destinations }: Extract<Replayed, { readonly outcome: 'unhandled' }>,
): string {
  const what = `event ${eventSeq}, '${type}' of the source '${source}'`
  return destinations.length === 0
    ? `nothing here takes ${what}: give it a handler or a destination first`
    : `${destinations.join(' and ')} ${destinations.length === 1 ? 'has' : 'have'} no handler or route for ${what}`
}
