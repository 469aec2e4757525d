import assert from 'node:assert/strict'
import { cases, type ContractCase } from './case.ts'
import {
  anEvent,
  at,
  bytes,
  claim,
  claimedIds,
  claimOne,
  deliveryOf,
  events,
  LEASE_MS,
  MINUTE,
  only,
  plain,
  putAll,
  putStored,
  SECOND,
  settle,
  storedSeq,
} from './fixtures.ts'

export const claimCases: readonly ContractCase[] = [
  ...cases('claim/due', {
    'a claim hands out the event and leases its delivery': async (store) => {
      const eventSeq = await putStored(store)
      const claimed = await claimOne(store)
      const delivery = await deliveryOf(store, eventSeq)
      const { deliverySeq, token, destination, attempt, event } = claimed
      assert.deepEqual(
        [deliverySeq, token, destination, attempt],
        [delivery.deliverySeq, delivery.token, 'handlers', 1],
      )
      assert.equal(event.eventSeq, eventSeq)
      assert.deepEqual(plain(event.body), bytes('{"total":1}'))
      assert.deepEqual(event.headers, ['content-type', 'application/json'])
      assert.equal(delivery.state, 'leased')
      assert.equal(delivery.attempt, 1)
      assert.ok((delivery.leaseUntilMs ?? 0) >= event.receivedMs + LEASE_MS, 'The lease must last leaseMs')
    },
    'what is leased is not handed out again': async (store) => {
      await putStored(store)
      await claimOne(store)
      assert.deepEqual(await claim(store), [])
    },
    'claims at once never share a delivery': async (store) => {
      await store.put(events(40))
      const limited = { destinations: [{ name: 'handlers', limit: 15 }] }
      const claims = await Promise.all(Array.from({ length: 8 }, () => claim(store, limited)))
      const deliverySeqs = claims.flat().map(({ deliverySeq }) => deliverySeq)
      assert.equal(deliverySeqs.length, 40)
      assert.equal(new Set(deliverySeqs).size, 40)
    },
    'an empty store answers an empty array': async (store) => {
      assert.deepEqual(await claim(store), [])
    },
    'each destination of an event is claimed apart': async (store) => {
      await putStored(store, anEvent({ destinations: ['handlers', 'audit'] }))
      const destinations = [
        { name: 'handlers', limit: 5 },
        { name: 'audit', limit: 5 },
      ]
      const claimed = await claim(store, { destinations })
      assert.deepEqual(claimed.map(({ destination }) => destination).toSorted(), ['audit', 'handlers'])
      assert.equal(new Set(claimed.map(({ event }) => event.eventSeq)).size, 1)
    },
  }),
  ...cases('claim/order', {
    'what arrived first is claimed first': async (store) => {
      await putAll(store, events(12))
      const ids = await claimedIds(store)
      assert.deepEqual(
        ids,
        events(12).map(({ id }) => id),
      )
    },
    'the events of one array are claimed in its order': async (store) => {
      await store.put(events(12))
      assert.deepEqual(
        await claimedIds(store),
        events(12).map(({ id }) => id),
      )
    },
    'what has been due longer is claimed first, whenever it arrived': async (store, harness) => {
      await putStored(store, anEvent({ id: 'early' }))
      await settle(store, await claimOne(store), { kind: 'retry', afterMs: MINUTE, error: 'not yet' })
      await putStored(store, anEvent({ id: 'late' }))
      await harness.advance(2 * MINUTE)
      assert.deepEqual(await claimedIds(store), ['late', 'early'])
    },
    'what lost its worker comes before what waits': async (store, harness) => {
      await putAll(store, [anEvent({ id: 'waiting' }), anEvent({ id: 'abandoned' })])
      const waiting = at(await claim(store), 0)
      await settle(store, waiting, { kind: 'released' })
      await harness.advance(LEASE_MS + SECOND)
      assert.deepEqual(await claimedIds(store), ['abandoned', 'waiting'])
    },
  }),
  ...cases('claim/limit', {
    'no more are claimed than asked for': async (store) => {
      await store.put(events(5))
      const limited = { destinations: [{ name: 'handlers', limit: 2 }] }
      assert.deepEqual(await claimedIds(store, limited), ['evt_1', 'evt_2'])
      assert.deepEqual(await claimedIds(store, limited), ['evt_3', 'evt_4'])
      assert.deepEqual(await claimedIds(store, limited), ['evt_5'])
    },
    'each destination has a limit of its own': async (store) => {
      await store.put(events(5, { destinations: ['slow', 'fast'] }))
      const destinations = [
        { name: 'slow', limit: 1 },
        { name: 'fast', limit: 4 },
      ]
      const claimed = (await claim(store, { destinations })).map(({ destination }) => destination)
      assert.equal(claimed.filter((destination) => destination === 'slow').length, 1)
      assert.equal(claimed.filter((destination) => destination === 'fast').length, 4)
    },
    'a destination with no room gets none': async (store) => {
      await store.put(events(2, { destinations: ['slow', 'fast'] }))
      const destinations = [
        { name: 'slow', limit: 0 },
        { name: 'fast', limit: 5 },
      ]
      const claimed = await claim(store, { destinations })
      assert.deepEqual(
        claimed.map(({ destination }) => destination),
        ['fast', 'fast'],
      )
    },
    'ended leases count against the limit': async (store, harness) => {
      await store.put(events(3))
      await claim(store)
      await harness.advance(LEASE_MS + SECOND)
      await store.put([anEvent({ id: 'fresh' })])
      assert.equal((await claim(store, { destinations: [{ name: 'handlers', limit: 2 }] })).length, 2)
    },
  }),
  ...cases('claim/destination', {
    'a destination that was not asked for is left alone': async (store) => {
      const [other] = (await store.put([anEvent({ destinations: ['elsewhere'] })])).map(storedSeq)
      await putStored(store, anEvent({ id: 'mine' }))
      assert.deepEqual(await claimedIds(store), ['mine'])
      assert.equal((await deliveryOf(store, other ?? 0)).state, 'pending')
    },
    'an ended lease of a destination that was not asked for is left alone': async (store, harness) => {
      await putStored(store, anEvent({ destinations: ['elsewhere'] }))
      await claimOne(store, { destinations: [{ name: 'elsewhere', limit: 1 }] })
      await harness.advance(LEASE_MS + SECOND)
      assert.deepEqual(await claim(store), [])
    },
    'a claim for no destination gets none': async (store) => {
      await putStored(store)
      assert.deepEqual(await claim(store, { destinations: [] }), [])
    },
    'a long backlog of one destination hides no other': async (store) => {
      await store.put(events(300, { destinations: ['down'] }))
      await putStored(store, anEvent({ id: 'mine' }))
      const destinations = [
        { name: 'down', limit: 1 },
        { name: 'handlers', limit: 1 },
      ]
      const claimed = await claim(store, { destinations })
      assert.deepEqual(claimed.map(({ destination }) => destination).toSorted(), ['down', 'handlers'])
    },
    'among a thousand destinations none that has work is passed by': async (store, harness) => {
      const destinations = Array.from({ length: 1000 }, (_, index) => ({ name: `to-${index}`, limit: 1 }))
      await putStored(store, anEvent({ id: 'abandoned', destinations: ['to-400'] }))
      await claimOne(store, { destinations: [{ name: 'to-400', limit: 1 }] })
      await harness.advance(LEASE_MS + SECOND)
      await putStored(store, anEvent({ id: 'pending', destinations: ['to-0', 'to-999'] }))
      await putStored(
        store,
        anEvent({ id: 'in line', orderingKey: 'k', onDead: 'block', destinations: ['to-700'] }),
      )
      const claimed = await claim(store, { destinations })
      const names = claimed.map(({ destination }) => destination).toSorted()
      assert.deepEqual(names, ['to-0', 'to-400', 'to-700', 'to-999'])
    },
  }),
  ...cases('claim/lease', {
    'a delivery whose lease ended is claimed again, as the next attempt': async (store, harness) => {
      await putStored(store)
      const first = await claimOne(store)
      await harness.advance(LEASE_MS + SECOND)
      const second = await claimOne(store)
      assert.equal(second.deliverySeq, first.deliverySeq)
      assert.ok(second.token > first.token, 'A later lease must have a higher token')
      assert.equal(second.attempt, 2)
    },
    'a lease lasts as long as was asked': async (store, harness) => {
      await putStored(store)
      await claimOne(store, { leaseMs: 10 * MINUTE })
      await harness.advance(9 * MINUTE)
      assert.deepEqual(await claim(store), [])
      await harness.advance(2 * MINUTE)
      assert.equal((await claim(store)).length, 1)
    },
    'the token rises with every lease, given back or not': async (store) => {
      await putStored(store)
      const first = await claimOne(store)
      await settle(store, first, { kind: 'released' })
      assert.ok((await claimOne(store)).token > first.token)
    },
    'a lease claimed anew lasts from then on': async (store, harness) => {
      await putStored(store)
      await claimOne(store)
      await harness.advance(LEASE_MS + SECOND)
      only(await claim(store))
      await harness.advance(LEASE_MS - 10 * SECOND)
      assert.deepEqual(await claim(store), [])
    },
  }),
]
