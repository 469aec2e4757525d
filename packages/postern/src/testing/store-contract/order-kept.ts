import assert from 'node:assert/strict'
import { cases, type ContractCase } from './case.ts'
import {
  anEvent,
  at,
  claim,
  claimedIds,
  claimOne,
  inLine,
  LEASE_MS,
  lineOf,
  MINUTE,
  OUTCOMES,
  put,
  putAll,
  putStored,
  SECOND,
  settle,
} from './fixtures.ts'
import type { ContractStore } from './harness.ts'
import { deadHead, claimDead, move, drain, allDeliveries, blockedKeys } from './order-fixtures.ts'

const DEAD = OUTCOMES.dead
const RETRY = OUTCOMES.retry
const OLD_MS: number = 10 * MINUTE

/** Lines under an operator's steps, and among other work. */
export const orderKeptCases: readonly ContractCase[] = [
  ...cases('order/operated', {
    'one that is cancelled in the middle is left out': async (store) => {
      await store.put(lineOf(3))
      const running = await claimOne(store)
      assert.deepEqual(await move(store, at(await allDeliveries(store), 1), 'cancel'), ['moved'])
      assert.deepEqual(await claim(store), [])
      await settle(store, running)
      assert.deepEqual(await drain(store), ['evt_3'])
    },
    'one that is cancelled at the head lets the next run': async (store) => {
      await store.put(lineOf(3))
      assert.deepEqual(await move(store, at(await allDeliveries(store), 2), 'cancel'), ['moved'])
      assert.deepEqual(await drain(store), ['evt_2', 'evt_3'])
    },
    'one that is cancelled while it waits for its retry lets the next run': async (store) => {
      await store.put(lineOf(2))
      await settle(store, await claimOne(store), RETRY)
      assert.deepEqual(await move(store, at(await allDeliveries(store), 1), 'cancel'), ['moved'])
      assert.deepEqual(await claimedIds(store), ['evt_2'])
    },
    'the last one cancelled leaves the line empty': async (store) => {
      await store.put(lineOf(1))
      assert.deepEqual(await move(store, at(await allDeliveries(store), 0), 'cancel'), ['moved'])
      assert.deepEqual(await claim(store), [])
      await putStored(store, inLine({ id: 'later' }))
      assert.deepEqual(await claimedIds(store), ['later'])
    },
    'a replay comes last of its key': async (store) => {
      const [eventSeq = 0] = await putAll(store, lineOf(3))
      await settle(store, await claimOne(store))
      await store.replay([{ eventSeq, destinations: ['handlers'] }])
      await putStored(store, inLine({ id: 'later' }))
      assert.deepEqual(await drain(store), ['evt_2', 'evt_3', 'evt_1', 'later'])
    },
    'replays of one call come in the order of the call': async (store) => {
      const [first = 0, second = 0, third = 0] = await putAll(store, lineOf(3))
      await drain(store)
      const replays = [second, third, first, second]
      await store.replay(replays.map((eventSeq) => ({ eventSeq, destinations: ['handlers'] })))
      assert.deepEqual(await drain(store), ['evt_2', 'evt_3', 'evt_1', 'evt_2'])
    },
    'what a replay overtook was overtaken': async (store) => {
      const dead = await claimDead(store, inLine({ onDead: 'continue' }))
      await store.replay([{ eventSeq: dead.eventSeq, destinations: ['handlers'] }])
      await drain(store)
      assert.deepEqual(await move(store, dead, 'redrive'), ['overtaken'])
    },
  }),
  ...cases('order/fair', {
    'the heads of lines and what stands in none come by due time': async (store, harness) => {
      const all = [
        anEvent({ id: 'a' }),
        inLine({ id: 'b' }),
        inLine({ id: 'c', orderingKey: 'cart 8' }),
        anEvent({ id: 'd' }),
        inLine({ id: 'behind b' }),
        inLine({ id: 'e', orderingKey: 'cart 9' }),
      ]
      for (const event of all) {
        await put(store, event)
        await harness.advance(SECOND)
      }
      const limited = { destinations: [{ name: 'handlers', limit: 2 }] }
      assert.deepEqual(await claimedIds(store, limited), ['a', 'b'])
      assert.deepEqual(await claimedIds(store, limited), ['c', 'd'])
      assert.deepEqual(await claimedIds(store, limited), ['e'])
    },
    'where the times are equal, the lower number comes first': async (store) => {
      await store.put([inLine({ id: 'a' }), inLine({ id: 'b', orderingKey: 'cart 8' }), inLine({ id: 'c' })])
      const limited = { destinations: [{ name: 'handlers', limit: 1 }] }
      await settle(store, await claimOne(store, limited))
      assert.deepEqual(await claimedIds(store, limited), ['b'])
      assert.deepEqual(await claimedIds(store, limited), ['c'])
    },
    'a long line of one key hides no other': async (store) => {
      await store.put([
        ...lineOf(300),
        anEvent({ id: 'free' }),
        inLine({ id: 'other', orderingKey: 'cart 8' }),
      ])
      const limited = { destinations: [{ name: 'handlers', limit: 3 }] }
      assert.deepEqual(await claimedIds(store, limited), ['evt_1', 'free', 'other'])
    },
    'in lines and out of them, what lost its worker comes first and counts': async (store, harness) => {
      await store.put([inLine({ id: 'a' }), anEvent({ id: 'b' })])
      await claim(store)
      await harness.advance(LEASE_MS + SECOND)
      await store.put([anEvent({ id: 'c' }), inLine({ id: 'd', orderingKey: 'cart 8' })])
      const limited = { destinations: [{ name: 'handlers', limit: 3 }] }
      const ids = await claimedIds(store, limited)
      assert.deepEqual([ids.slice(0, 2).toSorted(), ids.slice(2)], [['a', 'b'], ['c']])
      assert.deepEqual(await claimedIds(store, limited), ['d'])
    },
    'the limit of a destination counts its lines': async (store) => {
      await store.put(lineOf(5).map((event) => ({ ...event, orderingKey: event.id })))
      const limited = { destinations: [{ name: 'handlers', limit: 2 }] }
      assert.deepEqual(await claimedIds(store, limited), ['evt_1', 'evt_2'])
      assert.deepEqual(await claim(store, { destinations: [{ name: 'handlers', limit: 0 }] }), [])
    },
  }),
  ...cases('order/extend', {
    'an extended lease holds its line': async (store, harness) => {
      await store.put(lineOf(2))
      const lease = await claimOne(store)
      await harness.advance(LEASE_MS - 10 * SECOND)
      assert.deepEqual(await store.extend([lease], LEASE_MS), ['extended'])
      await harness.advance(LEASE_MS - 10 * SECOND)
      assert.deepEqual(await claim(store), [])
      await harness.advance(20 * SECOND)
      assert.equal((await claimOne(store)).deliverySeq, lease.deliverySeq)
    },
    'an extension that was lost holds nothing': async (store, harness) => {
      await store.put(lineOf(2))
      const lost = await claimOne(store)
      await settle(store, lost)
      await claimOne(store)
      assert.deepEqual(await store.extend([lost], 10 * LEASE_MS), ['lost'])
      await harness.advance(LEASE_MS + SECOND)
      assert.deepEqual(await claimedIds(store), ['evt_2'])
    },
  }),
  ...cases('order/prune', {
    'a line that was idle when it was pruned begins anew, and is right': async (store, harness) => {
      await store.put(lineOf(3))
      assert.equal((await drain(store)).length, 3)
      await prune(store, harness.advance(OLD_MS + MINUTE))
      await store.put([
        ...lineOf(3, { type: 'again', idKind: 'digest' }),
        inLine({ id: 'b', orderingKey: 'cart 8' }),
      ])
      const [first, other] = await claim(store)
      assert.deepEqual([first?.event.id, other?.event.id], ['evt_1', 'b'])
      assert.deepEqual(await claim(store), [])
      if (first === undefined) assert.fail('The first must be there to be claimed')
      await settle(store, first, DEAD)
      assert.deepEqual(await claim(store), [])
      assert.equal(await blockedKeys(store), 1)
    },
    'a dead one remembers what overtook it': async (store, harness) => {
      const dead = await deadHead(store, 'continue')
      assert.deepEqual(await drain(store), ['evt_2', 'evt_3'])
      await prune(store, harness.advance(OLD_MS + MINUTE))
      assert.equal((await allDeliveries(store)).length, 1)
      assert.deepEqual(await move(store, dead, 'redrive'), ['overtaken'])
      assert.deepEqual(await move(store, dead, 'redrive', true), ['moved'])
      assert.deepEqual(await drain(store), ['evt_1'])
    },
    'a line that is not idle stays as it is': async (store, harness) => {
      await store.put(lineOf(3))
      await settle(store, await claimOne(store))
      const running = await claimOne(store, { leaseMs: 2 * OLD_MS })
      await prune(store, harness.advance(OLD_MS + MINUTE))
      assert.deepEqual(await claim(store), [])
      await settle(store, running)
      assert.deepEqual(await drain(store), ['evt_3'])
    },
    'a key that is blocked stays blocked': async (store, harness) => {
      const dead = await deadHead(store, 'block')
      await prune(store, harness.advance(OLD_MS + MINUTE))
      assert.deepEqual(await claim(store), [])
      await move(store, dead, 'discard')
      assert.deepEqual(await drain(store), ['evt_2', 'evt_3'])
    },
  }),
]

/** Deletes everything that is old and done, once time has moved. */
async function prune(store: ContractStore, advanced: Promise<void> | void): Promise<void> {
  await advanced
  await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })
}
