import type { NewEvent, PutResult } from '../../packages/postern/src/inbox/index.ts'
import { answering, handingOut, incomparable, nameOf, putting, showing } from './change.ts'
import type { Mutant } from './world.ts'

export const putMutants: readonly Mutant[] = [
  {
    name: 'forgets the ordering key',
    clause: 'put/stored',
    breaks: (store) => putting(store, (event) => ({ ...event, orderingKey: undefined })),
  },
  {
    name: 'makes up what the provider did not say',
    clause: 'put/stored',
    breaks: (store) =>
      handingOut(store, (event) => ({
        ...event,
        createdMs: event.createdMs ?? 0,
        orderingKey: event.orderingKey ?? '',
      })),
  },
  {
    name: 'delivers to the first destination only',
    clause: 'put/stored',
    breaks: (store) =>
      putting(store, (event) => ({ ...event, destinations: event.destinations.slice(0, 1) })),
  },
  {
    name: 'delivers what nothing handles',
    clause: 'put/stored',
    breaks: (store) =>
      putting(store, (event) => ({
        ...event,
        destinations: event.destinations.length > 0 ? event.destinations : ['handlers'],
      })),
  },
  {
    name: 'stores an array backwards',
    clause: 'put/stored',
    breaks: (store) => ({ put: async (events) => (await store.put(events.toReversed())).toReversed() }),
  },
  {
    name: 'answers an empty array with a failure',
    clause: 'put/stored',
    breaks: (store) => ({
      put: async (events) =>
        events.length > 0 ? store.put(events) : [{ outcome: 'failed', error: new Error('Nothing to put') }],
    }),
  },
  {
    name: 'answers a duplicate as stored',
    clause: 'put/duplicate',
    breaks: (store) =>
      answering(store, (result) =>
        result.outcome === 'duplicate' ? { outcome: 'stored', eventSeq: result.eventSeq } : result,
      ),
  },
  {
    name: 'remembers nothing',
    clause: 'put/duplicate',
    breaks: (store) => putting(store, incomparable),
  },
  {
    name: 'looks at the first key only',
    clause: 'put/duplicate',
    breaks: (store) =>
      putting(store, (event) => (event.idKind === 'unsigned' ? { ...event, idKind: 'signed' } : event)),
  },
  {
    name: 'counts no copies',
    clause: 'put/duplicate',
    breaks: (store) => ({
      get: async (eventSeq) => {
        const detail = await store.get(eventSeq)
        return detail && { ...detail, duplicates: 0 }
      },
    }),
  },
  {
    name: 'answers a duplicate as if its deliveries were pending',
    clause: 'put/duplicate',
    breaks: (store) =>
      answering(store, (result) =>
        result.outcome === 'duplicate'
          ? {
              ...result,
              deliveries: result.deliveries.map((delivery) => ({ ...delivery, state: 'pending' })),
            }
          : result,
      ),
  },
  {
    name: 'delivers a copy once more',
    clause: 'put/duplicate',
    breaks: (store) =>
      answering(store, async (result, { destinations }) => {
        if (result.outcome === 'duplicate') await store.replay([{ eventSeq: result.eventSeq, destinations }])
        return result
      }),
  },
  {
    name: 'revives a dead delivery when a copy comes',
    clause: 'put/duplicate',
    breaks: (store) =>
      answering(store, async (result) => {
        if (result.outcome !== 'duplicate') return result
        const { deliveries = [] } = (await store.get(result.eventSeq)) ?? {}
        await store.move(deliveries.map(({ deliverySeq }) => ({ deliverySeq, to: 'redrive' })))
        return result
      }),
  },
  {
    name: 'looks first and records later',
    clause: 'put/concurrent',
    breaks: (store) => {
      const known = new Set<string>()
      return {
        put: async (events) => {
          const news = events.filter((event) => !known.has(nameOf(event)))
          await Promise.resolve()
          for (const event of events) known.add(nameOf(event))
          const put = async (event: NewEvent): Promise<PutResult> => {
            const [result] = await store.put([event])
            if (result!.outcome !== 'duplicate' || !news.includes(event)) return result!
            return (await store.put([incomparable(event)]))[0]!
          }
          return Promise.all(events.map(put))
        },
      }
    },
  },
  {
    name: 'lets only one put in at a time',
    clause: 'put/concurrent',
    breaks: (store) => {
      let isBusy = false
      return {
        put: async (events) => {
          const failed: PutResult = { outcome: 'failed', error: new Error('Busy') }
          if (isBusy) return events.map(() => failed)
          isBusy = true
          await Promise.resolve()
          isBusy = false
          return store.put(events)
        },
      }
    },
  },
  {
    name: 'mixes up tenants',
    clause: 'put/apart',
    breaks: (store) => putting(store, (event) => ({ ...event, tenant: '' })),
  },
  {
    name: 'mixes up sources',
    clause: 'put/apart',
    breaks: (store) => putting(store, (event) => ({ ...event, source: '' })),
  },
  {
    name: 'compares ids without case',
    clause: 'put/apart',
    breaks: (store) => putting(store, (event) => ({ ...event, id: event.id.toLowerCase() })),
  },
  {
    name: 'fails the array with the item',
    clause: 'put/independent',
    breaks: (store) => ({
      put: async (events) => {
        const results = await store.put(events)
        const failed = results.find(({ outcome }) => outcome === 'failed')
        return failed ? events.map(() => failed) : results
      },
    }),
  },
  {
    name: 'fails an array with text it cannot keep',
    clause: 'put/independent',
    breaks: (store) => ({
      put: async (events) => {
        if (events.every(({ id }) => Buffer.from(id).toString() === id)) return store.put(events)
        throw new Error('invalid byte sequence')
      },
    }),
  },
  {
    name: 'remembers the id of what failed',
    clause: 'put/independent',
    breaks: (store) => {
      const failed = new Set<string>()
      return answering(store, (result, { id }) => {
        if (result.outcome === 'failed') failed.add(id)
        else if (failed.has(id)) return { outcome: 'duplicate', eventSeq: 1, deliveries: [] }
        return result
      })
    },
  },
  {
    name: 'keeps the caller’s bytes and lists',
    clause: 'put/copied',
    breaks: (store) => {
      const put: NewEvent[] = []
      return {
        ...answering(store, (result, event) => {
          if (result.outcome === 'stored') put[result.eventSeq] = event
          return result
        }),
        ...handingOut(store, (event) => {
          const { body, headers } = put[event.eventSeq] ?? event
          return { ...event, body, headers }
        }),
      }
    },
  },
  {
    name: 'hands out its own bytes',
    clause: 'put/copied',
    breaks: (store) => {
      const bodies = new Map<number, Uint8Array>()
      return handingOut(store, (event) => {
        const body = bodies.get(event.eventSeq) ?? event.body
        bodies.set(event.eventSeq, body)
        return { ...event, body }
      })
    },
  },
  {
    name: 'makes a delivery due a minute late',
    clause: 'put/stored',
    breaks: (store) => showing(store, ({ dueMs }) => ({ dueMs: dueMs + 60_000 })),
  },
]
