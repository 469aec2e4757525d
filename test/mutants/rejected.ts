import { isAuthentic } from '../../packages/postern/src/core/index.ts'
import {
  REJECTED_PAGE_BYTES,
  type KeptRequest,
  type RejectedPage,
  type RejectedQuery,
  type RejectedRequest,
} from '../../packages/postern/src/inbox/index.ts'
import type { MemoryStore } from '../../packages/postern/src/stores/memory/index.ts'
import { hex } from './change.ts'
import type { Mutant } from './world.ts'

/** Keeps other requests than those refused. */
function recording(
  store: MemoryStore,
  change: (request: RejectedRequest) => RejectedRequest,
): Partial<MemoryStore> {
  return { rejected: { ...store.rejected, record: (request) => store.rejected.record(change(request)) } }
}

/** Shows the log otherwise. */
function recalling(
  store: MemoryStore,
  change: (kept: readonly KeptRequest[]) => readonly KeptRequest[],
): Partial<MemoryStore> {
  return paging(store, async ({ before = Infinity, limit, ...filters }) => {
    const all = change(await allOf(store, { ...filters, limit: 1000 }))
    const wanted = all.filter(({ rejectedSeq }) => rejectedSeq < before)
    const requests = wanted.slice(0, Math.min(Math.max(1, limit), 1000))
    return {
      requests,
      next: requests.length < wanted.length ? requests.at(-1)?.rejectedSeq : undefined,
    }
  })
}

/** Pages through the log otherwise. */
function paging(
  store: MemoryStore,
  list: (query: RejectedQuery) => Promise<RejectedPage>,
): Partial<MemoryStore> {
  return { rejected: { ...store.rejected, list } }
}

function without(query: RejectedQuery, filter: 'source' | 'reason'): Partial<RejectedQuery> {
  return Object.fromEntries(Object.entries(query).filter(([name]) => name !== filter))
}

async function allOf(store: MemoryStore, query: RejectedQuery): Promise<readonly KeptRequest[]> {
  const { requests, next } = await store.rejected.list(query)
  return next === undefined ? requests : [...requests, ...(await allOf(store, { ...query, before: next }))]
}

let lastNumber = 0

