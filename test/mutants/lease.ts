import type { Claimed, NewEvent, PutResult } from '../../packages/postern/src/inbox/index.ts'
import type { MemoryStore } from '../../packages/postern/src/stores/memory/index.ts'
import { answering, putting } from './change.ts'
import { deafTo } from './claim.ts'
import { within, type Mutant } from './world.ts'

/** Hands over other leases with a put. */
function leasing(
  store: MemoryStore,
  change: (leased: Claimed, event: NewEvent) => Claimed | undefined,
): Partial<MemoryStore> {
  return answering(store, (result, event) =>
    result.outcome === 'failed' || result.leased === undefined
      ? result
      : withLease(result, change(result.leased, event)),
  )
}

function withLease(result: PutResult, leased: Claimed | undefined): PutResult {
  if (result.outcome === 'failed') return result
  const { leased: _leased, ...rest } = result
  return leased === undefined ? rest : { ...rest, leased }
}

/** Leases by itself what the store would not lease, in word at least. */
function leasingAnyway(store: MemoryStore): Partial<MemoryStore> {
  return answering(store, async (result, { lease }) => {
    if (result.outcome === 'failed' || lease === undefined || result.leased !== undefined) return result
    const detail = await store.get(result.eventSeq)
    const delivery = detail?.deliveries.findLast(({ destination }) => destination === lease.destination)
    return detail === undefined || delivery === undefined
      ? result
      : withLease(result, { ...delivery, event: detail.event })
  })
}

export const leaseMutants: readonly Mutant[] = [
  ...within(['put/lease', 'put/lease-copy', 'put/lease-in-line', 'put/on-conflict'], {
    name: 'leases nothing at a put',
    breaks: (store) => putting(store, ({ lease: _lease, ...event }) => event),
  }),
  ...within(['put/lease', 'put/lease-copy', 'put/lease-in-line'], {
    name: 'leases in word only',
    breaks: (store) => ({
      ...answering(store, async (result) => {
        if (result.outcome !== 'failed' && result.leased !== undefined) {
          const outcome = { kind: 'released' } as const
          await store.settle([{ ...result.leased, outcome, durationMs: 0 }])
        }
        return result
      }),
    }),
  }),
  ...within(['put/lease-copy', 'put/lease-in-line'], {
    name: 'leases whatever the state or turn',
    breaks: leasingAnyway,
  }),
  {
    name: 'leases though nobody asks',
    clause: 'put/lease',
    breaks: (store) =>
      putting(store, (event) => ({
        ...event,
        lease: event.lease ?? { destination: 'handlers', leaseMs: 60_000 },
      })),
  },
  {
    name: 'leases for a minute, whatever was asked',
    clause: 'put/lease',
    breaks: (store) =>
      putting(store, (event) =>
        event.lease === undefined ? event : { ...event, lease: { ...event.lease, leaseMs: 60_000 } },
      ),
  },
  {
    name: 'leases any destination of the event',
    clause: 'put/lease',
    breaks: (store) =>
      putting(store, (event) => {
        const [destination] = event.destinations
        return event.lease === undefined || destination === undefined
          ? event
          : { ...event, lease: { ...event.lease, destination } }
      }),
  },
  {
    name: 'leases any destination of a copy',
    clause: 'put/lease-copy',
    breaks: (store) =>
      answering(store, async (result, event) => {
        if (result.outcome !== 'duplicate' || event.lease === undefined) return result
        const [first] = result.deliveries
        if (result.leased !== undefined || first === undefined) return result
        const lease = { ...event.lease, destination: first.destination }
        const [again] = await store.put([{ ...event, lease }])
        return again!.outcome === 'duplicate' ? withLease(result, again!.leased) : result
      }),
  },
  {
    name: 'leaves a lease that has ended to claims',
    clause: 'put/lease-copy',
    breaks: (store) => leasing(store, (leased) => (leased.attempt > 1 ? undefined : leased)),
  },
  {
    name: 'takes copies for those who leave them',
    clause: 'put/lease-copy',
    breaks: (store) =>
      putting(store, (event) =>
        event.lease === undefined ? event : { ...event, lease: { ...event.lease, leavesCopies: false } },
      ),
  },
  {
    name: 'counts a lease at a put as no attempt',
    clause: 'put/lease',
    breaks: (store) => leasing(store, (leased) => ({ ...leased, attempt: leased.attempt - 1 })),
  },
  {
    name: 'hands over a token that is not the lease’s',
    clause: 'put/lease',
    breaks: (store) => leasing(store, (leased) => ({ ...leased, token: leased.token + 7 })),
  },
  {
    name: 'leases each of many copies',
    clause: 'put/lease',
    breaks: (store) => leasingAnyway(store),
  },
  {
    name: 'tells the states as they are after the lease',
    clause: 'put/lease-copy',
    breaks: (store) =>
      answering(store, (result) =>
        result.outcome === 'duplicate' && result.leased !== undefined
          ? { ...result, deliveries: result.deliveries.map((delivery) => ({ ...delivery, state: 'leased' })) }
          : result,
      ),
  },
  {
    name: 'hands over the copy instead of the first',
    clause: 'put/lease-copy',
    breaks: (store) =>
      leasing(store, (leased, { type, headers }) => ({
        ...leased,
        event: { ...leased.event, type, headers },
      })),
  },
  {
    name: 'goes on with the schedule of a dead one',
    clause: 'put/lease-copy',
    breaks: (store) => leasing(store, (leased) => ({ ...leased, attempt: leased.attempt + 1 })),
  },
  {
    name: 'makes a copy of what was pruned an event',
    clause: 'put/lease-copy',
    breaks: (store) =>
      answering(store, async (result, event) =>
        result.outcome === 'duplicate' && result.deliveries.length === 0
          ? (await store.put([{ ...event, tenant: 'again' }]))[0]!
          : result,
      ),
  },
  {
    name: 'holds every conflict',
    clause: 'put/on-conflict',
    breaks: (store) => putting(store, (event) => ({ ...event, onConflict: 'hold' })),
  },
  {
    name: 'dispatches every conflict',
    clause: 'put/on-conflict',
    breaks: (store) => putting(store, (event) => ({ ...event, onConflict: 'dispatch' })),
  },
  {
    name: 'flags no conflict that it dispatches',
    clause: 'put/on-conflict',
    breaks: (store) =>
      answering(store, (result) =>
        result.outcome === 'conflict' ? { outcome: 'stored', eventSeq: result.eventSeq } : result,
      ),
  },
  { name: 'is not woken by a conflict', clause: 'put/on-conflict', breaks: (store) => deafTo(store, 'put') },
]
