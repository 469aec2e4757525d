import type { ListPage, ListQuery } from '../../packages/postern/src/inbox/index.ts'
import type { MemoryStore } from '../../packages/postern/src/stores/memory/index.ts'
import { asking, without } from './read.ts'
import type { Mutant } from './world.ts'

/** Asks for another list where one is to go up. */
function askingUp(store: MemoryStore, change: (query: ListQuery) => ListQuery): Partial<MemoryStore> {
  return asking(store, (query) => (query.after === undefined ? query : change(query)))
}

/** Answers another page of a list that goes up. */
function pagingUp(
  store: MemoryStore,
  change: (page: ListPage, query: ListQuery) => ListPage,
): Partial<MemoryStore> {
  return {
    list: async (query) => {
      const page = await store.list(query)
      return query.after === undefined ? page : change(page, query)
    },
  }
}

const clause = 'list/oldest-first'

export const oldestFirstMutants: readonly Mutant[] = [
  {
    name: 'ignores after',
    clause,
    breaks: (store) => asking(store, (query) => without(query, 'after')),
  },
  {
    name: 'shows the newest after a number, and not the oldest',
    clause,
    breaks: (store) =>
      pagingUp(store, ({ events, deliveries, next }) => ({
        events: events.toReversed(),
        deliveries: deliveries.toReversed(),
        next,
      })),
  },
  {
    name: 'shows the last row of a page again, on the way up',
    clause,
    breaks: (store) => askingUp(store, (query) => ({ ...query, after: (query.after ?? 0) - 1 })),
  },
  {
    name: 'has no next page, on the way up',
    clause,
    breaks: (store) => pagingUp(store, (page) => ({ ...page, next: undefined })),
  },
  {
    name: 'always has a next page, on the way up',
    clause,
    breaks: (store) => pagingUp(store, (page) => ({ ...page, next: page.next ?? 1_000_000 })),
  },
  {
    name: 'goes up without an end',
    clause,
    breaks: (store) => askingUp(store, (query) => without(query, 'before')),
  },
  ...(['source', 'type', 'state', 'destination', 'blocking', 'conflicts'] as const).map((name): Mutant => ({
    name: `ignores the filter by ${name}, on the way up`,
    clause,
    breaks: (store) => askingUp(store, (query) => without(query, name)),
  })),
  {
    name: 'begins behind what was pruned',
    clause,
    breaks: (store) => {
      let prunedSeq = 0
      return {
        prune: async (request) => {
          prunedSeq = (await store.list({ of: 'events', limit: 1 })).events[0]?.eventSeq ?? 0
          return store.prune(request)
        },
        list: async (query) => {
          const page = await store.list(query)
          if (query.after === undefined) return page
          return {
            ...page,
            events: page.events.filter(({ eventSeq }) => eventSeq > prunedSeq),
            deliveries: page.deliveries.filter(({ eventSeq }) => eventSeq > prunedSeq),
          }
        },
      }
    },
  },
]
