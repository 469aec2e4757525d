import { isAuthentic } from '../../packages/postern/src/core/index.ts'
import type { KeptRequest, RejectedRequest } from '../../packages/postern/src/inbox/index.ts'
import { memory, type MemoryStore } from '../../packages/postern/src/stores/memory/index.ts'
import { handingOut, hex, putting, salted } from './change.ts'
import { releaseAll } from './claim.ts'
import { outliving, type Mutant, type World } from './world.ts'

/** Stores text otherwise. */
function rewriting(store: MemoryStore, change: (text: string) => string): Partial<MemoryStore> {
  return putting(store, (event) => ({
    ...event,
    tenant: change(event.tenant),
    source: change(event.source),
    id: change(event.id),
    type: change(event.type),
    headers: event.headers.map(change),
  }))
}

/** Stores a body otherwise. */
function rewritingBody(store: MemoryStore, change: (body: Uint8Array) => Uint8Array): Partial<MemoryStore> {
  return putting(store, (event) =>
    event.body instanceof Uint8Array ? { ...event, body: change(event.body) } : event,
  )
}

export const exactMutants: readonly Mutant[] = [
  {
    name: 'decodes the body as text',
    clause: 'exact/bytes',
    breaks: (store) =>
      rewritingBody(store, (body) => new TextEncoder().encode(new TextDecoder().decode(body))),
  },
  {
    name: 'makes a space of an empty body',
    clause: 'exact/bytes',
    breaks: (store) => rewritingBody(store, (body) => (body.length > 0 ? body : Uint8Array.of(32))),
  },
  {
    name: 'cuts a body at 64 KiB',
    clause: 'exact/bytes',
    breaks: (store) => rewritingBody(store, (body) => body.subarray(0, 65_536)),
  },
  {
    name: 'stores the whole buffer behind a body',
    clause: 'exact/bytes',
    breaks: (store) => rewritingBody(store, (body) => new Uint8Array(body.buffer)),
  },
  {
    name: 'mixes up the bodies of an array',
    clause: 'exact/bytes',
    breaks: (store) => ({
      put: (events) =>
        store.put(events.map((event, index) => ({ ...event, body: events.at(index - 1)!.body }))),
    }),
  },
  {
    name: 'normalises text',
    clause: 'exact/text',
    breaks: (store) => rewriting(store, (text) => text.normalize('NFC')),
  },
  {
    name: 'trims text',
    clause: 'exact/text',
    breaks: (store) => rewriting(store, (text) => text.trim()),
  },
  {
    name: 'keeps 255 bytes of an id',
    clause: 'exact/text',
    breaks: (store) =>
      putting(store, (event) => ({ ...event, id: Buffer.from(event.id).subarray(0, 255).toString() })),
  },
  {
    name: 'escapes quotes in errors',
    clause: 'exact/text',
    breaks: (store) => ({
      settle: (all) =>
        store.settle(
          all.map((settlement) =>
            settlement.outcome.kind === 'dead'
              ? {
                  ...settlement,
                  outcome: { ...settlement.outcome, error: settlement.outcome.error.replaceAll("'", "''") },
                }
              : settlement,
          ),
        ),
    }),
  },
  {
    name: 'takes a filter for a pattern',
    clause: 'exact/text',
    breaks: (store) => ({
      list: async ({ source = '', type: _type, ...query }) => {
        const page = await store.list({ ...query, limit: 1000 })
        const [start = '', ...rest] = source.split('%')
        const isLike = (text: string): boolean => text.startsWith(start) && text.endsWith(rest.at(-1) ?? '')
        return { ...page, events: page.events.filter((event) => isLike(event.source)) }
      },
    }),
  },
  {
    name: 'keeps 32 bits of a time',
    clause: 'exact/text',
    breaks: (store) =>
      handingOut(store, (event) =>
        event.createdMs === undefined ? event : { ...event, createdMs: event.createdMs | 0 },
      ),
  },
]

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
  change: (kept: readonly KeptRequest[], limit: number) => readonly KeptRequest[],
): Partial<MemoryStore> {
  return {
    rejected: {
      ...store.rejected,
      recent: async (limit) => change(await store.rejected.recent(100_000), limit),
    },
  }
}

