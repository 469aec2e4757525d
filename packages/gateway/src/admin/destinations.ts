import type { AdminAnswer } from './admin-answer.ts'
import type { AdminParts } from './api.ts'

type DestinationParts = Pick<AdminParts, 'destinations' | 'forwarding'> & {
  readonly store: Pick<AdminParts['store'], 'stat'>
}

const NO_DELIVERIES = { pending: 0, leased: 0, dead: 0, blockedKeys: 0, oldestPendingMs: undefined }

/** All that have deliveries or are configured; handlers in the process have no state of their own. */
export async function listDestinations(parts: DestinationParts): Promise<AdminAnswer> {
  const statuses = new Map(parts.forwarding?.list().map((status) => [status.name, status]))
  const counts = new Map((await parts.store.stat()).destinations.map((stat) => [stat.name, stat]))
  const names = namesOf(parts, [...counts.keys()])
  return {
    status: 200,
    body: {
      destinations: names.map((name) => ({
        ...NO_DELIVERIES,
        ...counts.get(name),
        ...statuses.get(name),
        name,
      })),
    },
  }
}

/**
 * What is answered where there is no destination of that name: which there are. `undefined` where there is one, configured here
 * or with deliveries that a configuration before this one has left.
 */
export async function unlessThere(name: string, parts: DestinationParts): Promise<AdminAnswer | undefined> {
  const { destinations } = await parts.store.stat()
  const names = namesOf(
    parts,
    destinations.map((stat) => stat.name),
  )
  if (names.includes(name)) return undefined
  const there = names.length === 0 ? 'there are none' : `there are: ${names.join(', ')}`
  return {
    status: 404,
    body: { error: `there is no destination '${name}'; ${there}`, destinations: names },
  }
}

function namesOf(
  { destinations, forwarding }: DestinationParts,
  withDeliveries: readonly string[],
): readonly string[] {
  const sent = forwarding?.list().map(({ name }) => name) ?? []
  return [...new Set([...destinations, ...sent, ...withDeliveries])].toSorted()
}
