import assert from 'node:assert/strict'
import type { Histogram, ListPage, ListQuery } from '../../inbox/index.ts'
import { cases, type ContractCase } from './case.ts'
import {
  anEvent,
  at,
  bytes,
  claim,
  claimOne,
  conflictSeq,
  deliveryIn,
  deliveryOf,
  detail,
  events,
  inLine,
  MINUTE,
  only,
  put,
  putAll,
  putStored,
  settle,
  storedSeq,
} from './fixtures.ts'
import type { ContractStore } from './harness.ts'

export const readCases: readonly ContractCase[] = [
  ...cases('get/detail', {
    'an event that does not exist is undefined': async (store) => {
      assert.equal(await store.get(999), undefined)
      assert.equal(await store.get(0), undefined)
    },
    'each event is found by its own number': async (store) => {
      const [first, second] = await putAll(store, events(2))
      assert.equal((await detail(store, first ?? 0)).event.id, 'evt_1')
      assert.equal((await detail(store, second ?? 0)).event.id, 'evt_2')
    },
    'receivedMs is the time of the put': async (store, harness) => {
      const first = await putStored(store, anEvent({ id: 'a' }))
      await harness.advance(MINUTE)
      const second = await putStored(store, anEvent({ id: 'b' }))
      const [early, late] = [await detail(store, first), await detail(store, second)]
      assert.ok(late.event.receivedMs - early.event.receivedMs >= MINUTE)
    },
    'attempts stay with the delivery they were made for': async (store) => {
      const eventSeq = await putStored(store, anEvent({ destinations: ['handlers', 'audit'] }))
      await settle(store, await claimOne(store))
      const { deliveries } = await detail(store, eventSeq)
      assert.deepEqual(
        deliveries.map(({ destination, attempts }) => [destination, attempts.length]),
        [
          ['handlers', 1],
          ['audit', 0],
        ],
      )
    },
  }),
  ...cases('list/order', {
    'events come newest first': async (store) => {
      const eventSeqs = await putAll(store, events(5))
      const page = await store.list({ of: 'events', limit: 10 })
      assert.deepEqual(eventSeqsOf(page), eventSeqs.toReversed())
      assert.deepEqual([page.deliveries, page.next], [[], undefined])
    },
    'deliveries come newest first': async (store) => {
      await putAll(store, events(3, { destinations: ['handlers', 'audit'] }))
      const { deliveries, events: none } = await store.list({ of: 'deliveries', limit: 10 })
      const seqs = deliveries.map(({ deliverySeq }) => deliverySeq)
      assert.equal(seqs.length, 6)
      assert.deepEqual(
        seqs,
        seqs.toSorted((left, right) => right - left),
      )
      assert.deepEqual(none, [])
    },
    'an event is listed as it is, with the length of its body instead of its bytes': async (store) => {
      const eventSeq = await putStored(store, anEvent({ tenant: 'acme', orderingKey: 'cart 7' }))
      const conflict = conflictSeq(
        await put(store, anEvent({ tenant: 'acme', body: bytes('other') })),
        eventSeq,
      )
      for (const [index, seq] of [conflict, eventSeq].entries()) {
        const { body, headers: _headers, ...expected } = (await detail(store, seq)).event
        const page = await store.list({ of: 'events', limit: 10 })
        assert.deepEqual(page.events[index], { ...expected, bodyBytes: body.byteLength })
      }
    },
    'a delivery is listed as it is': async (store) => {
      const { eventSeq } = await deliveryIn(store, 'dead')
      const { attempts: _attempts, ...expected } = await deliveryOf(store, eventSeq)
      assert.deepEqual((await store.list({ of: 'deliveries', limit: 10 })).deliveries, [expected])
    },
    'an empty store has an empty page': async (store) => {
      const empty = { events: [], deliveries: [], next: undefined }
      assert.deepEqual(await store.list({ of: 'events', limit: 10 }), empty)
      assert.deepEqual(await store.list({ of: 'deliveries', limit: 10 }), empty)
    },
  }),
  ...cases('list/page', {
    'pages of events follow each other without gap or overlap': async (store) => {
      const eventSeqs = await putAll(store, events(7))
      const pages = await pagesOf(store, { of: 'events', limit: 3 })
      assert.deepEqual(pages.map(eventSeqsOf).flat(), eventSeqs.toReversed())
      assert.deepEqual(
        pages.map((page) => page.events.length),
        [3, 3, 1],
      )
    },
    'a last page that is full has no next': async (store) => {
      await putAll(store, events(6))
      const pages = await pagesOf(store, { of: 'events', limit: 3 })
      assert.deepEqual(
        pages.map((page) => page.events.length),
        [3, 3],
      )
    },
    'pages of deliveries follow each other': async (store) => {
      await putAll(store, events(5))
      const pages = await pagesOf(store, { of: 'deliveries', limit: 2 })
      const seqs = pages.flatMap((page) => page.deliveries.map(({ deliverySeq }) => deliverySeq))
      assert.equal(new Set(seqs).size, 5)
      assert.deepEqual(
        pages.map((page) => page.deliveries.length),
        [2, 2, 1],
      )
    },
    'what arrives between two pages shifts nothing': async (store) => {
      const eventSeqs = await putAll(store, events(4))
      const { next } = await store.list({ of: 'events', limit: 2 })
      await putStored(store, anEvent({ id: 'new' }))
      const second = await store.list({
        of: 'events',
        limit: 2,
        ...(next === undefined ? {} : { before: next }),
      })
      assert.deepEqual(eventSeqsOf(second), eventSeqs.slice(0, 2).toReversed())
    },
    'pages of a filtered list hold what passes the filter only': async (store) => {
      await putAll(
        store,
        events(9).map((event, index) => ({ ...event, type: index % 3 === 0 ? 'rare' : 'common' })),
      )
      const pages = await pagesOf(store, { of: 'events', type: 'rare', limit: 2 })
      assert.deepEqual(
        pages.map((page) => page.events.map(({ id }) => id)),
        [['evt_7', 'evt_4'], ['evt_1']],
      )
    },
  }),
  ...cases('list/filter', {
    'events by source and by type': async (store) => {
      await store.put([
        anEvent({ id: 'a', source: 'shop', type: 'paid' }),
        anEvent({ id: 'b', source: 'shop', type: 'void' }),
        anEvent({ id: 'c', source: 'bank', type: 'paid' }),
      ])
      assert.deepEqual(await listedIds(store, { source: 'shop' }), ['b', 'a'])
      assert.deepEqual(await listedIds(store, { type: 'paid' }), ['c', 'a'])
      assert.deepEqual(await listedIds(store, { source: 'shop', type: 'paid' }), ['a'])
      assert.deepEqual(await listedIds(store, { source: 'nowhere' }), [])
    },
    'deliveries by state': async (store) => {
      const states = ['succeeded', 'dead', 'cancelled', 'leased', 'pending'] as const
      for (const state of states) {
        const { deliverySeq } = await deliveryIn(store, state, anEvent({ id: state, destinations: [state] }))
        const { deliveries } = await store.list({ of: 'deliveries', state, limit: 10 })
        assert.deepEqual(
          deliveries.map((delivery) => delivery.deliverySeq),
          [deliverySeq],
        )
      }
    },
    'deliveries by destination, and by the source and type of their event': async (store) => {
      const destinations = ['handlers', 'audit']
      const results = await store.put([
        anEvent({ id: 'a', source: 'shop', type: 'paid', destinations }),
        anEvent({ id: 'b', source: 'bank', type: 'void', destinations }),
      ])
      const [shop, bank] = results.map(storedSeq)
      assert.deepEqual(await listedEvents(store, { destination: 'audit' }), [bank, shop])
      assert.deepEqual(await listedEvents(store, { source: 'shop' }), [shop, shop])
      assert.deepEqual(await listedEvents(store, { type: 'void', destination: 'audit' }), [bank])
      assert.deepEqual(await listedEvents(store, { source: 'shop', type: 'void' }), [])
    },
  }),
  ...cases('list/filter', {
    'events that conflict': async (store) => {
      const first = await putStored(store, anEvent({ type: 'paid' }))
      await putStored(store, anEvent({ id: 'other' }))
      const held = conflictSeq(await put(store, anEvent({ body: bytes('two'), type: 'paid' })), first)
      const dispatched = conflictSeq(
        await put(store, anEvent({ body: bytes('three'), onConflict: 'dispatch' })),
        first,
      )
      const all = await store.list({ of: 'events', conflicts: true, limit: 10 })
      assert.deepEqual(eventSeqsOf(all), [dispatched, held])
      const paid = await store.list({ of: 'events', conflicts: true, type: 'paid', limit: 10 })
      assert.deepEqual(eventSeqsOf(paid), [held])
      const pages = await pagesOf(store, { of: 'events', conflicts: true, limit: 1 })
      assert.deepEqual(pages.map(eventSeqsOf), [[dispatched], [held]])
      assert.equal((await store.list({ of: 'events', conflicts: false, limit: 10 })).events.length, 4)
    },
    'deliveries that block': async (store) => {
      await deliveryIn(store, 'dead', inLine({ id: 'a', destinations: ['audit'] }))
      await deliveryIn(store, 'dead', inLine({ id: 'b', source: 'bank' }))
      await deliveryIn(store, 'dead', inLine({ id: 'c', onDead: 'continue', orderingKey: 'cart 8' }))
      await deliveryIn(store, 'dead', anEvent({ id: 'd' }))
      assert.equal((await listedEvents(store, { blocking: true })).length, 2)
      assert.equal((await listedEvents(store, { blocking: true, destination: 'audit' })).length, 1)
      assert.equal((await listedEvents(store, { blocking: true, source: 'bank', state: 'dead' })).length, 1)
      assert.deepEqual(await listedEvents(store, { blocking: true, state: 'pending' }), [])
      assert.equal((await listedEvents(store, { blocking: false })).length, 4)
    },
  }),
  ...cases('stat/counts', {
    'an empty store has nothing to count': async (store) => {
      const { events: count, destinations } = await store.stat()
      assert.deepEqual([count, destinations], [0, []])
    },
    'deliveries are counted by destination and state': async (store) => {
      await deliveryIn(store, 'dead', anEvent({ id: 'a', destinations: ['audit'] }))
      await deliveryIn(store, 'leased', anEvent({ id: 'b', destinations: ['audit'] }))
      await store.put([
        anEvent({ id: 'c', destinations: ['handlers', 'audit'] }),
        anEvent({ id: 'd', destinations: ['handlers'] }),
      ])
      const { events: count, destinations } = await store.stat()
      assert.equal(count, 4)
      const counts = destinations.map(({ name, pending, leased, dead }) => [name, pending, leased, dead])
      assert.deepEqual(
        counts.toSorted((left, right) => (String(left[0]) < String(right[0]) ? -1 : 1)),
        [
          ['audit', 1, 1, 1],
          ['handlers', 2, 0, 0],
        ],
      )
    },
    'what is finished is not counted': async (store) => {
      await deliveryIn(store, 'succeeded', anEvent({ id: 'a' }))
      await deliveryIn(store, 'cancelled', anEvent({ id: 'b' }))
      const { events: count, destinations } = await store.stat()
      assert.equal(count, 2)
      for (const { pending, leased, dead } of destinations) assert.equal(pending + leased + dead, 0)
    },
    'the age is that of the oldest pending delivery': async (store, harness) => {
      await putStored(store, anEvent({ id: 'old' }))
      await harness.advance(10 * MINUTE)
      await putStored(store, anEvent({ id: 'new' }))
      await harness.advance(MINUTE)
      assertAge(await oldestMs(store), 11 * MINUTE)
      await settle(store, at(await claim(store, { destinations: [{ name: 'handlers', limit: 1 }] }), 0))
      assertAge(await oldestMs(store), MINUTE)
    },
    'without a pending delivery there is no age': async (store) => {
      await deliveryIn(store, 'dead')
      assert.equal(await oldestMs(store), undefined)
    },
  }),
  ...cases('stat/commits', {
    'a store that commits says how many operations each carried and how long it took': async (store) => {
      await store.put(events(20))
      for (const lease of await claim(store)) await settle(store, lease)
      const { operations, durationMs, fsyncMs } = (await store.stat()).commits
      for (const histogram of [operations, durationMs, fsyncMs]) assertSane(histogram)
      assert.equal(durationMs.count, operations.count)
      const isToldOfFsyncs = fsyncMs.count > 0
      assert.equal(fsyncMs.count, isToldOfFsyncs ? operations.count : 0)
      // A put, a claim and 20 settles at the least; none where the store has no commits.
      assert.ok(operations.count === 0 || operations.sum >= 22, `Only ${operations.sum} operations`)
      assert.ok(fsyncMs.sum <= durationMs.sum, 'A commit takes at least as long as its fsync')
      assert.ok(fsyncMs.max <= durationMs.max, 'No fsync can have taken longer than the longest commit')
    },
    'it counts on': async (store) => {
      await putStored(store)
      const before = (await store.stat()).commits.operations
      await putStored(store, anEvent({ id: 'later' }))
      const after = (await store.stat()).commits.operations
      assert.ok(before.count === 0 || after.count > before.count, 'Another put is another commit')
      assert.equal(after.sum - before.sum, before.count === 0 ? 0 : 1)
    },
  }),
]

