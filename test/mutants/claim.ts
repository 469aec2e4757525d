import type { Claimed, ClaimRequest } from '../../packages/postern/src/inbox/index.ts'
import type { MemoryStore } from '../../packages/postern/src/stores/memory/index.ts'
import { allDeliveries, choosing, claiming, deliveryAt, release } from './change.ts'
import type { Mutant } from './world.ts'

export const claimMutants: readonly Mutant[] = [
  {
    name: 'hands out twice',
    clause: 'claim/due',
    breaks: (store) => {
      const out: Claimed[] = []
      return {
        claim: async (request) => {
          const claimed = await store.claim({ ...request, waitMs: 0 })
          const again = out.splice(0)
          out.push(...claimed)
          return [...claimed, ...again]
        },
      }
    },
  },
  {
    name: 'claims between looking and leasing',
    clause: 'claim/due',
    breaks: (store) => {
      let underWay: Promise<Claimed[]> | undefined
      return {
        claim: async (request) => {
          underWay ??= store.claim(request).finally(() => (underWay = undefined))
          return underWay
        },
      }
    },
  },
  {
    name: 'hands out a token that is not the lease’s',
    clause: 'claim/due',
    breaks: (store) =>
      claiming(store, (claimed) => claimed.map((lease) => ({ ...lease, token: lease.token + 7 }))),
  },
  {
    name: 'claims only one destination of an event',
    clause: 'claim/due',
    breaks: (store) =>
      choosing(store, (claimed, limits) => {
        const seen = new Set<number>()
        return withinLimits(claimed, limits).filter(({ event }) => {
          const isFirst = !seen.has(event.eventSeq)
          seen.add(event.eventSeq)
          return isFirst
        })
      }),
  },
  {
    name: 'makes up work',
    clause: 'claim/due',
    breaks: (store) =>
      claiming(store, async (claimed) => {
        const { events } = await store.stat()
        if (events > 0 || claimed.length > 0) return claimed
        return [{ deliverySeq: 1, token: 1, destination: 'handlers', attempt: 1, event: NO_EVENT }]
      }),
  },
  {
    name: 'looks at the first hundred of its destinations',
    clause: 'claim/destination',
    breaks: (store) => ({
      claim: (request) => store.claim({ ...request, destinations: request.destinations.slice(0, 100) }),
    }),
  },
  {
    name: 'claims the newest first',
    clause: 'claim/order',
    breaks: (store) => choosing(store, (claimed, limits) => withinLimits(claimed.toReversed(), limits)),
  },
  {
    name: 'claims by number, however long due',
    clause: 'claim/order',
    breaks: (store) =>
      choosing(store, (claimed, limits) =>
        withinLimits(
          claimed.toSorted((left, right) => left.deliverySeq - right.deliverySeq),
          limits,
        ),
      ),
  },
  {
    name: 'claims what was abandoned last',
    clause: 'claim/order',
    breaks: (store) =>
      choosing(store, (claimed, limits) =>
        withinLimits(
          claimed.toSorted((left, right) => left.attempt - right.attempt),
          limits,
        ),
      ),
  },
  {
    name: 'ignores the limit',
    clause: 'claim/limit',
    breaks: (store) => ({
      claim: (request) =>
        store.claim({
          ...request,
          destinations: request.destinations.map(({ name }) => ({ name, limit: 10_000 })),
        }),
    }),
  },
  {
    name: 'has one limit for all destinations',
    clause: 'claim/limit',
    breaks: (store) => ({
      claim: (request) => {
        const limit = Math.min(...request.destinations.map((destination) => destination.limit))
        return store.claim({
          ...request,
          destinations: request.destinations.map(({ name }) => ({ name, limit })),
        })
      },
    }),
  },
  {
    name: 'takes ended leases beyond the limit',
    clause: 'claim/limit',
    breaks: (store) =>
      choosing(store, (claimed, limits) => [
        ...claimed.filter(({ attempt }) => attempt > 1),
        ...withinLimits(
          claimed.filter(({ attempt }) => attempt === 1),
          limits,
        ),
      ]),
  },
  {
    name: 'claims for any destination',
    clause: 'claim/destination',
    breaks: (store) => ({
      claim: async (request) => {
        const { destinations } = await store.stat()
        return store.claim({
          ...request,
          destinations: destinations.map(({ name }) => ({ name, limit: 100 })),
        })
      },
    }),
  },
  {
    name: 'lets a backlog hide the others',
    clause: 'claim/destination',
    breaks: (store) =>
      choosing(store, (claimed, limits) =>
        withinLimits(
          claimed.toSorted((left, right) => left.deliverySeq - right.deliverySeq).slice(0, 100),
          limits,
        ),
      ),
  },
  {
    name: 'never ends a lease',
    clause: 'claim/lease',
    breaks: (store) => ({
      claim: (request) => store.claim({ ...request, leaseMs: Number.MAX_SAFE_INTEGER }),
    }),
  },
  {
    name: 'has one length of lease for all',
    clause: 'claim/lease',
    breaks: (store) => ({ claim: (request) => store.claim({ ...request, leaseMs: 60_000 }) }),
  },
  {
    name: 'does not renew the lease of what is claimed again',
    clause: 'claim/lease',
    breaks: (store) => {
      const claimedBefore = new Set<number>()
      return claiming(store, async (claimed) => {
        const again = claimed.filter(({ deliverySeq }) => claimedBefore.has(deliverySeq))
        await store.extend(again, 0)
        for (const { deliverySeq } of claimed) claimedBefore.add(deliverySeq)
        return claimed
      })
    },
  },
  {
    name: 'has the same token for every lease',
    clause: 'claim/lease',
    breaks: (store) => ({
      ...claiming(store, (claimed) => claimed.map((lease) => ({ ...lease, token: 1 }))),
      settle: async (settlements) => {
        const current = await Promise.all(
          settlements.map(({ deliverySeq }) => deliveryAt(store, deliverySeq)),
        )
        return store.settle(
          settlements.map((settlement, index) => ({ ...settlement, token: current[index]?.token ?? 0 })),
        )
      },
    }),
  },
  {
    name: 'does not count an attempt that was abandoned',
    clause: 'claim/lease',
    breaks: (store) =>
      claiming(store, async (claimed) => {
        const made = await Promise.all(
          claimed.map(async ({ deliverySeq, event }) => {
            const { deliveries = [] } = (await store.get(event.eventSeq)) ?? {}
            return deliveries.find((delivery) => delivery.deliverySeq === deliverySeq)?.attempts.length ?? 0
          }),
        )
        return claimed.map((lease, index) => ({ ...lease, attempt: made[index]! + 1 }))
      }),
  },
]

