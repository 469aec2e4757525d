import type { Lease } from '../../packages/postern/src/inbox/index.ts'
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

/** One store that breaks several clauses. */
export function within(clauses: readonly Clause[], mutant: Omit<Mutant, 'clause'>): Mutant[] {
  return clauses.map((clause) => ({ ...mutant, clause }))
}

/** What lies outside the store. */
export interface World {
  nowMs: number
  /** What effects have written. */
  seen: { readonly name: string }[]
  /** How often a store was opened. */
  openings: number
  /** The leases that are kept. */
  readonly kept: Map<number, KeptLease>
}

interface KeptLease extends Lease {
  readonly leaseMs: number
  readonly untilMs: number
}

/** A harness in which memory outlives `close`, and undoes its effects, so that no clause needs to be skipped. */
export function harnessOf(breaks: Mutant['breaks'], patienceMs: number): StoreHarness {
  const world: World = { nowMs: 1_750_000_000_000, seen: [], openings: 0, kept: new Map() }
  const kept = memory({ now: () => world.nowMs })
  const open = async (): Promise<MemoryStore> => {
    world.openings += 1
    const store = keeping(transactional(outliving(kept), world), world)
    return { ...store, ...breaks(store, world) }
  }
  return {
    open,
    reopen: open,
    patienceMs,
    advance: (ms) => void (world.nowMs += ms),
    pass: async (ms) => {
      await prolong(kept, world)
      world.nowMs += ms
    },
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
    inspect: guard(store.inspect),
    close: async () => closing.abort(),
    rejected: { record: guard(store.rejected.record), list: guard(store.rejected.list) },
    state: { get: guard(store.state.get), set: guard(store.state.set), list: guard(store.state.list) },
  }
}

/** Remembers which leases are to be kept. */
function keeping(store: MemoryStore, world: World): MemoryStore {
  return {
    ...store,
    claim: async (request) => {
      const claimed = await store.claim(request)
      const { leaseMs, keepMs = 0 } = request
      for (const { deliverySeq, token } of keepMs > 0 ? claimed : []) {
        world.kept.set(deliverySeq, { deliverySeq, token, leaseMs, untilMs: world.nowMs + keepMs })
      }
      return claimed
    },
  }
}

/** What a thread of its own does in the time that passes. */
async function prolong(store: MemoryStore, world: World): Promise<void> {
  for (const lease of world.kept.values()) {
    const isOver = lease.untilMs <= world.nowMs
    const [result] = isOver ? [] : await store.extend([lease], lease.leaseMs)
    if (result !== 'extended') world.kept.delete(lease.deliverySeq)
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
