import assert from 'node:assert/strict'
import { cases, type ContractCase } from './case.ts'
import {
  anEvent,
  anEventWithBodyKey,
  bytes,
  claim,
  conflictSeq,
  detail,
  duplicateOf,
  eventCount,
  MINUTE,
  plain,
  put,
  putStored,
  storedSeq,
  WINDOW_MS,
} from './fixtures.ts'

const otherBody = bytes('{"total":2}')
const thirdBody = bytes('{"total":3}')

export const dedupeCases: readonly ContractCase[] = [
  ...cases('put/body-key', {
    'the same body under another unsigned id is a duplicate': async (store) => {
      const eventSeq = await putStored(store, anEventWithBodyKey({ id: 'a' }))
      duplicateOf(await put(store, anEventWithBodyKey({ id: 'b' })), eventSeq)
      assert.equal((await detail(store, eventSeq)).duplicates, 1)
      assert.equal(await eventCount(store), 1)
    },
    'the same body under another signed id is another event': async (store) => {
      await putStored(store, anEvent({ id: 'a' }))
      await putStored(store, anEvent({ id: 'b' }))
    },
    'an event without an id is known by its body alone': async (store) => {
      const event = anEvent({ idKind: 'digest', id: '' })
      const eventSeq = await putStored(store, event)
      duplicateOf(await put(store, event), eventSeq)
    },
    'a known body under the id of another event is a copy and no conflict': async (store) => {
      await putStored(store, anEventWithBodyKey({ id: 'a' }))
      const second = await putStored(store, anEventWithBodyKey({ id: 'b', body: otherBody }))
      duplicateOf(await put(store, anEventWithBodyKey({ id: 'a', body: otherBody })), second)
    },
  }),
  ...cases('put/conflict', {
    'a known id with another body is stored, flagged, and not delivered': async (store) => {
      const eventSeq = await putStored(store)
      const conflict = conflictSeq(await put(store, anEvent({ body: otherBody })), eventSeq)
      const { event, deliveries } = await detail(store, conflict)
      assert.equal(event.conflictsWith, eventSeq)
      assert.deepEqual(plain(event.body), otherBody)
      assert.deepEqual(deliveries, [])
      assert.equal((await claim(store)).length, 1)
    },
    'the event recorded first stays as it was': async (store) => {
      const eventSeq = await putStored(store)
      const before = await detail(store, eventSeq)
      await put(store, anEvent({ body: otherBody }))
      assert.deepEqual(await detail(store, eventSeq), before)
    },
    'a copy of a conflict is a duplicate of the conflict': async (store) => {
      const eventSeq = await putStored(store)
      const conflict = conflictSeq(await put(store, anEvent({ body: otherBody })), eventSeq)
      assert.deepEqual(duplicateOf(await put(store, anEvent({ body: otherBody })), conflict), [])
      assert.equal((await detail(store, conflict)).duplicates, 1)
      assert.equal((await detail(store, eventSeq)).duplicates, 0)
    },
    'a copy of the first event is still its duplicate': async (store) => {
      const eventSeq = await putStored(store)
      await put(store, anEvent({ body: otherBody }))
      duplicateOf(await put(store), eventSeq)
    },
    'a third body is a conflict of its own with the first event': async (store) => {
      const eventSeq = await putStored(store)
      const second = conflictSeq(await put(store, anEvent({ body: otherBody })), eventSeq)
      const third = conflictSeq(await put(store, anEvent({ body: thirdBody })), eventSeq)
      assert.notEqual(second, third)
      assert.equal(await eventCount(store), 3)
    },
    'a conflict within one array is seen': async (store) => {
      const conflicting = anEvent({ body: otherBody })
      const [first, second, third] = await store.put([anEvent(), conflicting, conflicting])
      duplicateOf(third, conflictSeq(second, storedSeq(first)))
    },
    'the same conflict in another source is stored of itself': async (store) => {
      await putStored(store)
      await put(store, anEvent({ body: otherBody }))
      await putStored(store, anEvent({ source: 'bank', body: otherBody }))
    },
  }),
  ...cases('put/window', {
    'an id is remembered until its window ends': async (store, harness) => {
      const eventSeq = await putStored(store)
      await harness.advance(WINDOW_MS - MINUTE)
      duplicateOf(await put(store), eventSeq)
      await harness.advance(2 * MINUTE)
      assert.notEqual(await putStored(store), eventSeq)
    },
    'a copy does not prolong the window': async (store, harness) => {
      await putStored(store)
      await harness.advance(WINDOW_MS / 2)
      await put(store)
      await harness.advance(WINDOW_MS / 2 + MINUTE)
      await putStored(store)
    },
    'an id seen again after its window is remembered anew': async (store, harness) => {
      await putStored(store)
      await harness.advance(WINDOW_MS + MINUTE)
      const again = await putStored(store)
      await harness.advance(WINDOW_MS - MINUTE)
      duplicateOf(await put(store), again)
    },
    'another body after the window is no conflict': async (store, harness) => {
      await putStored(store)
      await harness.advance(WINDOW_MS + MINUTE)
      await putStored(store, anEvent({ body: otherBody }))
    },
    'each event has the window that it came with': async (store, harness) => {
      const short = anEvent({ id: 'short', dedupeWindowMs: MINUTE })
      const long = anEvent({ id: 'long', dedupeWindowMs: 10 * MINUTE })
      const [, longSeq] = (await store.put([short, long])).map(storedSeq)
      await harness.advance(5 * MINUTE)
      await putStored(store, short)
      duplicateOf(await put(store, long), longSeq ?? 0)
    },
    'a body is forgotten with its window as well': async (store, harness) => {
      await putStored(store, anEventWithBodyKey({ id: 'a' }))
      await harness.advance(WINDOW_MS + MINUTE)
      await putStored(store, anEventWithBodyKey({ id: 'b' }))
    },
  }),
]
