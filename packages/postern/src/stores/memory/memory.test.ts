import { describe, expect, test } from 'vitest'
import { CLAUSES, storeContract, type Clause, type StoreHarness } from '../../testing/index.ts'
import { anEvent, claim } from '../../testing/store-contract/fixtures.ts'
import { memory, type MemoryEffect, type MemoryStore } from './index.ts'

/** What a store in memory cannot keep, and why. */
const SKIPPED: Partial<Record<Clause, string>> = {
  durable: 'memory is lost with the process',
  'claim/keep': 'a store without a thread prolongs no lease by itself',
  'settle/effects-undone': 'what a function did cannot be undone',
}

describe('the Store contract over memory', () => {
  for (const { clause, name, run } of storeContract) {
    const reason = SKIPPED[clause]
    test.skipIf(reason)(`${clause}: ${name}${reason ? ` (${reason})` : ''}`, async () => {
      const harness = memoryHarness()
      await run(harness).finally(() => harness.dispose())
    })
  }

  test('every clause has a case, and every case a name of its own', () => {
    expect(new Set(storeContract.map(({ clause }) => clause))).toEqual(new Set(CLAUSES))
    const names = storeContract.map(({ clause, name }) => `${clause}: ${name}`)
    expect(new Set(names).size).toBe(names.length)
  })
})

test('an effect that throws what cannot be looked at fails its settlement, and nothing beside it', async () => {
  const store = memory()
  await store.put([anEvent({ id: 'one' }), anEvent({ id: 'two' })])
  const [bad, good] = await claim(store)
  const { proxy, revoke } = Proxy.revocable(new Error(), {})
  revoke()
  const outcome = { kind: 'succeeded' } as const
  const results = await store.settle([
    {
      ...bad!,
      outcome,
      durationMs: 1,
      effects: [
        () => {
          throw proxy
        },
      ],
    },
    { ...good!, outcome, durationMs: 1 },
  ])
  expect(results).toMatchObject([{ result: 'failed' }, { result: 'settled' }])
})

/** A clock that stands still between advances, so that nothing in a case depends on how fast it runs. */
function memoryHarness(): StoreHarness {
  const seen: string[] = []
  let nowMs = 1_750_000_000_000
  let store: MemoryStore | undefined
  return {
    open: async () => (store = memory({ now: () => nowMs })),
    reopen: () => Promise.reject(new Error(SKIPPED.durable)),
    advance: (ms) => void (nowMs += ms),
    effect:
      (name): MemoryEffect =>
      () =>
        void seen.push(name),
    failingEffect: (): MemoryEffect => () => {
      throw new Error('This effect fails')
    },
    effectsSeen: async () => seen,
    dispose: async () => store?.close(),
  }
}
