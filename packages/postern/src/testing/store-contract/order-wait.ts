import assert from 'node:assert/strict'
import type { Claimed } from '../../inbox/index.ts'
import { cases, type ContractCase } from './case.ts'
import {
  anEvent,
  bytes,
  claimOne,
  inLine,
  lineOf,
  OUTCOMES,
  promptly,
  put,
  putStored,
  SECOND,
  settle,
  startClaim,
} from './fixtures.ts'
import type { ContractStore, StoreHarness } from './harness.ts'

/** Short enough that a case can wait for it by the wall clock. */
const SOON_MS = 20
/** So many waits in a row that a store which only polls, even each second, is told from one that is woken. */
const WAITS = 12

export const orderWaitCases: readonly ContractCase[] = [
  ...cases('order/wait', {
    'the end of the one before ends the wait': async (store, harness) => {
      await store.put(lineOf(WAITS))
      await chained(store, harness, async (lease) => void (await settle(store, lease)))
    },
    'one that dies and lets the others pass ends the wait': async (store, harness) => {
      await store.put(lineOf(WAITS, { onDead: 'continue' }))
      await chained(store, harness, async (lease) => void (await settle(store, lease, OUTCOMES.dead)))
    },
    'a discard of what blocks ends the wait': async (store, harness) => {
      await store.put(lineOf(WAITS))
      await chained(store, harness, async (lease) => {
        await settle(store, lease, OUTCOMES.dead)
        await store.move([{ deliverySeq: lease.deliverySeq, to: 'discard' }])
      })
    },
    'a retry of the first that comes due ends the wait': async (store, harness) => {
      await store.put(lineOf(2))
      await chained(store, harness, async (lease) => {
        await settle(store, lease, { kind: 'retry', afterMs: SOON_MS, error: 'not yet' })
        await harness.advance(SOON_MS)
      })
    },
    'a lease of the first that ends ends the wait': async (store, harness) => {
      await store.put(lineOf(2))
      await chained(store, harness, async () => harness.advance(SOON_MS), SOON_MS)
    },
    'a put into an idle line ends the wait': async (store, harness) => {
      await putStored(store, inLine({ id: 'before' }))
      await settle(store, await claimOne(store))
      const waiting = startClaim(store)
      const eventSeq = await putStored(store, inLine({ id: 'after' }))
      assert.equal((await promptly(harness, waiting)).event.eventSeq, eventSeq)
    },
  }),
  ...cases('put/on-conflict', {
    'a conflict that is dispatched ends the wait': async (store, harness) => {
      await putStored(store, anEvent({ destinations: [] }))
      await promptly(harness, dispatchConflicts(store))
    },
  }),
]

/** Lets a claim wait while `next` brings on what it waits for, over and over. */
async function chained(
  store: ContractStore,
  harness: StoreHarness,
  next: (lease: Claimed) => Promise<void>,
  leaseMs: number = 600 * SECOND,
): Promise<void> {
  const all = async (): Promise<void> => {
    let lease = await claimOne(store, { leaseMs })
    for (let wait = 1; wait < WAITS; wait += 1) {
      const waiting = startClaim(store, { leaseMs })
      await next(lease)
      lease = await waiting
    }
  }
  await promptly(harness, all())
}

async function dispatchConflicts(store: ContractStore): Promise<void> {
  for (let number = 1; number < WAITS; number += 1) {
    const waiting = startClaim(store)
    await put(store, anEvent({ body: bytes(`other ${number}`), onConflict: 'dispatch' }))
    await settle(store, await waiting)
  }
}
