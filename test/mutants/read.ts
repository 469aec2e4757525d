import type {
  DestinationStat,
  Histogram,
  ListPage,
  ListQuery,
  StoreInspection,
} from '../../packages/postern/src/inbox/index.ts'
import type { MemoryStore } from '../../packages/postern/src/stores/memory/index.ts'
import { handingOut } from './change.ts'
import type { Mutant } from './world.ts'

/** Asks for another list. */
export function asking(store: MemoryStore, change: (query: ListQuery) => ListQuery): Partial<MemoryStore> {
  return { list: (query) => store.list(change(query)) }
}

/** Answers another page. */
function paging(
  store: MemoryStore,
  change: (page: ListPage, query: ListQuery) => ListPage,
): Partial<MemoryStore> {
  return { list: async (query) => change(await store.list(query), query) }
}

export function without(
  query: ListQuery,
  name: 'source' | 'type' | 'state' | 'destination' | 'before' | 'after' | 'blocking' | 'conflicts',
): ListQuery {
  const { [name]: _dropped, ...rest } = query
  return rest
}

/** Counts otherwise. */
export function counting(
  store: MemoryStore,
  change: (stat: DestinationStat) => DestinationStat | undefined,
): Partial<MemoryStore> {
  return {
    stat: async () => {
      const { destinations, ...stat } = await store.stat()
      return { ...stat, destinations: destinations.flatMap((each) => change(each) ?? []) }
    },
  }
}

/** Says of its commits that there was one. */
function committing(store: MemoryStore, change: Partial<Histogram>): Partial<MemoryStore> {
  return {
    stat: async () => {
      const { commits, ...stat } = await store.stat()
      const one = { ...commits.operations, count: 1, sum: 1, max: 1, ...change }
      return { ...stat, commits: { operations: one, durationMs: one, fsyncMs: one } }
    },
  }
}

function inspecting(store: MemoryStore, change: Partial<StoreInspection>): Partial<MemoryStore> {
  return { inspect: async () => ({ ...(await store.inspect()), ...change }) }
}

