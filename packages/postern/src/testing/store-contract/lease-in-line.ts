import assert from 'node:assert/strict'
import type { NewEvent } from '../../inbox/index.ts'
import { cases, type ContractCase } from './case.ts'
import {
  at,
  claim,
  claimedIds,
  deliveryIn,
  deliveryOf,
  duplicateOf,
  inLine,
  LEASE_MS,
  lineOf,
  MINUTE,
  only,
  OUTCOMES,
  put,
  putStored,
  SECOND,
  settle,
  leasedOf,
  assertNotLeased,
} from './fixtures.ts'
import type { ContractStore } from './harness.ts'

const lease = { destination: 'handlers', leaseMs: LEASE_MS }

/** Leases at a put where deliveries stand in line. */
export const leaseInLineCases: readonly ContractCase[] = [
  ...cases('put/lease-in-line', {
    'the first of its line is leased, and those behind it are not': async (store) => {
      const [first, second] = await store.put(lineOf(2, { lease }))
      assertNotLeased(second)
      assert.deepEqual(await claim(store), [])
      await settle(store, leasedOf(first))
      const copy = await put(store, at(lineOf(2, { lease }), 1))
      assert.equal(leasedOf(copy).event.id, 'evt_2')
      assert.deepEqual(await claim(store), [])
    },
    'behind one that waits for its retry none is leased': async (store) => {
      await settle(store, leasedOf(await put(store, inLine({ id: 'first', lease }))), OUTCOMES.retry)
      await assertNoneLeased(store, inLine({ id: 'second', lease }))
      await assertNoneLeased(store, inLine({ id: 'second', lease }))
      assert.equal(leasedOf(await put(store, inLine({ id: 'first', lease }))).attempt, 2)
    },
    'behind one that is pending none is leased': async (store) => {
      await putStored(store, inLine({ id: 'first' }))
      await assertNoneLeased(store, inLine({ id: 'second', lease }))
      await assertNoneLeased(store, inLine({ id: 'second', lease }))
      assert.deepEqual(await claimedIds(store), ['first'])
    },
    'behind one whose lease has ended none is leased': async (store, harness) => {
      leasedOf(await put(store, inLine({ id: 'first', lease })))
      await harness.advance(LEASE_MS + SECOND)
      await assertNoneLeased(store, inLine({ id: 'second', lease }))
      assert.deepEqual(await claimedIds(store), ['first'])
    },
    'behind one that is dead and blocks none is leased': async (store) => {
      await deliveryIn(store, 'dead', inLine({ id: 'first' }))
      await assertNoneLeased(store, inLine({ id: 'second', lease }))
      await assertNoneLeased(store, inLine({ id: 'second', lease }))
    },
    'a dead one that blocks is taken, and the others wait until it has succeeded': async (store) => {
      const dead = await deliveryIn(store, 'dead', inLine({ id: 'first' }))
      await putStored(store, inLine({ id: 'second' }))
      const leased = leasedOf(await put(store, inLine({ id: 'first', lease })))
      assert.deepEqual([leased.deliverySeq, leased.attempt], [dead.deliverySeq, 1])
      assert.equal((await deliveryOf(store, dead.eventSeq)).blocks, false)
      assert.equal(only((await store.stat()).destinations).blockedKeys, 0)
      assert.deepEqual(await claim(store), [])
      await settle(store, leased)
      assert.deepEqual(await claimedIds(store), ['second'])
    },
    'a dead one that nothing has overtaken is taken, and nothing runs beside it': async (store) => {
      await deliveryIn(store, 'dead', inLine({ id: 'first', onDead: 'continue' }))
      await putStored(store, inLine({ id: 'second', onDead: 'continue' }))
      const leased = leasedOf(await put(store, inLine({ id: 'first', onDead: 'continue', lease })))
      assert.deepEqual(await claim(store), [])
      await settle(store, leased)
      assert.deepEqual(await claimedIds(store), ['second'])
    },
    'a dead one that was taken stands in line again, and its retry comes before the others': async (
      store,
      harness,
    ) => {
      await deliveryIn(store, 'dead', inLine({ id: 'first', onDead: 'continue' }))
      await putStored(store, inLine({ id: 'second', onDead: 'continue' }))
      const leased = leasedOf(await put(store, inLine({ id: 'first', onDead: 'continue', lease })))
      assert.equal(only((await store.stat()).destinations).leased, 1)
      await settle(store, leased, OUTCOMES.retry)
      assert.deepEqual(await claim(store), [])
      await harness.advance(MINUTE + SECOND)
      assert.deepEqual(await claimedIds(store), ['first'])
    },
    'a dead one that was overtaken is not taken': async (store) => {
      const { eventSeq } = await deliveryIn(store, 'dead', inLine({ id: 'first', onDead: 'continue' }))
      const overtaking = leasedOf(await put(store, inLine({ id: 'second', onDead: 'continue', lease })))
      await assertNoneLeased(store, inLine({ id: 'first', onDead: 'continue', lease }))
      await settle(store, overtaking)
      const result = await put(store, inLine({ id: 'first', onDead: 'continue', lease }))
      assertNotLeased(result)
      assert.equal(only(duplicateOf(result, eventSeq)).state, 'dead')
    },
    'a lease at put overtakes like a claim': async (store) => {
      const dead = await deliveryIn(store, 'dead', inLine({ id: 'first', onDead: 'continue' }))
      await settle(store, leasedOf(await put(store, inLine({ id: 'second', onDead: 'continue', lease }))))
      const { deliverySeq } = dead
      assert.deepEqual(await store.move([{ deliverySeq, to: 'redrive' }]), ['overtaken'])
    },
    'one that was forced to come next is not taken beside the one that runs': async (store) => {
      const { deliverySeq } = await deliveryIn(store, 'dead', inLine({ id: 'first', onDead: 'continue' }))
      const running = leasedOf(await put(store, inLine({ id: 'second', onDead: 'continue', lease })))
      assert.deepEqual(await store.move([{ deliverySeq, to: 'redrive', force: true }]), ['moved'])
      await assertNoneLeased(store, inLine({ id: 'first', onDead: 'continue', lease }))
      await settle(store, running)
      leasedOf(await put(store, inLine({ id: 'first', onDead: 'continue', lease })))
    },
    'where the lease ended, only that delivery is claimed': async (store, harness) => {
      leasedOf(await put(store, inLine({ id: 'first', lease })))
      await putStored(store, inLine({ id: 'second' }))
      assert.deepEqual(await claim(store), [])
      await harness.advance(LEASE_MS + SECOND)
      assert.deepEqual(await claimedIds(store), ['first'])
    },
    'events of the same key without order are leased beside it': async (store) => {
      leasedOf(await put(store, inLine({ id: 'first', lease })))
      leasedOf(await put(store, inLine({ id: 'second', onDead: undefined, lease })))
      leasedOf(await put(store, inLine({ id: 'third', orderingKey: 'cart 8', lease })))
    },
  }),
]

async function assertNoneLeased(store: ContractStore, event: NewEvent): Promise<void> {
  assertNotLeased(await put(store, event))
}
