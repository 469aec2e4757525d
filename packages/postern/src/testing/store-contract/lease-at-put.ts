import assert from 'node:assert/strict'
import type { Claimed, Delivery, DeliveryState } from '../../inbox/index.ts'
import { cases, type CaseBody, type ContractCase } from './case.ts'
import {
  anEvent,
  at,
  bytes,
  claim,
  claimedIds,
  claimOne,
  conflictSeq,
  deliveryIn,
  deliveryOf,
  detail,
  duplicateOf,
  events,
  inLine,
  LEASE_MS,
  MINUTE,
  only,
  OUTCOMES,
  put,
  putStored,
  SECOND,
  settle,
  storedSeq,
  WINDOW_MS,
  leasedOf,
  assertNotLeased,
} from './fixtures.ts'
import type { ContractStore } from './harness.ts'

const lease = { destination: 'handlers', leaseMs: LEASE_MS }
const otherBody = bytes('{"total":2}')

export const leaseAtPutCases: readonly ContractCase[] = [
  ...cases('put/lease', {
    'what is stored is leased to the caller at once, as its first attempt': async (store) => {
      const result = await put(store, anEvent({ tenant: 'acme', lease }))
      const leased = leasedOf(result)
      const eventSeq = storedSeq(result)
      const delivery = await deliveryOf(store, eventSeq)
      assert.deepEqual(
        [leased.deliverySeq, leased.token, leased.destination, leased.attempt],
        [delivery.deliverySeq, delivery.token, 'handlers', 1],
      )
      assert.deepEqual([delivery.state, delivery.attempt], ['leased', 1])
      await assertSameEvent(store, leased)
      assert.deepEqual(await claim(store), [])
      assert.equal(await settle(store, leased), 'settled')
      assert.equal((await deliveryOf(store, eventSeq)).state, 'succeeded')
    },
    'the lease lasts as long as was asked, and then others claim': async (store, harness) => {
      const leased = leasedOf(await put(store, anEvent({ lease: { ...lease, leaseMs: 10 * MINUTE } })))
      await harness.advance(9 * MINUTE)
      assert.deepEqual(await claim(store), [])
      await harness.advance(2 * MINUTE)
      const second = await claimOne(store)
      assert.deepEqual([second.deliverySeq, second.attempt], [leased.deliverySeq, 2])
      assert.ok(second.token > leased.token, 'A later lease must have a higher token')
      assert.equal(await settle(store, leased), 'lost')
    },
    'the lease can be extended, given back and retried': async (store, harness) => {
      const leased = leasedOf(await put(store, anEvent({ lease })))
      await harness.advance(LEASE_MS - 10 * SECOND)
      assert.deepEqual(await store.extend([leased], LEASE_MS), ['extended'])
      await harness.advance(LEASE_MS - 10 * SECOND)
      assert.deepEqual(await claim(store), [])
      await settle(store, leased, OUTCOMES.released)
      assert.equal((await claimOne(store)).attempt, 1)
    },
    'only the destination that was asked for is leased': async (store) => {
      const leased = leasedOf(await put(store, anEvent({ destinations: ['audit', 'handlers'], lease })))
      assert.equal(leased.destination, 'handlers')
      const destinations = ['audit', 'handlers'].map((name) => ({ name, limit: 9 }))
      assert.equal((await claimOne(store, { destinations })).destination, 'audit')
    },
    'where the event has no such delivery, it is stored and nothing is leased': async (store) => {
      const result = await put(store, anEvent({ destinations: ['audit'], lease }))
      storedSeq(result)
      assertNotLeased(result)
      assertNotLeased(await put(store, anEvent({ id: 'unhandled', destinations: [], lease })))
      assert.equal((await claimOne(store, { destinations: [{ name: 'audit', limit: 9 }] })).attempt, 1)
    },
    'where no lease is asked for, none is given': async (store) => {
      assertNotLeased(await put(store))
      assertNotLeased(await put(store))
      assert.equal((await claim(store)).length, 1)
    },
    'each event of an array is leased by itself': async (store) => {
      const results = await store.put(
        events(3).map((event, index) => (index === 1 ? event : { ...event, lease })),
      )
      const ids = results.map((result) => ('leased' in result ? result.leased?.event.id : undefined))
      assert.deepEqual(ids, ['evt_1', undefined, 'evt_3'])
      assert.deepEqual(await claimedIds(store), ['evt_2'])
    },
    'of many copies at once one is given the lease': async (store) => {
      const results = await Promise.all(Array.from({ length: 16 }, () => put(store, anEvent({ lease }))))
      const leased = results.filter((result) => 'leased' in result && result.leased !== undefined)
      assert.equal(leased.length, 1)
      assert.equal(at(leased, 0).outcome, 'stored')
    },
  }),
  ...cases('put/on-conflict', {
    'a conflict that is dispatched is delivered like any event': async (store) => {
      const eventSeq = await putStored(store)
      const event = anEvent({ body: otherBody, onConflict: 'dispatch', destinations: ['handlers', 'audit'] })
      const conflict = conflictSeq(await put(store, event), eventSeq)
      const { event: stored, deliveries } = await detail(store, conflict)
      assert.equal(stored.conflictsWith, eventSeq)
      assert.deepEqual(
        deliveries.map(({ destination, state }) => [destination, state]),
        [
          ['handlers', 'pending'],
          ['audit', 'pending'],
        ],
      )
      const claimed = at(await claim(store), 1)
      assert.equal(claimed.event.eventSeq, conflict)
      assert.equal(claimed.event.conflictsWith, eventSeq)
    },
    'it is flagged and remembered all the same': async (store) => {
      const eventSeq = await putStored(store)
      const event = anEvent({ body: otherBody, onConflict: 'dispatch' })
      const conflict = conflictSeq(await put(store, event), eventSeq)
      assert.equal(duplicateOf(await put(store, event), conflict).length, 1)
      assert.equal((await detail(store, conflict)).deliveries.length, 1)
    },
    'it can be leased at once': async (store) => {
      const eventSeq = await putStored(store, anEvent({ destinations: [] }))
      const result = await put(store, anEvent({ body: otherBody, onConflict: 'dispatch', lease }))
      const leased = leasedOf(result)
      assert.equal(leased.event.eventSeq, conflictSeq(result, eventSeq))
      assert.equal(leased.event.conflictsWith, eventSeq)
      await assertSameEvent(store, leased)
      assert.deepEqual(await claim(store), [])
      assert.equal(await settle(store, leased), 'settled')
    },
    'one that is held is not delivered, and cannot be leased': async (store) => {
      await putStored(store, anEvent({ destinations: [] }))
      const result = await put(store, anEvent({ body: otherBody, lease }))
      assert.equal(result.outcome, 'conflict')
      assertNotLeased(result)
      assertNotLeased(await put(store, anEvent({ body: otherBody, lease })))
      assert.deepEqual(await claim(store), [])
    },
    'in line it stands behind what came before it': async (store) => {
      const first = leasedOf(await put(store, inLine({ lease })))
      const dispatched = inLine({ body: otherBody, onConflict: 'dispatch', lease })
      assertNotLeased(await put(store, dispatched))
      await settle(store, first)
      assert.equal((await claimOne(store)).event.conflictsWith, first.event.eventSeq)
    },
  }),
  ...cases('put/lease-copy', {
    ...Object.fromEntries((['pending', 'dead'] as const).map(takenCase)),
    ...Object.fromEntries((['leased', 'succeeded', 'cancelled'] as const).map(leftCase)),
    'a pending one is taken though its retry is not due': async (store) => {
      await putStored(store)
      await settle(store, await claimOne(store), OUTCOMES.retry)
      const result = await put(store, anEvent({ lease }))
      assert.equal(leasedOf(result).attempt, 2)
      assert.equal(await settle(store, leasedOf(result)), 'settled')
      assert.deepEqual(await claim(store), [])
    },
    'a dead one starts its schedule anew, and keeps its attempts on record': async (store) => {
      await putStored(store)
      await settle(store, await claimOne(store), { kind: 'retry', afterMs: 0, error: 'again' })
      await settle(store, await claimOne(store), OUTCOMES.dead)
      const leased = leasedOf(await put(store, anEvent({ lease })))
      assert.equal(leased.attempt, 1)
      await settle(store, leased, { kind: 'retry', afterMs: 0, error: 'again' })
      const { attempts } = await deliveryOf(store, leased.event.eventSeq)
      assert.deepEqual(
        attempts.map(({ number, outcome }) => [number, outcome]),
        [
          [1, 'retry'],
          [2, 'dead'],
          [1, 'retry'],
        ],
      )
      assert.equal((await claimOne(store)).attempt, 2)
    },
    'a lease that has ended is taken over, and its holder is fenced': async (store, harness) => {
      const eventSeq = await putStored(store)
      const before = await claimOne(store)
      await harness.advance(LEASE_MS + SECOND)
      const result = await put(store, anEvent({ lease }))
      assert.equal(leasedOf(result).attempt, 2)
      assert.equal(only(duplicateOf(result, eventSeq)).state, 'leased')
      assert.equal(await settle(store, before), 'lost')
      assert.equal(await settle(store, leasedOf(result)), 'settled')
    },
    'who leaves copies is given none': async (store) => {
      const leaving = { ...lease, leavesCopies: true }
      assert.equal(leasedOf(await put(store, anEvent({ lease: leaving }))).attempt, 1)
      await deliveryIn(store, 'pending', anEvent({ id: 'evt_2' }))
      assertNotLeased(await put(store, anEvent({ id: 'evt_2', lease: leaving })))
    },
    'what is leased is the event that was recorded first': async (store) => {
      const first = anEvent({ type: 'first', headers: ['x-copy', '1'], createdMs: undefined })
      const eventSeq = await putStored(store, first)
      const copy = anEvent({ type: 'copy', headers: ['x-copy', '2'], lease })
      const leased = leasedOf(await put(store, copy))
      assert.deepEqual([leased.event.eventSeq, leased.event.type], [eventSeq, 'first'])
      await assertSameEvent(store, leased)
    },
    'of several deliveries there the newest is taken': async (store) => {
      const { eventSeq } = await deliveryIn(store, 'dead')
      await store.replay([{ eventSeq, destinations: ['audit', 'handlers'] }])
      const { deliveries } = await detail(store, eventSeq)
      const result = await put(store, anEvent({ lease }))
      assert.equal(leasedOf(result).deliverySeq, at(deliveries, 2).deliverySeq)
      assert.deepEqual(
        duplicateOf(result, eventSeq).map(({ state }) => state),
        ['dead', 'pending', 'pending'],
      )
    },
    'nothing is taken where another delivery there has succeeded': async (store) => {
      const { eventSeq } = await deliveryIn(store, 'succeeded')
      await store.replay([{ eventSeq, destinations: ['handlers'] }])
      assertNotLeased(await put(store, anEvent({ lease })))
      assert.equal((await claim(store)).length, 1)
    },
    'nothing is taken where another delivery there is leased': async (store) => {
      const { eventSeq } = await deliveryIn(store, 'leased')
      await store.replay([{ eventSeq, destinations: ['handlers'] }])
      assertNotLeased(await put(store, anEvent({ lease })))
      assert.equal((await claim(store)).length, 1)
    },
    'where the newest was cancelled, an older one is not taken': async (store) => {
      const { eventSeq } = await deliveryIn(store, 'dead')
      await store.replay([{ eventSeq, destinations: ['handlers'] }])
      const { deliveries } = await detail(store, eventSeq)
      await store.move([{ deliverySeq: at(deliveries, 1).deliverySeq, to: 'cancel' }])
      assertNotLeased(await put(store, anEvent({ lease })))
    },
    'another destination’s delivery is not taken, whatever its state': async (store) => {
      await deliveryIn(store, 'pending', anEvent({ destinations: ['audit'] }))
      assertNotLeased(await put(store, anEvent({ lease })))
      assert.equal((await claim(store, { destinations: [{ name: 'audit', limit: 9 }] })).length, 1)
    },
    'another destination’s success does not stand in the way': async (store) => {
      const both = anEvent({ destinations: ['audit', 'handlers'] })
      await putStored(store, both)
      await settle(store, await claimOne(store, { destinations: [{ name: 'audit', limit: 9 }] }))
      assert.equal(leasedOf(await put(store, { ...both, lease })).destination, 'handlers')
    },
    'a copy of an event that was pruned is a duplicate without a lease': async (store, harness) => {
      const { eventSeq } = await deliveryIn(store, 'succeeded')
      await harness.advance(WINDOW_MS / 2)
      await store.prune({ eventsOlderThanMs: MINUTE, limit: 9 })
      const result = await put(store, anEvent({ lease }))
      assert.deepEqual(duplicateOf(result, eventSeq), [])
      assertNotLeased(result)
    },
    'of many copies at once one is given the lease': async (store) => {
      await deliveryIn(store, 'dead')
      const results = await Promise.all(Array.from({ length: 16 }, () => put(store, anEvent({ lease }))))
      const leased = results.filter((result) => 'leased' in result && result.leased !== undefined)
      assert.equal(leased.length, 1)
    },
  }),
]

