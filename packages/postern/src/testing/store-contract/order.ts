import assert from 'node:assert/strict'
import type { Delivery } from '../../inbox/index.ts'
import { cases, type ContractCase } from './case.ts'
import {
  anEvent,
  at,
  claim,
  claimedIds,
  claimOne,
  deliveryOf,
  detail,
  inLine,
  LEASE_MS,
  lineOf,
  MINUTE,
  only,
  OUTCOMES,
  put,
  putAll,
  putStored,
  SECOND,
  settle,
  storedSeq,
} from './fixtures.ts'
import type { ContractStore } from './harness.ts'
import { drain, blockedKeys } from './order-fixtures.ts'

const DEAD = OUTCOMES.dead
const RETRY = OUTCOMES.retry

export const orderCases: readonly ContractCase[] = [
  ...cases('order/one-at-a-time', {
    'of one key one is claimed, and the next once it has ended': async (store) => {
      await store.put(lineOf(3))
      for (const id of ['evt_1', 'evt_2', 'evt_3']) {
        const lease = await claimOne(store)
        assert.equal(lease.event.id, id)
        assert.deepEqual(await claim(store), [])
        await settle(store, lease)
      }
      assert.deepEqual(await claim(store), [])
    },
    'claims at once never share a key': async (store) => {
      await store.put(lineOf(40).map((event, index) => ({ ...event, orderingKey: `cart ${index % 4}` })))
      const claims = await Promise.all(Array.from({ length: 8 }, () => claim(store)))
      const keys = claims.flat().map(({ event }) => event.orderingKey ?? '')
      assert.equal(keys.length, 4)
      assert.deepEqual([...new Set(keys)].toSorted(byText), ['cart 0', 'cart 1', 'cart 2', 'cart 3'])
    },
    'where a lease ended, only that delivery is claimed again': async (store, harness) => {
      await store.put(lineOf(3))
      const lost = await claimOne(store)
      await harness.advance(LEASE_MS + SECOND)
      const again = await claimOne(store)
      assert.deepEqual([again.deliverySeq, again.attempt], [lost.deliverySeq, 2])
      assert.deepEqual(await claim(store), [])
    },
    'a settlement that was lost lets nobody pass': async (store, harness) => {
      await store.put(lineOf(2))
      const lost = await claimOne(store)
      await harness.advance(LEASE_MS + SECOND)
      const current = await claimOne(store)
      assert.equal(await settle(store, lost), 'lost')
      assert.deepEqual(await claim(store), [])
      await settle(store, current)
      assert.deepEqual(await claimedIds(store), ['evt_2'])
    },
    'a delivery whose lease ended and that settles all the same lets the next run': async (
      store,
      harness,
    ) => {
      await store.put(lineOf(2))
      const late = await claimOne(store)
      await harness.advance(LEASE_MS + SECOND)
      assert.equal(await settle(store, late), 'settled')
      assert.deepEqual(await claimedIds(store), ['evt_2'])
    },
  }),
  ...cases('order/sequence', {
    'within an array and over arrays, the order is that of the puts': async (store) => {
      const all = lineOf(7)
      await store.put(all.slice(0, 3))
      await store.put(all.slice(3, 5))
      for (const event of all.slice(5)) await put(store, event)
      assert.deepEqual(
        await drain(store),
        all.map(({ id }) => id),
      )
    },
    'of puts at once, the order is that of their numbers': async (store) => {
      const results = await Promise.all(lineOf(20).map((event) => put(store, event)))
      const bySeq = new Map(results.map((result, index) => [storedSeq(result), `evt_${index + 1}`]))
      const expected = [...bySeq].toSorted(([left], [right]) => left - right).map(([, id]) => id)
      assert.deepEqual(await drain(store), expected)
    },
    'what was given back comes first again': async (store) => {
      await store.put(lineOf(2))
      await settle(store, await claimOne(store), OUTCOMES.released)
      const again = await claimOne(store)
      assert.deepEqual([again.event.id, again.attempt], ['evt_1', 1])
      assert.deepEqual(await claim(store), [])
    },
    'a settlement whose effects fail lets nobody pass': async (store, harness) => {
      await store.put(lineOf(2))
      for (const outcome of [OUTCOMES.succeeded, DEAD]) {
        const [lease] = await claim(store, { leaseMs: LEASE_MS })
        if (lease === undefined) assert.fail('The delivery must be there to be claimed')
        assert.equal(await settle(store, lease, outcome, [harness.failingEffect()]), 'failed')
        assert.deepEqual(await claim(store), [])
        await settle(store, lease, OUTCOMES.released)
      }
      assert.deepEqual(await drain(store), ['evt_1', 'evt_2'])
    },
    'several settled in one array let the next of each key run': async (store) => {
      await store.put([...lineOf(2), ...lineOf(2, { orderingKey: 'cart 8', source: 'bank' })])
      const leases = await claim(store)
      const settled = leases.map((lease) => ({ ...lease, outcome: OUTCOMES.succeeded, durationMs: 1 }))
      await store.settle(settled)
      assert.deepEqual(await claimedIds(store), ['evt_2', 'evt_2'])
    },
  }),
  ...cases('order/retry', {
    'while the first waits for its retry its key waits, and no other': async (store, harness) => {
      await store.put([...lineOf(2), inLine({ id: 'other', orderingKey: 'cart 8' })])
      const [first] = await claim(store, { destinations: [{ name: 'handlers', limit: 1 }] })
      if (first === undefined) assert.fail('The first must be there to be claimed')
      await settle(store, first, { kind: 'retry', afterMs: 10 * MINUTE, error: 'not yet' })
      assert.deepEqual(await claimedIds(store), ['other'])
      await harness.advance(9 * MINUTE)
      assert.deepEqual(await claimedIds(store, { leaseMs: 10 * MINUTE }), ['other'])
      await harness.advance(2 * MINUTE)
      assert.deepEqual(await claimedIds(store), ['evt_1'])
    },
    'after its retries the others follow in order': async (store, harness) => {
      await store.put(lineOf(3))
      for (const attempt of [1, 2, 3]) {
        const lease = await claimOne(store)
        assert.deepEqual([lease.event.id, lease.attempt], ['evt_1', attempt])
        await settle(store, lease, attempt < 3 ? RETRY : OUTCOMES.succeeded)
        await harness.advance(MINUTE + SECOND)
      }
      assert.deepEqual(await drain(store), ['evt_2', 'evt_3'])
    },
  }),
  ...cases('order/apart', {
    ...Object.fromEntries(
      (['orderingKey', 'tenant', 'source'] as const).map((name) => [
        `another ${name} is another line`,
        async (store: ContractStore): Promise<void> => {
          await store.put([inLine({ id: 'a' }), inLine({ id: 'b', [name]: 'another' })])
          assert.deepEqual(await claimedIds(store), ['a', 'b'])
        },
      ]),
    ),
    'another destination is another line': async (store) => {
      await store.put(lineOf(2, { destinations: ['handlers', 'audit'] }))
      await settle(store, await claimOne(store), DEAD)
      assert.deepEqual(await claim(store), [])
      const audit = { destinations: [{ name: 'audit', limit: 9 }] }
      assert.deepEqual(await drain(store, audit), ['evt_1', 'evt_2'])
    },
    'names that flow into one another are other lines': async (store) => {
      await store.put([
        inLine({ id: 'a', tenant: 'ab', source: 'c' }),
        inLine({ id: 'b', tenant: 'a', source: 'bc' }),
        inLine({ id: 'c', source: 'c', orderingKey: 'abx' }),
        inLine({ id: 'd', source: 'ca', orderingKey: 'bx' }),
      ])
      assert.deepEqual(await claimedIds(store), ['a', 'b', 'c', 'd'])
    },
    'an empty key is a key': async (store) => {
      await store.put(lineOf(2, { orderingKey: '' }))
      assert.deepEqual(await claimedIds(store), ['evt_1'])
    },
  }),
  ...cases('order/unordered', {
    'events with the same key whose source asks for no order run at once': async (store) => {
      await store.put(lineOf(3, { onDead: undefined }))
      assert.deepEqual(await claimedIds(store), ['evt_1', 'evt_2', 'evt_3'])
    },
    'what stands in no line is not held up by one that does': async (store) => {
      await putStored(store, inLine({ id: 'first' }))
      await settle(store, await claimOne(store), DEAD)
      await store.put([inLine({ id: 'held' }), inLine({ id: 'free', onDead: undefined })])
      assert.deepEqual(await claimedIds(store), ['free'])
    },
    'events without a key run at once, whatever their source asks for': async (store) => {
      await store.put(lineOf(2, { orderingKey: undefined }))
      assert.deepEqual(await claimedIds(store), ['evt_1', 'evt_2'])
    },
    'a dead one that stands in no line blocks nothing': async (store) => {
      await store.put(lineOf(2, { onDead: undefined }))
      await settle(store, at(await claim(store), 0), DEAD)
      const { blocks, state } = at((await store.list({ of: 'deliveries', limit: 9 })).deliveries, 1)
      assert.deepEqual([state, blocks], ['dead', false])
      assert.equal(await blockedKeys(store), 0)
    },
  }),
  ...cases('order/shown', {
    'a delivery says which key it waits under, and only where order was asked for': async (store) => {
      const seqs = await putAll(store, [
        inLine({ id: 'a' }),
        inLine({ id: 'b', onDead: undefined }),
        inLine({ id: 'c', orderingKey: undefined }),
      ])
      const shown = await Promise.all(seqs.map((seq) => deliveryOf(store, seq)))
      const expected = ['cart 7', undefined, undefined]
      assert.deepEqual(shown.map(keyAndBlocks), expected.map(notBlocking))
      const { deliveries } = await store.list({ of: 'deliveries', limit: 9 })
      assert.deepEqual(deliveries.map(keyAndBlocks), expected.toReversed().map(notBlocking))
      const orderingKeys = await Promise.all(
        seqs.map(async (seq) => (await detail(store, seq)).event.orderingKey),
      )
      assert.deepEqual(orderingKeys, ['cart 7', 'cart 7', undefined])
    },
    'those in line are counted, and the age is of the oldest of them': async (store, harness) => {
      await putStored(store, at(lineOf(3), 0))
      await harness.advance(10 * MINUTE)
      await store.put([...lineOf(3).slice(1), anEvent({ id: 'free' })])
      await harness.advance(MINUTE)
      const before = only((await store.stat()).destinations)
      assert.deepEqual([before.pending, before.leased, before.dead], [4, 0, 0])
      assert.ok((before.oldestPendingMs ?? 0) >= 11 * MINUTE, 'The age must be of the oldest in line')
      await claim(store)
      const after = only((await store.stat()).destinations)
      assert.deepEqual([after.pending, after.leased, after.dead], [2, 2, 0])
      assert.ok((after.oldestPendingMs ?? Infinity) < 2 * MINUTE, 'The age must be of what is pending still')
    },
  }),
]

function byText(left: string, right: string): number {
  return left < right ? -1 : 1
}

function keyAndBlocks({ orderingKey, blocks }: Delivery): readonly [string | undefined, boolean] {
  return [orderingKey, blocks]
}

function notBlocking(orderingKey: string | undefined): readonly [string | undefined, boolean] {
  return [orderingKey, false]
}
