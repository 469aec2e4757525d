import type { MemoryStore } from '../../packages/postern/src/stores/memory/index.ts'
import { allDeliveries, salted } from './change.ts'
import type { Mutant } from './world.ts'

/** Does something to every delivery in a state before it prunes. */
function finishing(store: MemoryStore, state: 'pending' | 'leased' | 'dead'): Partial<MemoryStore> {
  return {
    prune: async (request) => {
      const stuck = (await allDeliveries(store)).filter((delivery) => delivery.state === state)
      if (state === 'leased') {
        await store.settle(
          stuck.map((lease) => ({ ...lease, outcome: { kind: 'succeeded' }, durationMs: 0 })),
        )
      }
      const to = state === 'dead' ? 'discard' : 'cancel'
      await store.move(stuck.map(({ deliverySeq }) => ({ deliverySeq, to })))
      return store.prune(request)
    },
  }
}

export const operateMutants: readonly Mutant[] = [
  {
    name: 'runs the old delivery again instead of a new one',
    clause: 'replay/new-delivery',
    breaks: (store) => ({
      replay: async (replays) => {
        const results = await store.replay(replays.map(({ eventSeq }) => ({ eventSeq, destinations: [] })))
        const details = await Promise.all(replays.map(({ eventSeq }) => store.get(eventSeq)))
        const moves = details.flatMap((detail) => detail?.deliveries ?? [])
        await store.move(moves.map(({ deliverySeq }) => ({ deliverySeq, to: 'redrive' })))
        return results
      },
    }),
  },
  {
    name: 'replays to the first destination only',
    clause: 'replay/new-delivery',
    breaks: (store) => ({
      replay: (replays) =>
        store.replay(replays.map((one) => ({ ...one, destinations: one.destinations.slice(0, 1) }))),
    }),
  },
  {
    name: 'refuses to replay a conflict',
    clause: 'replay/new-delivery',
    breaks: (store) => ({
      replay: async (replays) => {
        const details = await Promise.all(replays.map(({ eventSeq }) => store.get(eventSeq)))
        return store.replay(
          replays.map((one, index) =>
            details[index]?.event.conflictsWith === undefined ? one : { ...one, eventSeq: -1 },
          ),
        )
      },
    }),
  },
  {
    name: 'replays as a second attempt',
    clause: 'replay/new-delivery',
    breaks: (store) => {
      const replayed = new Set<number>()
      return {
        replay: async (replays) => {
          for (const { eventSeq } of replays) replayed.add(eventSeq)
          return store.replay(replays)
        },
        claim: async (request) =>
          (await store.claim(request)).map((claimed) =>
            replayed.has(claimed.event.eventSeq) ? { ...claimed, attempt: claimed.attempt + 1 } : claimed,
          ),
      }
    },
  },
  {
    name: 'throws where there is nothing to replay',
    clause: 'replay/unknown',
    breaks: (store) => ({
      replay: async (replays) => {
        const results = await store.replay(replays)
        if (results.includes('unknown')) throw new Error('No such event')
        return results
      },
    }),
  },
  {
    name: 'never prunes an event',
    clause: 'prune/events',
    breaks: (store) => ({
      prune: async (request) => store.prune({ ...request, eventsOlderThanMs: Number.MAX_SAFE_INTEGER }),
    }),
  },
  {
    name: 'keeps events without deliveries',
    clause: 'prune/events',
    breaks: (store) => ({
      prune: async (request) => {
        const { events } = await store.list({ of: 'events', limit: 1000 })
        const details = await Promise.all(events.map(({ eventSeq }) => store.get(eventSeq)))
        const isLoose = details.some((detail) => detail?.deliveries.length === 0)
        return isLoose ? { events: 0, dedupeRecords: 0 } : store.prune(request)
      },
    }),
  },
  {
    name: 'keeps the deliveries of what it prunes',
    clause: 'prune/events',
    breaks: (store) => {
      let before: Awaited<ReturnType<typeof allDeliveries>> = []
      return {
        prune: async (request) => {
          before = await allDeliveries(store)
          return store.prune(request)
        },
        list: async (query) => {
          const page = await store.list(query)
          return query.of === 'deliveries' ? { ...page, deliveries: [...page.deliveries, ...before] } : page
        },
      }
    },
  },
  {
    name: 'numbers from 1 again once it is empty',
    clause: 'prune/events',
    breaks: (store) => {
      let offset = 0
      return {
        prune: async (request) => {
          const { events } = await store.list({ of: 'events', limit: 1 })
          const result = await store.prune(request)
          if ((await store.stat()).events === 0) offset = events[0]?.eventSeq ?? 0
          return result
        },
        put: async (events) =>
          (await store.put(events)).map((result) =>
            result.outcome === 'stored' ? { ...result, eventSeq: result.eventSeq - offset } : result,
          ),
        get: async (eventSeq) => {
          const detail = await store.get(eventSeq + offset)
          if (detail === undefined) return undefined
          const deliveries = detail.deliveries.map((delivery) => ({ ...delivery, eventSeq }))
          return { ...detail, event: { ...detail.event, eventSeq }, deliveries }
        },
      }
    },
  },
  ...(['pending', 'leased', 'dead'] as const).map((state): Mutant => ({
    name: `prunes what is ${state}`,
    clause: 'prune/keeps',
    breaks: (store) => finishing(store, state),
  })),
  {
    name: 'prunes what is not old',
    clause: 'prune/keeps',
    breaks: (store) => ({ prune: (request) => store.prune({ ...request, eventsOlderThanMs: -1 }) }),
  },
  {
    name: 'forgets ids with their events',
    clause: 'prune/keeps',
    breaks: (store) => {
      let round = 0
      return {
        put: (events) => store.put(events.map((event) => salted(event, `${round}`))),
        prune: async (request) => {
          const result = await store.prune(request)
          if (result.events > 0) round += 1
          return result
        },
      }
    },
  },
  {
    name: 'prunes no dedupe records',
    clause: 'prune/dedupe',
    breaks: (store) => ({
      prune: async (request) => ({ ...(await store.prune(request)), dedupeRecords: 0 }),
    }),
  },
  {
    name: 'prunes dedupe records of pruned events only',
    clause: 'prune/dedupe',
    breaks: (store) => ({
      prune: async (request) => {
        const { events, dedupeRecords } = await store.prune(request)
        return { events, dedupeRecords: Math.min(events, dedupeRecords) }
      },
    }),
  },
  {
    name: 'prunes what was remembered anew',
    clause: 'prune/dedupe',
    breaks: (store) => {
      let round = 0
      return {
        put: (events) => store.put(events.map((event) => salted(event, `${round}`))),
        prune: async (request) => {
          round += 1
          return store.prune(request)
        },
      }
    },
  },
  {
    name: 'prunes without a limit',
    clause: 'prune/limit',
    breaks: (store) => ({ prune: (request) => store.prune({ ...request, limit: 1000 }) }),
  },
  {
    name: 'lets events that stay use up the limit',
    clause: 'prune/limit',
    breaks: (store) => ({
      prune: async (request) => {
        const { deliveries } = await store.list({ of: 'deliveries', state: 'pending', limit: 1000 })
        return store.prune({ ...request, limit: Math.max(0, request.limit - deliveries.length) })
      },
    }),
  },
  {
    name: 'goes on after close',
    clause: 'close/refuses',
    breaks: () => ({ close: async () => {} }),
  },
  {
    name: 'answers stat after close',
    clause: 'close/refuses',
    breaks: (store) => {
      const before = store.stat()
      return { stat: () => before }
    },
  },
  {
    name: 'refuses what was under way at close',
    clause: 'close/refuses',
    breaks: (store) => ({
      put: async (events) => {
        await Promise.resolve()
        return store.put(events)
      },
    }),
  },
  {
    name: 'cannot be closed twice',
    clause: 'close/refuses',
    breaks: (store) => {
      let isClosed = false
      return {
        close: async () => {
          if (isClosed) throw new Error('Closed already')
          isClosed = true
          await store.close()
        },
      }
    },
  },
]
