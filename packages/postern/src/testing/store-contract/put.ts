import assert from 'node:assert/strict'
import type { NewEvent } from '../../inbox/index.ts'
import { cases, type ContractCase } from './case.ts'
import {
  anEvent,
  anEventWithBodyKey,
  at,
  bytes,
  claim,
  claimOne,
  deliveryIn,
  deliveryOf,
  detail,
  duplicateOf,
  eventCount,
  events,
  plain,
  put,
  putStored,
  settle,
  storedSeq,
} from './fixtures.ts'

export const putCases: readonly ContractCase[] = [
  ...cases('put/stored', {
    'a new event is stored with what was said of it': async (store) => {
      const event = anEvent({ tenant: 'acme', orderingKey: 'cart 7', verifiedBy: 'standard' })
      const eventSeq = await putStored(store, event)
      const { event: stored, duplicates } = await detail(store, eventSeq)
      const { eventSeq: _eventSeq, receivedMs, body, conflictsWith, ...said } = stored
      const { body: sent, dedupeWindowMs: _window, destinations: _destinations, ...asked } = event
      const { idKind: _idKind, onDead: _onDead, onConflict: _onConflict, ...expected } = asked
      assert.deepEqual(said, expected)
      assert.deepEqual(plain(body), plain(sent))
      assert.ok(Number.isSafeInteger(receivedMs), 'receivedMs must be whole milliseconds')
      assert.equal(conflictsWith, undefined)
      assert.equal(duplicates, 0)
    },
    'what the provider did not say stays unsaid': async (store) => {
      const eventSeq = await putStored(store, anEvent({ createdMs: undefined, orderingKey: undefined }))
      const { event } = await detail(store, eventSeq)
      assert.deepEqual([event.createdMs, event.orderingKey], [undefined, undefined])
    },
    'one delivery is made for each destination, pending and due': async (store) => {
      const eventSeq = await putStored(store, anEvent({ destinations: ['handlers', 'audit'] }))
      const { event, deliveries } = await detail(store, eventSeq)
      const seen = deliveries.map(({ destination, state, attempt, dueMs }) => [
        destination,
        state,
        attempt,
        dueMs <= event.receivedMs,
      ])
      assert.deepEqual(seen, [
        ['handlers', 'pending', 0, true],
        ['audit', 'pending', 0, true],
      ])
    },
    'an event that nothing handles is stored without deliveries': async (store) => {
      const eventSeq = await putStored(store, anEvent({ destinations: [] }))
      assert.deepEqual((await detail(store, eventSeq)).deliveries, [])
      assert.deepEqual(await claim(store), [])
    },
    'later events have higher numbers': async (store) => {
      const eventSeqs = (await store.put(events(3))).map(storedSeq)
      assert.deepEqual(
        eventSeqs,
        eventSeqs.toSorted((left, right) => left - right),
      )
      assert.equal(new Set(eventSeqs).size, 3)
      assert.ok((await putStored(store, anEvent({ id: 'later' }))) > at(eventSeqs, 2))
    },
    'an empty array is answered with an empty array': async (store) => {
      assert.deepEqual(await store.put([]), [])
    },
  }),
  ...cases('put/duplicate', {
    'a copy is a duplicate of the event recorded first': async (store) => {
      const eventSeq = await putStored(store)
      duplicateOf(await put(store), eventSeq)
      assert.equal(await eventCount(store), 1)
    },
    'a copy makes no further delivery': async (store) => {
      const eventSeq = await putStored(store)
      await put(store)
      assert.equal((await detail(store, eventSeq)).deliveries.length, 1)
    },
    'every copy is counted': async (store) => {
      const eventSeq = await putStored(store)
      await put(store)
      await store.put([anEvent(), anEvent()])
      assert.equal((await detail(store, eventSeq)).duplicates, 3)
    },
    'copies within one array are recognised': async (store) => {
      const results = await store.put([anEvent(), anEvent(), anEvent({ id: 'other' }), anEvent()])
      const eventSeq = storedSeq(results[0])
      duplicateOf(results[1], eventSeq)
      assert.notEqual(storedSeq(results[2]), eventSeq)
      duplicateOf(results[3], eventSeq)
    },
    'a duplicate is answered with the deliveries and their states now': async (store) => {
      const both = anEvent({ destinations: ['handlers', 'audit'] })
      const eventSeq = await putStored(store, both)
      await settle(store, await claimOne(store))
      const states = duplicateOf(await put(store, both), eventSeq)
      const [handlers, audit] = (await detail(store, eventSeq)).deliveries.map(
        ({ deliverySeq }) => deliverySeq,
      )
      assert.deepEqual(states, [
        { deliverySeq: handlers, destination: 'handlers', state: 'succeeded' },
        { deliverySeq: audit, destination: 'audit', state: 'pending' },
      ])
    },
    'a copy leaves the delivery as it is': async (store) => {
      const before = await deliveryIn(store, 'dead')
      await put(store)
      assert.deepEqual(await deliveryOf(store, before.eventSeq), before)
    },
    'a copy is recognised by its id or by its body': async (store) => {
      const eventSeq = await putStored(store, anEventWithBodyKey({ id: 'a' }))
      duplicateOf(await put(store, anEvent({ id: 'a' })), eventSeq)
      duplicateOf(await put(store, anEvent({ idKind: 'digest', id: 'b' })), eventSeq)
    },
  }),
  ...cases('put/concurrent', {
    'of 64 copies at once, one is stored': async (store) => {
      const results = await Promise.all(Array.from({ length: 64 }, () => put(store)))
      const stored = results.filter(({ outcome }) => outcome === 'stored')
      assert.equal(stored.length, 1)
      const eventSeq = storedSeq(stored[0])
      for (const result of results) if (result.outcome !== 'stored') duplicateOf(result, eventSeq)
      assert.equal((await detail(store, eventSeq)).duplicates, 63)
    },
    'concurrent arrays with the same ids in opposite orders store each once': async (store) => {
      const all = events(20)
      const results = (await Promise.all([store.put(all), store.put(all.toReversed())])).flat()
      assert.equal(results.filter(({ outcome }) => outcome === 'stored').length, 20)
      assert.equal(results.filter(({ outcome }) => outcome === 'duplicate').length, 20)
      assert.equal(await eventCount(store), 20)
    },
    'different events at once are all stored': async (store) => {
      const results = await Promise.all(events(64).map((event) => put(store, event)))
      assert.equal(new Set(results.map(storedSeq)).size, 64)
    },
  }),
  ...cases('put/apart', {
    'tenants do not share ids': async (store) => {
      const first = await putStored(store, anEvent({ tenant: 'acme' }))
      const second = await putStored(store, anEvent({ tenant: 'initech' }))
      duplicateOf(await put(store, anEvent({ tenant: 'acme' })), first)
      duplicateOf(await put(store, anEvent({ tenant: 'initech' })), second)
    },
    'sources do not share ids': async (store) => {
      await putStored(store, anEvent({ source: 'shop' }))
      await putStored(store, anEvent({ source: 'bank' }))
    },
    'ids that differ in case or in a trailing space are different': async (store) => {
      const results = await store.put(['evt', 'EVT', 'evt '].map((id) => anEvent({ id })))
      assert.equal(new Set(results.map(storedSeq)).size, 3)
    },
  }),
  ...cases('put/independent', {
    'an event that cannot be stored fails alone': async (store) => {
      const results = await store.put([anEvent({ id: 'a' }), unstorable(), anEvent({ id: 'b' })])
      storedSeq(results[0])
      const failed = at(results, 1)
      if (failed.outcome !== 'failed') assert.fail(`Expected the outcome failed, got ${failed.outcome}`)
      assert.ok(failed.error instanceof Error, 'A failed event must be answered with an Error')
      storedSeq(results[2])
      assert.equal(await eventCount(store), 2)
    },
    'an event that failed leaves nothing behind': async (store) => {
      await store.put([unstorable()])
      const mended = await putStored(store, anEvent({ id: 'unstorable' }))
      assert.equal((await detail(store, mended)).deliveries.length, 1)
      assert.equal((await claim(store)).length, 1)
    },
    'text that an engine may refuse never fails its neighbours': async (store) => {
      const odd = ['nul \u0000', 'half a pair \ud83d', 'x'.repeat(9 * 1024)]
      const results = await store.put([
        anEvent({ id: 'first' }),
        ...odd.map((id) => anEvent({ id })),
        anEvent({ id: 'last' }),
      ])
      assert.equal(results.length, 5)
      storedSeq(results[0])
      storedSeq(results[4])
    },
  }),
  ...cases('put/copied', {
    'bytes and lists that the caller changes afterwards stay as they were': async (store) => {
      const body = bytes('{"total":1}')
      const headers = ['x-one', '1']
      const destinations = ['handlers']
      const pending = store.put([anEvent({ body, headers, destinations })])
      const eventSeq = storedSeq((await pending)[0])
      body.fill(0)
      headers.push('x-two', '2')
      destinations.push('audit')
      const { event, deliveries } = await detail(store, eventSeq)
      assert.deepEqual(plain(event.body), bytes('{"total":1}'))
      assert.deepEqual(event.headers, ['x-one', '1'])
      assert.equal(deliveries.length, 1)
    },
    'a body that a reader changes is handed out unchanged to the next': async (store) => {
      const eventSeq = await putStored(store)
      ;(await claimOne(store)).event.body.fill(0)
      ;(await detail(store, eventSeq)).event.body.fill(0)
      assert.deepEqual(plain((await detail(store, eventSeq)).event.body), bytes('{"total":1}'))
    },
  }),
]

/** An event with a body that is no bytes, as a caller without types could pass. */
function unstorable(): NewEvent {
  const notBytes: unknown = 'text'
  // The cast is the point: the type forbids what this case is about.
  return { ...anEvent({ id: 'unstorable' }), body: notBytes as Uint8Array }
}