export const readMutants: readonly Mutant[] = [
  {
    name: 'throws where there is no event',
    clause: 'get/detail',
    breaks: (store) => ({
      get: async (eventSeq) => {
        const detail = await store.get(eventSeq)
        if (detail === undefined) throw new Error('No such event')
        return detail
      },
    }),
  },
  {
    name: 'answers the newest event, whichever was asked for',
    clause: 'get/detail',
    breaks: (store) => ({
      get: async () => {
        const { events } = await store.list({ of: 'events', limit: 1 })
        return store.get(events[0]?.eventSeq ?? 0)
      },
    }),
  },
  {
    name: 'dates every event alike',
    clause: 'get/detail',
    breaks: (store) => handingOut(store, (event) => ({ ...event, receivedMs: 1_750_000_000_000 })),
  },
  {
    name: 'shows the attempts of the event with each delivery',
    clause: 'get/detail',
    breaks: (store) => ({
      get: async (eventSeq) => {
        const detail = await store.get(eventSeq)
        if (detail === undefined) return undefined
        const attempts = detail.deliveries.flatMap((delivery) => delivery.attempts)
        return { ...detail, deliveries: detail.deliveries.map((delivery) => ({ ...delivery, attempts })) }
      },
    }),
  },
  {
    name: 'lists the oldest first',
    clause: 'list/order',
    breaks: (store) =>
      paging(store, (page) => ({
        ...page,
        events: page.events.toReversed(),
        deliveries: page.deliveries.toReversed(),
      })),
  },
  {
    name: 'forgets the length of the body',
    clause: 'list/order',
    breaks: (store) =>
      paging(store, (page) => ({
        ...page,
        events: page.events.map((event) => ({ ...event, bodyBytes: 0 })),
      })),
  },
  {
    name: 'lists a delivery without its error',
    clause: 'list/order',
    breaks: (store) =>
      paging(store, (page) => ({
        ...page,
        deliveries: page.deliveries.map((delivery) => ({ ...delivery, error: undefined })),
      })),
  },
  {
    name: 'always has a next page',
    clause: 'list/order',
    breaks: (store) => paging(store, (page) => ({ ...page, next: page.next ?? 1 })),
  },
  {
    name: 'ignores before',
    clause: 'list/page',
    breaks: (store) => asking(store, (query) => without(query, 'before')),
  },
  {
    name: 'shows the last row of a page again',
    clause: 'list/page',
    breaks: (store) =>
      asking(store, (query) => (query.before === undefined ? query : { ...query, before: query.before + 1 })),
  },
  {
    name: 'ignores the limit of a page',
    clause: 'list/page',
    breaks: (store) => asking(store, (query) => ({ ...query, limit: 1000 })),
  },
  {
    name: 'has no next page',
    clause: 'list/page',
    breaks: (store) => paging(store, (page) => ({ ...page, next: undefined })),
  },
  {
    name: 'has a next page after a full one, always',
    clause: 'list/page',
    breaks: (store) =>
      paging(store, (page, { limit }) => {
        const rows = [
          ...page.events.map(({ eventSeq }) => eventSeq),
          ...page.deliveries.map(({ deliverySeq }) => deliverySeq),
        ]
        return { ...page, next: rows.length === limit ? rows.at(-1) : undefined }
      }),
  },
  {
    name: 'counts pages by offset',
    clause: 'list/page',
    breaks: (store) => ({
      list: async (query) => {
        const all = await store.list({ ...without(query, 'before'), limit: 1000 })
        const from = query.before ?? 0
        const rows = Math.max(all.events.length, all.deliveries.length)
        const to = from + query.limit
        const next = to < rows ? to : undefined
        return { events: all.events.slice(from, to), deliveries: all.deliveries.slice(from, to), next }
      },
    }),
  },
  {
    name: 'filters after it has cut the page',
    clause: 'list/page',
    breaks: (store) => ({
      list: async (query) => {
        const page = await store.list(without(query, 'type'))
        const { type } = query
        return {
          ...page,
          events: page.events.filter((event) => type === undefined || event.type === type),
        }
      },
    }),
  },
  ...(['source', 'type', 'state', 'destination', 'blocking', 'conflicts'] as const).map((name): Mutant => ({
    name: `ignores the filter by ${name}`,
    clause: 'list/filter',
    breaks: (store) => asking(store, (query) => without(query, name)),
  })),
  {
    name: 'joins filters by or',
    clause: 'list/filter',
    breaks: (store) => ({
      list: async (query) => {
        const both = query.source !== undefined && query.type !== undefined
        if (!both) return store.list(query)
        const bySource = await store.list(without(query, 'type'))
        const byType = await store.list(without(query, 'source'))
        return {
          events: [...bySource.events, ...byType.events],
          deliveries: [...bySource.deliveries, ...byType.deliveries],
          next: undefined,
        }
      },
    }),
  },
  {
    name: 'counts what is not there',
    clause: 'stat/counts',
    breaks: (store) => ({
      stat: async () => {
        const stat = await store.stat()
        return { ...stat, events: stat.events + 1 }
      },
    }),
  },
  {
    name: 'counts leased as pending',
    clause: 'stat/counts',
    breaks: (store) =>
      counting(store, (stat) => ({ ...stat, pending: stat.pending + stat.leased, leased: 0 })),
  },
  {
    name: 'counts what is finished as dead',
    clause: 'stat/counts',
    breaks: (store) => ({
      stat: async () => {
        const stat = await store.stat()
        const { deliveries } = await store.list({ of: 'deliveries', limit: 1000 })
        const done = deliveries.filter(({ state }) => state === 'succeeded' || state === 'cancelled').length
        const none = { name: 'handlers', pending: 0, leased: 0, blockedKeys: 0, oldestPendingMs: undefined }
        const finished = done > 0 ? [{ ...none, dead: done }] : []
        return { ...stat, destinations: [...stat.destinations, ...finished] }
      },
    }),
  },
  {
    name: 'has no age',
    clause: 'stat/counts',
    breaks: (store) => counting(store, (stat) => ({ ...stat, oldestPendingMs: undefined })),
  },
  {
    name: 'counts commits in no bucket',
    clause: 'stat/commits',
    breaks: (store) => committing(store, { counts: [] }),
  },
  {
    name: 'counts the same commits for ever',
    clause: 'stat/commits',
    breaks: (store) => committing(store, { counts: [1, 0, 0, 0, 0, 0, 0, 0, 0] }),
  },
  {
    name: 'has an age of 0 where nothing is pending',
    clause: 'stat/counts',
    breaks: (store) => counting(store, (stat) => ({ ...stat, oldestPendingMs: stat.oldestPendingMs ?? 0 })),
  },
  {
    name: 'has no name for its engine',
    clause: 'inspect',
    breaks: (store) => inspecting(store, { engine: ' ' }),
  },
  {
    name: 'runs with a setting that loses what was acknowledged',
    clause: 'inspect',
    breaks: (store) =>
      inspecting(store, { settings: [{ name: 'fsync', value: 'off', wanted: 'on', isSound: false }] }),
  },
  {
    name: 'says that nothing can be lost, and not why',
    clause: 'inspect',
    breaks: (store) => inspecting(store, { acceptsLoss: false }),
  },
  {
    name: 'takes seconds for milliseconds',
    clause: 'inspect',
    breaks: (store) => inspecting(store, { clockAheadMs: -1_700_000_000_000 }),
  },
  {
    name: 'is changed by a look',
    clause: 'inspect',
    breaks: (store) => ({
      inspect: async () => {
        const { deliveries } = await store.list({ of: 'deliveries', limit: 1 })
        await store.move(deliveries.map(({ deliverySeq }) => ({ deliverySeq, to: 'cancel' })))
        return store.inspect()
      },
    }),
  },
]