export const waitMutants: readonly Mutant[] = [
  {
    name: 'does not wait',
    clause: 'claim/wait',
    breaks: (store) => ({ claim: (request) => store.claim({ ...request, waitMs: 0 }) }),
  },
  {
    name: 'waits before it looks',
    clause: 'claim/wait',
    breaks: (store) => ({
      claim: async (request) => {
        if (request.waitMs > 0) await store.claim({ ...request, destinations: [] })
        return store.claim(request)
      },
    }),
  },
  {
    name: 'waits for ever',
    clause: 'claim/wait',
    breaks: (store) => ({
      claim: (request) => store.claim(request.waitMs > 0 ? { ...request, waitMs: 1_000_000 } : request),
    }),
  },
  { name: 'is not woken by a put', clause: 'claim/wait', breaks: (store) => deafTo(store, 'put') },
  { name: 'is not woken by a settle', clause: 'claim/wait', breaks: (store) => deafTo(store, 'settle') },
  { name: 'is not woken by a move', clause: 'claim/wait', breaks: (store) => deafTo(store, 'move') },
  { name: 'is not woken by a replay', clause: 'claim/wait', breaks: (store) => deafTo(store, 'replay') },
  {
    name: 'is woken once and answers nothing',
    clause: 'claim/wait',
    breaks: (store) => {
      const woken = new EventTarget()
      return {
        put: (events) => {
          const results = store.put(events)
          woken.dispatchEvent(new Event('put'))
          return results
        },
        claim: async (request) => {
          const over = new AbortController()
          woken.addEventListener('put', () => over.abort())
          const signals = [over.signal, ...(request.signal ? [request.signal] : [])]
          return store.claim({ ...request, signal: AbortSignal.any(signals) })
        },
      }
    },
  },
  {
    name: 'wakes one and hands it everything',
    clause: 'claim/wait',
    breaks: (store) => ({
      claim: (request) =>
        store.claim({
          ...request,
          destinations: request.destinations.map(({ name }) => ({ name, limit: 1000 })),
        }),
    }),
  },
  {
    name: 'ignores the signal',
    clause: 'claim/abort',
    breaks: (store) => ({
      claim: ({ signal: _signal, ...request }) => store.claim(request),
    }),
  },
  {
    name: 'answers the signal, and waits on in secret',
    clause: 'claim/abort',
    breaks: (store) => ({
      claim: ({ signal, ...request }) =>
        Promise.race([
          store.claim(request),
          new Promise<Claimed[]>((resolve) => signal?.addEventListener('abort', () => resolve([]))),
        ]),
    }),
  },
  {
    name: 'lets one signal end every wait',
    clause: 'claim/abort',
    breaks: (store) => {
      const all = new AbortController()
      return {
        claim: (request) => {
          request.signal?.addEventListener('abort', () => all.abort())
          return store.claim({ ...request, signal: all.signal })
        },
      }
    },
  },
  {
    name: 'leaves a waiting claim waiting at close',
    clause: 'close/waiting',
    breaks: () => ({ claim: () => new Promise(() => {}) }),
  },
]