function assertSane({ bounds, counts, count, sum, max }: Histogram): void {
  assert.equal(counts.length, bounds.length + 1)
  assert.deepEqual(
    bounds,
    bounds.toSorted((left, right) => left - right),
  )
  assert.equal(
    counts.reduce((total, bucket) => total + bucket, 0),
    count,
  )
  assert.ok(max <= sum && sum <= max * count, 'The largest and the sum must fit the count')
}

function assertAge(ageMs: number | undefined, expectedMs: number): void {
  const isNear = ageMs !== undefined && ageMs >= expectedMs && ageMs < expectedMs + MINUTE
  assert.ok(isNear, `Expected an age of about ${expectedMs} ms, got ${ageMs}`)
}

async function oldestMs(store: ContractStore): Promise<number | undefined> {
  return only((await store.stat()).destinations).oldestPendingMs
}

async function pagesOf(store: ContractStore, query: ListQuery): Promise<ListPage[]> {
  const pages = [await store.list(query)]
  for (let next = pages[0]?.next; next !== undefined && pages.length < 20; next = pages.at(-1)?.next) {
    pages.push(await store.list({ ...query, before: next }))
  }
  return pages
}

function eventSeqsOf(page: ListPage): number[] {
  return page.events.map(({ eventSeq }) => eventSeq)
}

async function listedIds(store: ContractStore, filter: Partial<ListQuery>): Promise<string[]> {
  return (await store.list({ of: 'events', limit: 100, ...filter })).events.map(({ id }) => id)
}

async function listedEvents(store: ContractStore, filter: Partial<ListQuery>): Promise<number[]> {
  const { deliveries } = await store.list({ of: 'deliveries', limit: 100, ...filter })
  return deliveries.map(({ eventSeq }) => eventSeq)
}
