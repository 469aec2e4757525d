import { memory, type MemoryStore } from '../../packages/postern/src/stores/memory/index.ts'
import { handingOut, putting, salted } from './change.ts'
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
    name: 'cuts the keys of lines at NUL',
    clause: 'exact/text',
    breaks: (store) =>
      putting(store, (event) => ({ ...event, orderingKey: event.orderingKey?.split('\0')[0] })),
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
