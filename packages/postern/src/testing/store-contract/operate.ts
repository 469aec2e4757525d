import assert from 'node:assert/strict'
import { PosternError } from '../../core/index.ts'
import { cases, type ContractCase } from './case.ts'
import {
  anEvent,
  aRequest,
  at,
  bytes,
  claim,
  claimOne,
  conflictSeq,
  deliveryIn,
  detail,
  duplicateOf,
  eventCount,
  events,
  LEASE_MS,
  MINUTE,
  put,
  putStored,
  settle,
  WINDOW_MS,
} from './fixtures.ts'
import type { ContractStore } from './harness.ts'

const OLD_MS: number = 10 * MINUTE

export const operateCases: readonly ContractCase[] = [
  ...cases('replay/new-delivery', {
    'a replay makes a delivery of its own for each destination': async (store) => {
      const { eventSeq, deliverySeq } = await deliveryIn(store, 'succeeded')
      const [result] = await store.replay([{ eventSeq, destinations: ['handlers', 'audit'] }])
      if (result === undefined || result === 'unknown') assert.fail('The event must be known')
      const { deliveries } = await detail(store, eventSeq)
      assert.deepEqual(
        deliveries.map((delivery) => [delivery.deliverySeq, delivery.destination, delivery.state]),
        [
          [deliverySeq, 'handlers', 'succeeded'],
          [result.deliverySeqs[0], 'handlers', 'pending'],
          [result.deliverySeqs[1], 'audit', 'pending'],
        ],
      )
    },
    'a replayed event is claimed as a first attempt': async (store) => {
      const { eventSeq } = await deliveryIn(store, 'dead')
      await store.replay([{ eventSeq, destinations: ['handlers'] }])
      const claimed = await claimOne(store)
      assert.deepEqual([claimed.event.eventSeq, claimed.attempt], [eventSeq, 1])
    },
    'a conflict can be replayed': async (store) => {
      const eventSeq = await putStored(store, anEvent({ destinations: [] }))
      const conflict = conflictSeq(await put(store, anEvent({ body: bytes('other') })), eventSeq)
      await store.replay([{ eventSeq: conflict, destinations: ['handlers'] }])
      assert.equal((await claimOne(store)).event.eventSeq, conflict)
    },
  }),
  ...cases('replay/unknown', {
    'an event that does not exist is unknown, and its neighbours are replayed': async (store) => {
      const eventSeq = await putStored(store, anEvent({ destinations: [] }))
      const results = await store.replay([
        { eventSeq: 999, destinations: ['handlers'] },
        { eventSeq, destinations: ['handlers'] },
      ])
      assert.equal(results.length, 2)
      assert.equal(results[0], 'unknown')
      assert.notEqual(results[1], 'unknown')
      assert.equal((await claim(store)).length, 1)
    },
  }),
  ...cases('prune/events', {
    'old events whose deliveries are finished go': async (store, harness) => {
      const succeeded = await deliveryIn(store, 'succeeded', anEvent({ id: 'a' }))
      const cancelled = await deliveryIn(store, 'cancelled', anEvent({ id: 'b' }))
      await harness.advance(OLD_MS + MINUTE)
      const { events: gone } = await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })
      assert.equal(gone, 2)
      assert.equal(await store.get(succeeded.eventSeq), undefined)
      assert.equal(await store.get(cancelled.eventSeq), undefined)
      assert.equal(await eventCount(store), 0)
    },
    'old events without deliveries go': async (store, harness) => {
      await putStored(store, anEvent({ destinations: [] }))
      await harness.advance(OLD_MS + MINUTE)
      assert.equal((await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })).events, 1)
    },
    'an age of no whole milliseconds is none the worse': async (store, harness) => {
      await putStored(store, anEvent({ destinations: [] }))
      await harness.advance(OLD_MS + MINUTE)
      assert.equal((await store.prune({ eventsOlderThanMs: OLD_MS + 0.5, limit: 100 })).events, 1)
    },
    'an old event that had to stay goes once it is done': async (store, harness) => {
      const eventSeq = await putStored(store)
      await harness.advance(OLD_MS + MINUTE)
      assert.equal((await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })).events, 0)
      await settle(store, await claimOne(store))
      assert.equal((await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })).events, 1)
      assert.equal(await store.get(eventSeq), undefined)
    },
    'the deliveries of a pruned event go with it': async (store, harness) => {
      await deliveryIn(store, 'succeeded')
      await harness.advance(OLD_MS + MINUTE)
      await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })
      assert.deepEqual((await store.list({ of: 'deliveries', limit: 10 })).deliveries, [])
    },
    'numbers are never used again': async (store, harness) => {
      const { eventSeq, deliverySeq } = await deliveryIn(store, 'succeeded')
      await harness.advance(OLD_MS + MINUTE)
      await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })
      const later = await deliveryIn(store, 'pending', anEvent({ id: 'later' }))
      assert.ok(later.eventSeq > eventSeq, 'A later event must have a higher number')
      assert.ok(later.deliverySeq > deliverySeq, 'A later delivery must have a higher number')
    },
  }),
  ...cases('prune/keeps', {
    'an event stays while a delivery is pending, leased or dead': async (store, harness) => {
      for (const state of ['pending', 'leased', 'dead'] as const) {
        await deliveryIn(store, state, anEvent({ id: state, destinations: [state] }))
      }
      await harness.advance(OLD_MS + MINUTE)
      assert.equal((await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })).events, 0)
      assert.equal(await eventCount(store), 3)
    },
    'an event that is to be kept for ever stays, and what is past its window goes': async (
      store,
      harness,
    ) => {
      for (const eventsOlderThanMs of [Infinity, 1e300]) {
        await deliveryIn(store, 'succeeded', anEvent({ id: String(eventsOlderThanMs) }))
        await harness.advance(WINDOW_MS + MINUTE)
        const gone = await store.prune({ eventsOlderThanMs, limit: 100 })
        assert.deepEqual(gone, { events: 0, dedupeRecords: 1 })
      }
      assert.equal(await eventCount(store), 2)
    },
    'an event stays while a replay of it is not finished': async (store, harness) => {
      const eventSeq = await putStored(store)
      await settle(store, await claimOne(store))
      await store.replay([{ eventSeq, destinations: ['handlers'] }])
      await harness.advance(OLD_MS + MINUTE)
      assert.equal((await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })).events, 0)
      assert.equal((await claimOne(store)).event.eventSeq, eventSeq)
    },
    'an event stays while one of its deliveries is not finished': async (store, harness) => {
      const eventSeq = await putStored(store, anEvent({ destinations: ['handlers', 'audit'] }))
      await settle(store, await claimOne(store))
      await harness.advance(OLD_MS + MINUTE)
      assert.equal((await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })).events, 0)
      assert.equal((await detail(store, eventSeq)).deliveries.length, 2)
    },
    'an event that is not old stays': async (store, harness) => {
      await deliveryIn(store, 'succeeded', anEvent({ id: 'old' }))
      await harness.advance(OLD_MS)
      const { eventSeq } = await deliveryIn(store, 'succeeded', anEvent({ id: 'new' }))
      await harness.advance(MINUTE)
      assert.equal((await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })).events, 1)
      assert.equal((await detail(store, eventSeq)).event.id, 'new')
    },
    'an id is remembered longer than its event': async (store, harness) => {
      const { eventSeq } = await deliveryIn(store, 'succeeded')
      await harness.advance(OLD_MS + MINUTE)
      const gone = await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })
      assert.deepEqual(gone, { events: 1, dedupeRecords: 0 })
      assert.deepEqual(duplicateOf(await put(store), eventSeq), [])
      conflictSeq(await put(store, anEvent({ body: bytes('other') })), eventSeq)
    },
  }),
  ...cases('prune/dedupe', {
    'dedupe records past their window go, whatever became of their events': async (store, harness) => {
      await deliveryIn(store, 'dead')
      await harness.advance(WINDOW_MS + MINUTE)
      const gone = await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })
      assert.deepEqual(gone, { events: 0, dedupeRecords: 1 })
      assert.equal((await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })).dedupeRecords, 0)
    },
    'the record of a conflict goes as well': async (store, harness) => {
      await putStored(store)
      await put(store, anEvent({ body: bytes('other') }))
      await harness.advance(WINDOW_MS + MINUTE)
      assert.equal((await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })).dedupeRecords, 2)
    },
    'an id that was remembered anew stays': async (store, harness) => {
      await putStored(store)
      await harness.advance(WINDOW_MS + MINUTE)
      const again = await putStored(store)
      await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })
      duplicateOf(await put(store), again)
    },
  }),
  ...cases('prune/limit', {
    'no more rows of a kind go than asked, the oldest events first': async (store, harness) => {
      await store.put(events(5, { destinations: [] }))
      await harness.advance(WINDOW_MS + MINUTE)
      const request = { eventsOlderThanMs: OLD_MS, limit: 2 }
      assert.deepEqual(await store.prune(request), { events: 2, dedupeRecords: 2 })
      const left = (await store.list({ of: 'events', limit: 10 })).events.map(({ id }) => id)
      assert.deepEqual(left, ['evt_5', 'evt_4', 'evt_3'])
      assert.deepEqual(await store.prune(request), { events: 2, dedupeRecords: 2 })
      assert.deepEqual(await store.prune(request), { events: 1, dedupeRecords: 1 })
      assert.deepEqual(await store.prune(request), { events: 0, dedupeRecords: 0 })
    },
    'events that must stay do not use up the limit': async (store, harness) => {
      await store.put(events(5))
      await deliveryIn(store, 'cancelled', anEvent({ id: 'done', destinations: ['other'] }))
      await harness.advance(OLD_MS + MINUTE)
      assert.equal((await store.prune({ eventsOlderThanMs: OLD_MS, limit: 2 })).events, 1)
    },
  }),
  ...cases('close/refuses', {
    'every verb of a closed store rejects with store_closed': async (store) => {
      const eventSeq = await putStored(store)
      const lease = at(await claim(store), 0)
      await store.close()
      for (const [verb, call] of Object.entries(everyVerb(store, eventSeq, lease))) {
        await assert.rejects(
          call,
          (error) => error instanceof PosternError && error.code === 'store_closed',
          verb,
        )
      }
    },
    'what was under way is done': async (store) => {
      const under = store.put([anEvent()])
      await store.close()
      assert.equal((await under)[0]?.outcome, 'stored')
    },
    'closing twice is closing once': async (store) => {
      await store.close()
      await store.close()
    },
  }),
]

function everyVerb(
  store: ContractStore,
  eventSeq: number,
  lease: { readonly deliverySeq: number; readonly token: number },
): Readonly<Record<string, () => Promise<unknown>>> {
  const outcome = { kind: 'succeeded' } as const
  return {
    put: () => store.put([anEvent()]),
    claim: () => claim(store),
    settle: () => store.settle([{ ...lease, outcome, durationMs: 1 }]),
    extend: () => store.extend([lease], LEASE_MS),
    move: () => store.move([{ deliverySeq: lease.deliverySeq, to: 'cancel' }]),
    get: () => store.get(eventSeq),
    list: () => store.list({ of: 'events', limit: 1 }),
    replay: () => store.replay([{ eventSeq, destinations: ['handlers'] }]),
    prune: () => store.prune({ eventsOlderThanMs: 0, limit: 1 }),
    stat: () => store.stat(),
    inspect: () => store.inspect(),
    'rejected.record': () => store.rejected.record(aRequest()),
    'rejected.list': () => store.rejected.list({ limit: 1 }),
    'state.get': () => store.state.get('cursor'),
    'state.set': () => store.state.set('cursor', 'one'),
    'state.list': () => store.state.list(''),
  }
}