const NO_EVENT = {
  eventSeq: 1,
  tenant: '',
  source: '',
  id: '',
  type: '',
  createdMs: undefined,
  receivedMs: 0,
  orderingKey: undefined,
  verifiedBy: '',
  body: new Uint8Array(0),
  headers: [],
  conflictsWith: undefined,
}

export function withinLimits(claimed: readonly Claimed[], limits: ReadonlyMap<string, number>): Claimed[] {
  const left = new Map(limits)
  return claimed.filter(({ destination }) => {
    const room = left.get(destination) ?? 0
    left.set(destination, room - 1)
    return room > 0
  })
}

/** Waits by itself, looking again at every verb but one, and never by time. */
export function deafTo(store: MemoryStore, deaf: 'put' | 'settle' | 'move' | 'replay'): Partial<MemoryStore> {
  const woken = new EventTarget()
  const wake = (verb: string): void => void (verb === deaf || woken.dispatchEvent(new Event('woken')))
  return {
    put: (events) => store.put(events).finally(() => wake('put')),
    settle: (settlements) => store.settle(settlements).finally(() => wake('settle')),
    move: (moves) => store.move(moves).finally(() => wake('move')),
    replay: (replays) => store.replay(replays).finally(() => wake('replay')),
    claim: (request) => claimWhenWoken(store, woken, request),
  }
}

function claimWhenWoken(store: MemoryStore, woken: EventTarget, request: ClaimRequest): Promise<Claimed[]> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      store.claim({ ...request, waitMs: 0 }).then((claimed) => {
        if (claimed.length > 0 || request.waitMs === 0) resolve(claimed)
        else woken.addEventListener('woken', look, { once: true })
      }, reject)
    }
    look()
  })
}

/** Gives back every lease there is. */
export async function releaseAll(store: MemoryStore): Promise<void> {
  const leased = (await allDeliveries(store)).filter(({ state }) => state === 'leased')
  await release(
    store,
    leased.map((delivery) => ({ ...delivery, event: NO_EVENT })),
  )
}
