import assert from 'node:assert/strict'
import { cases, type ContractCase } from './case.ts'
import {
  claim,
  claimOne,
  deliveryIn,
  deliveryOf,
  events,
  LEASE_MS,
  MINUTE,
  putStored,
  SECOND,
  settle,
} from './fixtures.ts'

export const extendCases: readonly ContractCase[] = [
  ...cases('extend/prolongs', {
    'an extended lease lasts from now on': async (store, harness) => {
      await putStored(store)
      const lease = await claimOne(store)
      await harness.advance(LEASE_MS - 10 * SECOND)
      assert.deepEqual(await store.extend([lease], LEASE_MS), ['extended'])
      await harness.advance(LEASE_MS - 10 * SECOND)
      assert.deepEqual(await claim(store), [])
      await harness.advance(20 * SECOND)
      assert.equal((await claimOne(store)).deliverySeq, lease.deliverySeq)
    },
    'an extension is not added to what was left': async (store, harness) => {
      await putStored(store)
      const lease = await claimOne(store)
      await store.extend([lease], LEASE_MS + MINUTE)
      await harness.advance(LEASE_MS + MINUTE + SECOND)
      assert.equal((await claim(store)).length, 1)
    },
    'an extended lease keeps its token and its attempt': async (store) => {
      const eventSeq = await putStored(store)
      const lease = await claimOne(store)
      await store.extend([lease], 2 * LEASE_MS)
      const { token, attempt } = await deliveryOf(store, eventSeq)
      assert.deepEqual([token, attempt], [lease.token, 1])
      assert.equal(await settle(store, lease), 'settled')
    },
    'each lease of an array is extended, in its order': async (store, harness) => {
      await store.put(events(3))
      const leases = await claim(store)
      const stranger = { deliverySeq: 999, token: 1 }
      assert.deepEqual(await store.extend([...leases, stranger], 2 * LEASE_MS), [
        'extended',
        'extended',
        'extended',
        'lost',
      ])
      await harness.advance(LEASE_MS + SECOND)
      assert.deepEqual(await claim(store), [])
    },
  }),
  ...cases('extend/fence', {
    'a worker cannot extend what another has claimed since': async (store, harness) => {
      const eventSeq = await putStored(store)
      const old = await claimOne(store)
      await harness.advance(LEASE_MS + SECOND)
      await claimOne(store)
      const before = await deliveryOf(store, eventSeq)
      assert.deepEqual(await store.extend([old], 10 * LEASE_MS), ['lost'])
      assert.deepEqual(await deliveryOf(store, eventSeq), before)
    },
    'what is not leased cannot be extended': async (store) => {
      for (const [index, state] of (['pending', 'succeeded', 'dead', 'cancelled'] as const).entries()) {
        const [event] = events(1, { id: `evt_${index}`, destinations: [state] })
        const before = await deliveryIn(store, state, event)
        assert.deepEqual(await store.extend([before], LEASE_MS), ['lost'], state)
        assert.deepEqual(await deliveryOf(store, before.eventSeq), before)
      }
    },
    'an empty array is answered with an empty array': async (store) => {
      assert.deepEqual(await store.extend([], LEASE_MS), [])
    },
  }),
]
