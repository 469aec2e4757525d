import assert from 'node:assert/strict'
import type { Claimed } from '../../inbox/index.ts'
import { cases, type ContractCase } from './case.ts'
import { claim, claimOne, deliveryOf, events, lineOf, OUTCOMES, putStored, settle } from './fixtures.ts'
import type { ContractStore, StoreHarness } from './harness.ts'

/** Long enough for a busy machine, since these cases run by the wall clock. */
const KEEP = { leaseMs: 600, keepMs: 1500 } as const
const FOR_EVER = { leaseMs: 600, keepMs: 600_000 } as const
const TICK_MS = 20
/** When a lease that was kept must have ended: it may have been prolonged just before. */
const LATEST_MS: number = KEEP.keepMs + 3 * KEEP.leaseMs

/**
 * Leases that a store with a thread of its own prolongs by itself. The store's clock and the wall clock advance together
 * here, at least: the store's may be ahead of the other, never behind.
 */
export const keepCases: readonly ContractCase[] = [
  ...cases('claim/keep', {
    'a kept lease outlives its leaseMs': async (store, harness) => {
      await putStored(store)
      const lease = await claimOne(store, FOR_EVER)
      await pass(harness, 3 * FOR_EVER.leaseMs)
      assert.deepEqual(await claim(store), [])
      const { leaseUntilMs, token, attempt } = await deliveryOf(store, lease.event.eventSeq)
      assert.ok((leaseUntilMs ?? 0) >= lease.event.receivedMs + 3 * FOR_EVER.leaseMs)
      assert.deepEqual([token, attempt], [lease.token, 1])
      assert.equal(await settle(store, lease), 'settled')
    },
    'a kept lease in a line holds its line': async (store, harness) => {
      await store.put(lineOf(2))
      const lease = await claimOne(store, FOR_EVER)
      await pass(harness, 2 * FOR_EVER.leaseMs)
      assert.deepEqual(await claim(store), [])
      await settle(store, lease)
      assert.equal((await claimOne(store)).event.id, 'evt_2')
    },
    'it is kept for keepMs, and then ends': async (store, harness) => {
      await putStored(store)
      await claimOne(store, KEEP)
      const heldMs = await untilClaimed(store, harness)
      assert.ok(heldMs >= KEEP.keepMs, `It must be kept for ${KEEP.keepMs} ms, and was for ${heldMs} ms`)
      assert.ok(heldMs < LATEST_MS, `It must end, and was kept for ${heldMs} ms`)
    },
    'a lease that nobody keeps ends while others are kept': async (store, harness) => {
      await store.put(events(2))
      const limited = { destinations: [{ name: 'handlers', limit: 1 }] }
      const kept = await claimOne(store, { ...limited, ...FOR_EVER })
      const lost = await claimOne(store, { ...limited, leaseMs: FOR_EVER.leaseMs })
      await pass(harness, 2 * FOR_EVER.leaseMs)
      assert.deepEqual(numbers(await claim(store)), [lost.deliverySeq])
      assert.equal(await settle(store, kept), 'settled')
    },
    'a short lease is kept beside a long one': async (store, harness) => {
      await store.put(events(2))
      const limited = { destinations: [{ name: 'handlers', limit: 1 }] }
      await claimOne(store, { ...limited, ...FOR_EVER, leaseMs: 60_000 })
      await claimOne(store, { ...limited, ...FOR_EVER })
      await pass(harness, 2 * FOR_EVER.leaseMs)
      assert.deepEqual(await claim(store), [])
    },
    'a lease whose settlement failed is kept still': async (store, harness) => {
      await putStored(store)
      const lease = await claimOne(store, FOR_EVER)
      assert.equal(await settle(store, lease, OUTCOMES.succeeded, [harness.failingEffect()]), 'failed')
      await pass(harness, 2 * FOR_EVER.leaseMs)
      assert.deepEqual(await claim(store), [])
      assert.equal(await settle(store, lease), 'settled')
    },
    'it ends with the settle, and its next lease is as long as that one asks': async (store, harness) => {
      await putStored(store)
      await settle(store, await claimOne(store, FOR_EVER), OUTCOMES.released)
      const again = await claimOne(store, { leaseMs: FOR_EVER.leaseMs })
      await pass(harness, 2 * FOR_EVER.leaseMs)
      assert.deepEqual(numbers(await claim(store)), [again.deliverySeq])
    },
  }),
]

/** Lets time pass, for the store and by the wall clock. */
async function pass(harness: StoreHarness, ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += TICK_MS) await tick(harness)
}

async function tick(harness: StoreHarness): Promise<void> {
  if (harness.pass !== undefined) return harness.pass(TICK_MS)
  const untilMs = performance.now() + TICK_MS
  while (performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, untilMs - performance.now()))
  }
  await harness.advance(TICK_MS)
}

/** How much of the store's time passes until the one delivery can be claimed again. */
async function untilClaimed(store: ContractStore, harness: StoreHarness): Promise<number> {
  for (let passedMs = 0; passedMs < LATEST_MS; passedMs += TICK_MS) {
    if ((await claim(store)).length > 0) return passedMs
    await tick(harness)
  }
  return LATEST_MS
}

function numbers(claimed: readonly Claimed[]): number[] {
  return claimed.map(({ deliverySeq }) => deliverySeq)
}