let lastNumber = 0

export const rejectedMutants: readonly Mutant[] = [
  {
    name: 'keeps no headers of a refused request',
    clause: 'rejected/kept',
    breaks: (store) => recording(store, (request) => ({ ...request, headers: [] })),
  },
  {
    name: 'shows the oldest refused requests first',
    clause: 'rejected/kept',
    breaks: (store) => recalling(store, (kept, limit) => kept.toReversed().slice(0, limit)),
  },
  {
    name: 'counts a refused request as an event',
    clause: 'rejected/kept',
    breaks: (store) => ({
      stat: async () => {
        const stat = await store.stat()
        return { ...stat, events: stat.events + (await store.rejected.recent(10)).length }
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
    breaks: (store) =>
      recalling(store, (kept, limit) => kept.slice(0, limit).map((one) => ({ ...one, copies: 1 }))),
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
          recent: async (limit) =>
            (await store.rejected.recent(limit)).map((kept) => ({
              ...kept,
              copies: known.get(kept.source + kept.reason + hex(kept.body)) ?? 0,
            })),
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
    breaks: (store) => recalling(store, (kept, limit) => kept.slice(0, Math.min(limit, 1000))),
  },
  {
    name: 'has one part for all that is not authentic',
    clause: 'rejected/apart',
    breaks: (store) =>
      recalling(store, (kept, limit) => {
        const room = kept.filter(({ reason }) => !isAuthentic(reason)).slice(0, 200)
        return kept.filter((each) => isAuthentic(each.reason) || room.includes(each)).slice(0, limit)
      }),
  },
  {
    name: 'shows the authentic ones of the refused first',
    clause: 'rejected/apart',
    breaks: (store) =>
      recalling(store, (kept, limit) =>
        [
          ...kept.filter(({ reason }) => isAuthentic(reason)),
          ...kept.filter(({ reason }) => !isAuthentic(reason)),
        ].slice(0, limit),
      ),
  },
  {
    name: 'keeps half as many refused requests',
    clause: 'rejected/bounded',
    breaks: (store) => recalling(store, (kept, limit) => kept.slice(0, Math.min(limit, 500))),
  },
]

/** Breaks only once it was opened again. */
function onReopening(breaks: (store: MemoryStore, world: World) => Partial<MemoryStore>): Mutant['breaks'] {
  return (store, world) => (world.openings > 1 ? breaks(store, world) : {})
}

export const durableMutants: readonly Mutant[] = [
  {
    name: 'forgets everything',
    clause: 'durable',
    breaks: onReopening((_store, world) => outliving(memory({ now: () => world.nowMs }))),
  },
  {
    name: 'forgets what it remembered events by',
    clause: 'durable',
    breaks: onReopening((store) => putting(store, (event) => salted(event, 'reopened'))),
  },
  {
    name: 'gives back every lease when it is opened',
    clause: 'durable',
    breaks: onReopening((store) => {
      const released = releaseAll(store)
      return { claim: (request) => released.then(() => store.claim(request)) }
    }),
  },
  {
    name: 'never ends the leases of before',
    clause: 'durable',
    breaks: onReopening((store) => ({
      claim: async (request) => (await store.claim(request)).filter(({ attempt }) => attempt === 1),
    })),
  },
  {
    name: 'forgets effects',
    clause: 'durable',
    breaks: onReopening((_store, world) => {
      world.seen = []
      return {}
    }),
  },
  {
    name: 'refuses what is being put when it is closed',
    clause: 'durable',
    breaks: (store) => ({
      put: async (events) => {
        await Promise.resolve()
        return store.put(events)
      },
    }),
  },
  {
    name: 'forgets its small state',
    clause: 'durable',
    breaks: onReopening((_store, world) => ({ state: memory({ now: () => world.nowMs }).state })),
  },
  {
    name: 'forgets refused requests',
    clause: 'durable',
    breaks: onReopening((_store, world) => ({ rejected: memory({ now: () => world.nowMs }).rejected })),
  },
]