function takenCase(state: 'pending' | 'dead'): [string, CaseBody] {
  const run: CaseBody = async (store) => {
    const before = await deliveryIn(store, state)
    const result = await put(store, anEvent({ lease }))
    const leased = leasedOf(result)
    assert.deepEqual([leased.deliverySeq, leased.attempt], [before.deliverySeq, 1])
    assert.ok(leased.token > before.token, 'A later lease must have a higher token')
    assert.equal(only(duplicateOf(result, before.eventSeq)).state, state)
    await assertSameEvent(store, leased)
    assert.equal((await deliveryOf(store, before.eventSeq)).state, 'leased')
    assert.deepEqual(await claim(store), [])
    assert.equal(await settle(store, leased), 'settled')
  }
  return [`one that is ${state} is taken, and its state told as it was`, run]
}

function leftCase(state: Exclude<DeliveryState, 'pending' | 'dead'>): [string, CaseBody] {
  const run: CaseBody = async (store) => {
    const before: Delivery = await deliveryIn(store, state)
    const result = await put(store, anEvent({ lease }))
    assertNotLeased(result)
    assert.equal(only(duplicateOf(result, before.eventSeq)).state, state)
    assert.deepEqual(await deliveryOf(store, before.eventSeq), before)
  }
  return [`one that is ${state} is left alone`, run]
}

/** What is handed over is what the store holds. */
async function assertSameEvent(store: ContractStore, { event }: Claimed): Promise<void> {
  const { event: stored } = await detail(store, event.eventSeq)
  assert.deepEqual(
    { ...event, body: Uint8Array.from(event.body) },
    { ...stored, body: Uint8Array.from(stored.body) },
  )
}
