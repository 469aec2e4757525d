import assert from 'node:assert/strict'
import { cases, type ContractCase } from './case.ts'
import {
  anEvent,
  at,
  claim,
  claimedIds,
  claimOne,
  deliveryOf,
  inLine,
  LEASE_MS,
  lineOf,
  MINUTE,
  only,
  OUTCOMES,
  putStored,
  SECOND,
  settle,
} from './fixtures.ts'
import {
  deadHead,
  move,
  drain,
  allDeliveries,
  deliveriesOf,
  blockedKeys,
  assertNoneBlock,
} from './order-fixtures.ts'

const DEAD = OUTCOMES.dead
const RETRY = OUTCOMES.retry

/** What a dead delivery does to the later ones of its key. */
export const orderDeadCases: readonly ContractCase[] = [
  ...cases('order/block', {
    'a dead one blocks its key, and no other': async (store, harness) => {
      await store.put(lineOf(3))
      await settle(store, await claimOne(store), DEAD)
      await store.put([inLine({ id: 'later' }), inLine({ id: 'other', orderingKey: 'cart 8' })])
      assert.deepEqual(await claimedIds(store), ['other'])
      await harness.advance(LEASE_MS + SECOND)
      assert.deepEqual(await claimedIds(store), ['other'])
    },
    'a blocked key is seen': async (store) => {
      await store.put([...lineOf(3), ...lineOf(2, { orderingKey: 'cart 8', source: 'bank' })])
      await putStored(store, anEvent({ id: 'free' }))
      for (const lease of await claim(store)) await settle(store, lease, DEAD)
      const { deliveries } = await store.list({ of: 'deliveries', limit: 9, blocking: true })
      assert.deepEqual(
        deliveries.map(({ orderingKey, state, blocks }) => [orderingKey, state, blocks]),
        [
          ['cart 8', 'dead', true],
          ['cart 7', 'dead', true],
        ],
      )
      const { blockedKeys: keys, pending, dead } = only((await store.stat()).destinations)
      assert.deepEqual([keys, pending, dead], [2, 3, 3])
      const first = only(
        (
          await store.list({
            of: 'deliveries',
            limit: 1,
            blocking: true,
            before: at(deliveries, 0).deliverySeq,
          })
        ).deliveries,
      )
      assert.equal(first.orderingKey, 'cart 7')
    },
    'a discard lets the next run': async (store) => {
      const dead = await deadHead(store, 'block')
      assert.deepEqual(await move(store, dead, 'discard'), ['moved'])
      await assertNoneBlock(store)
      assert.deepEqual(await drain(store), ['evt_2', 'evt_3'])
    },
    'a redrive keeps its place, and the others wait until it has succeeded': async (store) => {
      const dead = await deadHead(store, 'block')
      assert.deepEqual(await move(store, dead, 'redrive'), ['moved'])
      await assertNoneBlock(store)
      const again = await claimOne(store)
      assert.deepEqual([again.deliverySeq, again.attempt], [dead.deliverySeq, 1])
      assert.deepEqual(await claim(store), [])
      await settle(store, again)
      assert.deepEqual(await drain(store), ['evt_2', 'evt_3'])
    },
    'one that dies again blocks again': async (store) => {
      const dead = await deadHead(store, 'block')
      await move(store, dead, 'redrive')
      await settle(store, await claimOne(store), DEAD)
      assert.deepEqual(await claim(store), [])
      assert.equal(await blockedKeys(store), 1)
    },
    'nothing else of the key can be hurried past it': async (store) => {
      const dead = await deadHead(store, 'block')
      const second = at((await allDeliveries(store)).toReversed(), 1)
      assert.deepEqual(await move(store, second, 'redrive'), ['illegal'])
      assert.deepEqual(
        await store.replay([{ eventSeq: second.eventSeq, destinations: ['handlers'] }]).then(counts),
        [1],
      )
      assert.deepEqual(await claim(store), [])
      await move(store, dead, 'discard')
      assert.deepEqual(await drain(store), ['evt_2', 'evt_3', 'evt_2'])
    },
  }),
  ...cases('order/continue', {
    'a dead one lets the others pass': async (store) => {
      await deadHead(store, 'continue')
      await assertNoneBlock(store)
      const { blocks, state } = at((await allDeliveries(store)).toReversed(), 0)
      assert.deepEqual([state, blocks], ['dead', false])
      assert.deepEqual(await drain(store), ['evt_2', 'evt_3'])
    },
    'a redrive of one that was overtaken is refused, and changes nothing': async (store) => {
      const dead = await deadHead(store, 'continue')
      const running = await claimOne(store)
      assert.deepEqual(await move(store, dead, 'redrive'), ['overtaken'])
      await settle(store, running, OUTCOMES.released)
      assert.deepEqual(await move(store, dead, 'redrive'), ['overtaken'])
      assert.equal((await deliveryOf(store, dead.eventSeq)).state, 'dead')
      assert.deepEqual(await drain(store), ['evt_2', 'evt_3'])
      assert.deepEqual(await move(store, dead, 'redrive'), ['overtaken'])
      assert.deepEqual(await claim(store), [])
    },
    'a redrive of one that nothing has overtaken comes first': async (store) => {
      const dead = await deadHead(store, 'continue')
      assert.deepEqual(await move(store, dead, 'redrive'), ['moved'])
      assert.deepEqual(await drain(store), ['evt_1', 'evt_2', 'evt_3'])
    },
    'what overtook in another line does not count': async (store) => {
      const dead = await deadHead(store, 'continue')
      await store.put([
        inLine({ id: 'other', orderingKey: 'cart 8' }),
        inLine({ id: 'audit', destinations: ['audit'] }),
        inLine({ id: 'free', onDead: undefined }),
      ])
      const [second] = await deliveriesOf(store, 'evt_2')
      if (second === undefined) assert.fail('The second must be there')
      await move(store, second, 'cancel')
      const [third] = await deliveriesOf(store, 'evt_3')
      if (third === undefined) assert.fail('The third must be there')
      await move(store, third, 'cancel')
      const destinations = ['handlers', 'audit'].map((name) => ({ name, limit: 9 }))
      assert.deepEqual(await claimedIds(store, { destinations }), ['other', 'free', 'audit'])
      assert.deepEqual(await move(store, dead, 'redrive'), ['moved'])
      assert.deepEqual(await claimedIds(store), ['evt_1'])
    },
    'a forced redrive comes next': async (store) => {
      const dead = await deadHead(store, 'continue')
      await settle(store, await claimOne(store))
      assert.deepEqual(await move(store, dead, 'redrive', true), ['moved'])
      const again = await claimOne(store)
      assert.deepEqual([again.event.id, again.attempt], ['evt_1', 1])
      assert.deepEqual(await claim(store), [])
      await settle(store, again)
      assert.deepEqual(await drain(store), ['evt_3'])
    },
    'a forced redrive never runs beside another': async (store, harness) => {
      const dead = await deadHead(store, 'continue')
      const lost = await claimOne(store)
      assert.deepEqual(await move(store, dead, 'redrive', true), ['moved'])
      assert.deepEqual(await claim(store), [])
      await harness.advance(LEASE_MS + SECOND)
      const running = await claimOne(store)
      assert.equal(running.deliverySeq, lost.deliverySeq)
      assert.deepEqual(await claim(store), [])
      await settle(store, running, RETRY)
      assert.deepEqual(await drain(store), ['evt_1'])
      await harness.advance(MINUTE + SECOND)
      assert.deepEqual(await drain(store), ['evt_2', 'evt_3'])
    },
    'one that was forced and dies is overtaken still': async (store) => {
      const dead = await deadHead(store, 'continue')
      await drain(store)
      await move(store, dead, 'redrive', true)
      await settle(store, await claimOne(store), DEAD)
      assert.deepEqual(await move(store, dead, 'redrive'), ['overtaken'])
    },
    'force is no way round the lifecycle, and no harm where it is not needed': async (store) => {
      const dead = await deadHead(store, 'continue')
      const second = at((await allDeliveries(store)).toReversed(), 1)
      assert.deepEqual(await move(store, second, 'redrive', true), ['illegal'])
      assert.deepEqual(await move(store, dead, 'redrive', true), ['moved'])
      assert.deepEqual(await drain(store), ['evt_1', 'evt_2', 'evt_3'])
    },
    'one that was overtaken can be discarded': async (store) => {
      const dead = await deadHead(store, 'continue')
      const running = await claimOne(store)
      assert.deepEqual(await move(store, dead, 'discard'), ['moved'])
      assert.deepEqual(await claim(store), [])
      await settle(store, running)
      assert.deepEqual(await claimedIds(store), ['evt_3'])
    },
  }),
  ...cases('order/policy', {
    'what dies does as the newest event of its key says': async (store) => {
      await store.put([inLine({ id: 'a', onDead: 'block' }), inLine({ id: 'b', onDead: 'continue' })])
      await settle(store, await claimOne(store), DEAD)
      await assertNoneBlock(store)
      await putStored(store, inLine({ id: 'c', onDead: 'block' }))
      await settle(store, await claimOne(store), DEAD)
      assert.deepEqual(await claim(store), [])
      assert.equal(await blockedKeys(store), 1)
    },
    'what blocks already blocks until an operator comes': async (store) => {
      const dead = await deadHead(store, 'block')
      await putStored(store, inLine({ id: 'later', onDead: 'continue' }))
      assert.deepEqual(await claim(store), [])
      await move(store, dead, 'discard')
      assert.deepEqual(await drain(store), ['evt_2', 'evt_3', 'later'])
    },
    'a replay of an older event does not bring back what it said': async (store) => {
      const eventSeq = await putStored(store, inLine({ id: 'old', onDead: 'block' }))
      await drain(store)
      await store.put([inLine({ id: 'a', onDead: 'continue' }), inLine({ id: 'b', onDead: 'continue' })])
      await store.replay([{ eventSeq, destinations: ['handlers'] }])
      await settle(store, await claimOne(store), DEAD)
      assert.deepEqual(await drain(store), ['b', 'old'])
    },
  }),
]

function counts(results: readonly ({ readonly deliverySeqs: readonly number[] } | 'unknown')[]): number[] {
  return results.map((result) => (result === 'unknown' ? 0 : result.deliverySeqs.length))
}
