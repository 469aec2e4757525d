import assert from 'node:assert/strict'
import { cases, type ContractCase } from './case.ts'
import {
  anEvent,
  aRequest,
  bytes,
  claim,
  claimOne,
  conflictSeq,
  deliveryIn,
  deliveryOf,
  detail,
  duplicateOf,
  events,
  LEASE_MS,
  lineOf,
  MINUTE,
  OUTCOMES,
  put,
  putStored,
  recent,
  SECOND,
  settle,
} from './fixtures.ts'

/** What must be there when the store is opened again. A kind of store that forgets skips this clause, with its reason. */
export const durableCases: readonly ContractCase[] = cases('durable', {
  'an event is there with its delivery and attempts': async (store, harness) => {
    const { eventSeq } = await deliveryIn(store, 'dead')
    const before = await detail(store, eventSeq)
    await store.close()
    assert.deepEqual(await detail(await harness.reopen(), eventSeq), before)
  },
  'an id and a conflict are still remembered': async (store, harness) => {
    const conflicting = anEvent({ body: bytes('other') })
    const eventSeq = await putStored(store)
    const conflict = conflictSeq(await put(store, conflicting), eventSeq)
    await store.close()
    const again = await harness.reopen()
    duplicateOf(await put(again), eventSeq)
    duplicateOf(await put(again, conflicting), conflict)
  },
  'a lease survives, and its worker can settle it': async (store, harness) => {
    const eventSeq = await putStored(store)
    const lease = await claimOne(store)
    await store.close()
    const again = await harness.reopen()
    assert.deepEqual(await claim(again), [])
    assert.equal(await settle(again, lease), 'settled')
    assert.equal((await deliveryOf(again, eventSeq)).state, 'succeeded')
  },
  'a lease whose worker is gone ends': async (store, harness) => {
    await putStored(store)
    const lost = await claimOne(store)
    await store.close()
    const again = await harness.reopen()
    await harness.advance(LEASE_MS + SECOND)
    assert.ok((await claimOne(again)).token > lost.token)
    assert.equal(await settle(again, lost, OUTCOMES.dead), 'lost')
  },
  'effects are there with their settlement': async (store, harness) => {
    await putStored(store)
    await settle(store, await claimOne(store), { kind: 'succeeded' }, [harness.effect('kept')])
    await store.close()
    await harness.reopen()
    assert.deepEqual(await harness.effectsSeen(), ['kept'])
  },
  'numbers go on where they were': async (store, harness) => {
    const before = await deliveryIn(store, 'succeeded')
    await store.close()
    const after = await deliveryIn(await harness.reopen(), 'pending', anEvent({ id: 'later' }))
    assert.ok(after.eventSeq > before.eventSeq && after.deliverySeq > before.deliverySeq)
  },
  'what was being put when the store was closed is there': async (store, harness) => {
    const under = Promise.all(events(50).map((event) => put(store, event)))
    await store.close()
    const stored = (await under).filter(({ outcome }) => outcome === 'stored').length
    assert.equal((await (await harness.reopen()).stat()).events, stored)
    assert.equal(stored, 50)
  },
  'refused requests are there': async (store, harness) => {
    await store.rejected.record(aRequest())
    await store.close()
    const again = await harness.reopen()
    await again.rejected.record(aRequest())
    assert.deepEqual(
      (await recent(again, 10)).map(({ copies }) => copies),
      [2],
    )
  },
  'the small state is there, and what was removed is not': async (store, harness) => {
    await store.state.set('kept', 'one')
    await store.state.set('short', 'two', { forMs: MINUTE })
    await store.state.set('removed', 'three')
    await store.state.set('removed', undefined)
    await store.close()
    const { state } = await harness.reopen()
    assert.deepEqual(await state.list(''), [
      { key: 'kept', value: 'one' },
      { key: 'short', value: 'two' },
    ])
    await harness.advance(2 * MINUTE)
    assert.equal(await state.get('short'), undefined)
  },
  'lines are as they were': async (store, harness) => {
    await store.put([...lineOf(3), ...lineOf(2, { source: 'bank', onDead: 'continue' })])
    const [first, other] = await claim(store)
    assert.ok(first && other)
    await settle(store, other, OUTCOMES.dead)
    await store.close()
    const again = await harness.reopen()
    const overtaking = await claimOne(again)
    assert.deepEqual([overtaking.event.source, overtaking.event.id], ['bank', 'evt_2'])
    assert.deepEqual(await again.move([{ deliverySeq: other.deliverySeq, to: 'redrive' }]), ['overtaken'])
    assert.equal(await settle(again, first), 'settled')
    const next = await claimOne(again)
    assert.deepEqual([next.event.source, next.event.id], ['shop', 'evt_2'])
  },
  'a lease that was given at the put survives': async (store, harness) => {
    const [result] = await store.put([anEvent({ lease: { destination: 'handlers', leaseMs: LEASE_MS } })])
    const leased = result?.outcome === 'stored' ? result.leased : undefined
    if (leased === undefined) assert.fail('The event must be stored and leased')
    await store.close()
    const again = await harness.reopen()
    assert.deepEqual(await claim(again), [])
    assert.equal(await settle(again, leased), 'settled')
  },
})
