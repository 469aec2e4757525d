import type { SmallState, StateEntry } from '../../packages/postern/src/inbox/index.ts'
import type { MemoryStore } from '../../packages/postern/src/stores/memory/index.ts'
import type { Mutant } from './world.ts'

/** Keeps the small state otherwise. */
function stating(
  { state }: MemoryStore,
  change: (state: SmallState) => Partial<SmallState>,
): Partial<MemoryStore> {
  return { state: { ...state, ...change(state) } }
}

function listing(
  store: MemoryStore,
  list: (all: readonly StateEntry[], prefix: string) => readonly StateEntry[],
): Partial<MemoryStore> {
  return stating(store, (state) => ({ list: async (prefix) => list(await state.list(''), prefix) }))
}

export const stateMutants: readonly Mutant[] = [
  {
    name: 'keeps the first value of a key',
    clause: 'state/entries',
    breaks: (store) =>
      stating(store, (state) => ({
        set: async (key, value, options) => {
          if (value === undefined || (await state.get(key)) === undefined)
            await state.set(key, value, options)
        },
      })),
  },
  {
    name: 'keeps keys without case and spaces',
    clause: 'state/entries',
    breaks: (store) =>
      stating(store, (state) => ({
        get: (key) => state.get(key.trim().toLowerCase()),
        set: (key, value, options) => state.set(key.trim().toLowerCase(), value, options),
      })),
  },
  {
    name: 'removes nothing',
    clause: 'state/entries',
    breaks: (store) =>
      stating(store, (state) => ({
        set: async (key, value, options) => {
          if (value !== undefined) await state.set(key, value, options)
        },
      })),
  },
  {
    name: 'takes an empty value for none',
    clause: 'state/entries',
    breaks: (store) =>
      stating(store, (state) => ({
        set: (key, value, options) => state.set(key, value || undefined, options),
      })),
  },
  {
    name: 'lists every key',
    clause: 'state/entries',
    breaks: (store) => listing(store, (all) => all),
  },
  {
    name: 'takes a prefix for a pattern',
    clause: 'state/entries',
    breaks: (store) =>
      listing(store, (all, prefix) => {
        const [start = ''] = prefix.split(/[%*]/)
        return all.filter(({ key }) => key.startsWith(start))
      }),
  },
  {
    name: 'lists keys by UTF-16 units',
    clause: 'state/entries',
    breaks: (store) =>
      listing(store, (all, prefix) =>
        all
          .filter(({ key }) => key.startsWith(prefix))
          .toSorted((left, right) => (left.key < right.key ? -1 : 1)),
      ),
  },
  {
    name: 'makes one change at a time and drops the others',
    clause: 'state/entries',
    breaks: (store) => {
      let isBusy = false
      return stating(store, (state) => ({
        set: async (key, value, options) => {
          if (isBusy) return
          isBusy = true
          await state.set(key, value, options)
          isBusy = false
        },
      }))
    },
  },
  {
    name: 'counts an entry as an event',
    clause: 'state/entries',
    breaks: (store) => ({
      stat: async () => {
        const stat = await store.stat()
        return { ...stat, events: stat.events + (await store.state.list('')).length }
      },
    }),
  },
  {
    name: 'forgets nothing',
    clause: 'state/expiry',
    breaks: (store) => stating(store, (state) => ({ set: (key, value) => state.set(key, value) })),
  },
  {
    name: 'forgets everything in a minute',
    clause: 'state/expiry',
    breaks: (store) =>
      stating(store, (state) => ({ set: (key, value) => state.set(key, value, { forMs: 60_000 }) })),
  },
  {
    name: 'never sets again what it forgot',
    clause: 'state/expiry',
    breaks: (store) => {
      const seen = new Set<string>()
      return stating(store, (state) => ({
        set: async (key, value, options) => {
          const isGone = seen.has(key) && (await state.get(key)) === undefined
          seen.add(key)
          if (!isGone) await state.set(key, value, options)
        },
      }))
    },
  },
  {
    name: 'prunes its small state',
    clause: 'state/expiry',
    breaks: (store) => ({
      prune: async (request) => {
        for (const { key } of await store.state.list('')) await store.state.set(key, undefined)
        return store.prune(request)
      },
    }),
  },
]
