import { PosternError } from '../../packages/postern/src/core/index.ts'
import {
  memory,
  type MemoryEffect,
  type MemoryStore,
} from '../../packages/postern/src/stores/memory/index.ts'
import type { Clause, StoreHarness } from '../../packages/postern/src/testing/index.ts'

/** A store that breaks one thing. */
export interface Mutant {
  readonly name: string
  /** A case of this clause must fail. */
  readonly clause: Clause
  /** The verbs that it does otherwise than the sound store given. */
  readonly breaks: (store: MemoryStore, world: World) => Partial<MemoryStore>
}

/** What lies outside the store. */
export interface World {
  nowMs: number
  /** What effects have written. */
  seen: { readonly name: string }[]
  /** How often a store was opened. */
  openings: number
}

/** A harness in which memory outlives `close`, and undoes its effects, so that no clause needs to be skipped. */
export function harnessOf(breaks: Mutant['breaks'], patienceMs: number): StoreHarness {
  const world: World = { nowMs: 1_750_000_000_000, seen: [], openings: 0 }
  const kept = memory({ now: () => world.nowMs })
  const open = async (): Promise<MemoryStore> => {
    world.openings += 1
    const store = transactional(outliving(kept), world)
    return { ...store, ...breaks(store, world) }
  }
  return {
    open,
    reopen: open,
    patienceMs,
    advance: (ms) => void (world.nowMs += ms),
    effect:
      (name): MemoryEffect =>
      () =>
        void world.seen.push({ name }),
    failingEffect: (): MemoryEffect => () => {
      throw new Error('This effect fails')
    },
    effectsSeen: async () => world.seen.map(({ name }) => name),
    dispose: () => kept.close(),
  }
}

/** Closes for its caller only: what it was opened on stays open. */
export function outliving(store: MemoryStore): MemoryStore {
  const closing = new AbortController()
  const guard =
    <Args extends unknown[], Result>(verb: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      if (closing.signal.aborted) throw new PosternError('store_closed', 'The store is closed')
      return verb(...args)
    }
  return {
    put: guard(store.put),
    claim: guard((request) => {
      const signals = [closing.signal, ...(request.signal ? [request.signal] : [])]
      return store.claim({ ...request, signal: AbortSignal.any(signals) })
    }),
    settle: guard(store.settle),
    extend: guard(store.extend),
    move: guard(store.move),
    get: guard(store.get),
    list: guard(store.list),
    replay: guard(store.replay),
    prune: guard(store.prune),
    stat: guard(store.stat),
    close: async () => closing.abort(),
    rejected: { record: guard(store.rejected.record), recent: guard(store.rejected.recent) },
    state: { get: guard(store.state.get), set: guard(store.state.set), list: guard(store.state.list) },
  }
}

/** Undoes what the effects of a failed settlement wrote. */
function transactional(store: MemoryStore, world: World): MemoryStore {
  return {
    ...store,
    settle: async (settlements) => {
      const results = []
      for (const settlement of settlements) {
        const before = new Set(world.seen)
        const settling = store.settle([settlement])
        // Memory runs effects before it first waits, so what is new here is this settlement's.
        const own = world.seen.filter((line) => !before.has(line))
        const [result] = await settling
        if (result?.result === 'failed') world.seen = world.seen.filter((line) => !own.includes(line))
        if (result) results.push(result)
      }
      return results
    },
  }
}