export const rejectedMutants: readonly Mutant[] = [
  {
    name: 'cuts the URL of a refused request at NUL',
    clause: 'rejected/kept',
    breaks: (store) => recording(store, (request) => ({ ...request, url: request.url.replace(/\0.*/s, '') })),
  },
  {
    name: 'keeps no headers of a refused request',
    clause: 'rejected/kept',
    breaks: (store) => recording(store, (request) => ({ ...request, headers: [] })),
  },
  {
    name: 'shows the oldest refused requests first',
    clause: 'rejected/kept',
    breaks: (store) => recalling(store, (kept) => kept.toReversed()),
  },
  {
    name: 'counts a refused request as an event',
    clause: 'rejected/kept',
    breaks: (store) => ({
      stat: async () => {
        const stat = await store.stat()
        return { ...stat, events: stat.events + (await allOf(store, { limit: 10 })).length }
      },
    }),
  },
  {
    name: 'keeps every copy of a refused request',
    clause: 'rejected/once',
    breaks: (store) =>
      recording(store, (request) => {
        lastNumber += 1
        return { ...request, source: `${request.source} ${lastNumber}` }
      }),
  },
  {
    name: 'tells refused requests apart by their bodies only',
    clause: 'rejected/once',
    breaks: (store) => recording(store, (request) => ({ ...request, source: '', reason: 'stale' })),
  },
  {
    name: 'counts no copies of a refused request',
    clause: 'rejected/once',
    breaks: (store) => recalling(store, (kept) => kept.map((one) => ({ ...one, copies: 1 }))),
  },
  {
    name: 'looks before it counts a copy',
    clause: 'rejected/once',
    breaks: (store) => {
      const known = new Map<string, number>()
      return {
        rejected: {
          record: async (request) => {
            const key = request.source + request.reason + hex(request.body)
            const count = known.get(key) ?? 0
            await Promise.resolve()
            known.set(key, count + 1)
            await store.rejected.record(request)
          },
          list: async (query) => {
            const { requests, next } = await store.rejected.list(query)
            const copiesOf = ({ source, reason, body }: KeptRequest): number =>
              known.get(source + reason + hex(body)) ?? 0
            return { requests: requests.map((kept) => ({ ...kept, copies: copiesOf(kept) })), next }
          },
        },
      }
    },
  },
  {
    name: 'takes the part of a body that is kept for the whole',
    clause: 'rejected/kept',
    breaks: (store) => recording(store, (request) => ({ ...request, bodyBytes: request.body.byteLength })),
  },
  {
    name: 'has one bound for all refused requests',
    clause: 'rejected/apart',
    breaks: (store) => recalling(store, (kept) => kept.slice(0, 1000)),
  },
  {
    name: 'has one part for all that is not authentic',
    clause: 'rejected/apart',
    breaks: (store) =>
      recalling(store, (kept) => {
        const room = kept.filter(({ reason }) => !isAuthentic(reason)).slice(0, 200)
        return kept.filter((each) => isAuthentic(each.reason) || room.includes(each))
      }),
  },
  {
    name: 'shows the authentic ones of the refused first',
    clause: 'rejected/apart',
    breaks: (store) =>
      recalling(store, (kept) => [
        ...kept.filter(({ reason }) => isAuthentic(reason)),
        ...kept.filter(({ reason }) => !isAuthentic(reason)),
      ]),
  },
  {
    name: 'keeps half as many refused requests',
    clause: 'rejected/bounded',
    breaks: (store) => recalling(store, (kept) => kept.slice(0, 500)),
  },
  {
    name: 'has refused requests on two pages',
    clause: 'rejected/page',
    breaks: (store) =>
      paging(store, ({ before, ...query }) =>
        store.rejected.list({ ...query, ...(before !== undefined && { before: before + 1 }) }),
      ),
  },
  {
    name: 'leaves a refused request out between two pages',
    clause: 'rejected/page',
    breaks: (store) =>
      paging(store, async (query) => {
        const { requests, next } = await store.rejected.list(query)
        return { requests, next: next === undefined ? undefined : next - 1 }
      }),
  },
  {
    name: 'counts pages of refused requests from the newest',
    clause: 'rejected/page',
    breaks: (store) =>
      paging(store, async ({ before = 0, limit, ...filters }) => {
        const all = await allOf(store, { ...filters, limit: 1000 })
        const end = before + Math.min(Math.max(1, limit), 1000)
        return { requests: all.slice(before, end), next: end < all.length ? end : undefined }
      }),
  },
  {
    name: 'has one more page of refused requests, which is empty',
    clause: 'rejected/page',
    breaks: (store) =>
      paging(store, async (query) => {
        const { requests, next } = await store.rejected.list(query)
        return { requests, next: next ?? requests.at(-1)?.rejectedSeq }
      }),
  },
  {
    name: 'puts any number of bodies on a page of refused requests',
    clause: 'rejected/page',
    breaks: (store) => recalling(store, (kept) => kept),
  },
  {
    name: 'puts as many refused requests on a page as anybody asks for',
    clause: 'rejected/page',
    breaks: (store) =>
      paging(store, async ({ limit, ...filters }) => ({
        requests: (await allOf(store, { ...filters, limit: 1000 })).slice(0, limit),
        next: undefined,
      })),
  },
  {
    name: 'puts nothing on a page that a body is too large for',
    clause: 'rejected/page',
    breaks: (store) =>
      paging(store, async (query) => {
        const { requests, next } = await store.rejected.list(query)
        return { requests: requests.filter(({ body }) => body.byteLength <= REJECTED_PAGE_BYTES), next }
      }),
  },
  ...(['source', 'reason'] as const).map((filter) => ({
    name: `passes no refused request by for its ${filter}`,
    clause: 'rejected/filter' as const,
    breaks: (store: MemoryStore) =>
      paging(store, (query) => store.rejected.list({ ...without(query, filter), limit: query.limit })),
  })),
  {
    name: 'filters only the newest refused requests',
    clause: 'rejected/filter',
    breaks: (store) =>
      paging(store, async ({ source, reason, ...query }) => {
        const { requests, next } = await store.rejected.list({ ...query, limit: 100 })
        const wanted = requests.filter(
          (each) =>
            (source === undefined || each.source === source) &&
            (reason === undefined || each.reason === reason),
        )
        return { requests: wanted.slice(0, query.limit), next }
      }),
  },
]
