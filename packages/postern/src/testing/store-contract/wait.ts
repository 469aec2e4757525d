import assert from 'node:assert/strict'
import { cases, type ContractCase } from './case.ts'
import {
  anEvent,
  claim,
  claimOne,
  deliveryIn,
  MINUTE,
  promptly,
  putStored,
  startClaim,
  settle,
  storedSeq,
} from './fixtures.ts'
import type { ContractStore, StoreHarness } from './harness.ts'

/** Longer than a case may take: a claim that is answered was woken. */
const waitMs: number = 10 * MINUTE
/** Short enough that a case can wait for it by the wall clock. */
const SOON_MS = 20

export const waitCases: readonly ContractCase[] = [
  ...cases('claim/wait', {
    'work that is due is answered without waiting': async (store, harness) => {
      await putStored(store)
      await promptly(harness, claimOne(store, { waitMs }))
    },
    'a wait ends without work after waitMs': async (store, harness) => {
      assert.deepEqual(await promptly(harness, claim(store, { waitMs: SOON_MS })), [])
    },
    'a put ends the wait': async (store, harness) => {
      const waiting = startClaim(store)
      const eventSeq = await putStored(store)
      assert.equal((await promptly(harness, waiting)).event.eventSeq, eventSeq)
    },
    'a put for another destination does not': async (store, harness) => {
      const waiting = startClaim(store)
      await putStored(store, anEvent({ id: 'other', destinations: ['elsewhere'] }))
      await putStored(store, anEvent({ id: 'mine' }))
      assert.equal((await promptly(harness, waiting)).event.id, 'mine')
    },
    'a delivery given back ends the wait': async (store, harness) => {
      await putStored(store)
      const lease = await claimOne(store)
      const waiting = startClaim(store)
      await settle(store, lease, { kind: 'released' })
      assert.equal((await promptly(harness, waiting)).deliverySeq, lease.deliverySeq)
    },
    'a redrive ends the wait': async (store, harness) => {
      const { deliverySeq } = await deliveryIn(store, 'dead')
      const waiting = startClaim(store)
      await store.move([{ deliverySeq, to: 'redrive' }])
      assert.equal((await promptly(harness, waiting)).deliverySeq, deliverySeq)
    },
    'a replay ends the wait': async (store, harness) => {
      const eventSeq = await putStored(store, anEvent({ destinations: [] }))
      const waiting = startClaim(store)
      await store.replay([{ eventSeq, destinations: ['handlers'] }])
      assert.equal((await promptly(harness, waiting)).event.eventSeq, eventSeq)
    },
    'a retry that comes due ends the wait': async (store, harness) => {
      await putStored(store)
      await settle(store, await claimOne(store), { kind: 'retry', afterMs: SOON_MS, error: 'not yet' })
      const waiting = startClaim(store)
      await harness.advance(SOON_MS)
      assert.equal((await promptly(harness, waiting)).attempt, 2)
    },
    'a retry that was settled during the wait ends it when it comes due': async (store, harness) => {
      await putStored(store)
      const lease = await claimOne(store)
      const waiting = startClaim(store)
      await settle(store, lease, { kind: 'retry', afterMs: SOON_MS, error: 'not yet' })
      await harness.advance(SOON_MS)
      assert.equal((await promptly(harness, waiting)).attempt, 2)
    },
    'a lease that ends ends the wait': async (store, harness) => {
      await putStored(store)
      const lost = await claimOne(store, { leaseMs: SOON_MS })
      const waiting = startClaim(store)
      await harness.advance(SOON_MS)
      assert.ok((await promptly(harness, waiting)).token > lost.token)
    },
    'of two that wait, each gets one of two deliveries': async (store, harness) => {
      const limited = { destinations: [{ name: 'handlers', limit: 1 }] }
      const waiting = [startClaim(store, limited), startClaim(store, limited)]
      const put = await store.put([anEvent({ id: 'a' }), anEvent({ id: 'b' })])
      const claimed = await promptly(harness, Promise.all(waiting))
      const taken = new Set(claimed.map(({ event }) => event.eventSeq))
      assert.deepEqual(taken, new Set(put.map(storedSeq)))
    },
  }),
  ...cases('claim/abort', {
    'the signal ends the wait': async (store, harness) => {
      const abort = new AbortController()
      const waiting = claim(store, { waitMs, signal: abort.signal })
      abort.abort()
      assert.deepEqual(await promptly(harness, waiting), [])
    },
    'a signal that came before the claim ends the wait': async (store, harness) => {
      assert.deepEqual(await promptly(harness, claim(store, { waitMs, signal: AbortSignal.abort() })), [])
    },
    'a wait that was ended takes nothing that comes later': async (store, harness) => {
      await abortedClaim(store, harness)
      const eventSeq = await putStored(store)
      assert.equal((await claimOne(store)).event.eventSeq, eventSeq)
    },
    'a signal ends its own wait only': async (store, harness) => {
      const waiting = startClaim(store)
      await abortedClaim(store, harness)
      await putStored(store)
      await promptly(harness, waiting)
    },
  }),
  ...cases('close/waiting', {
    'a claim that waits is answered with an empty array': async (store, harness) => {
      const waiting = claim(store, { waitMs })
      await store.close()
      assert.deepEqual(await promptly(harness, waiting), [])
    },
  }),
]

async function abortedClaim(store: ContractStore, harness: StoreHarness): Promise<void> {
  const abort = new AbortController()
  const waiting = claim(store, { waitMs, signal: abort.signal })
  abort.abort()
  await promptly(harness, waiting)
}
