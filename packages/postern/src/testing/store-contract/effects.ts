import assert from 'node:assert/strict'
import { cases, type ContractCase } from './case.ts'
import {
  at,
  claim,
  claimOne,
  deliveryOf,
  events,
  OUTCOMES,
  putStored,
  settle,
  settlement,
} from './fixtures.ts'

const succeeded = { kind: 'succeeded' } as const

export const effectCases: readonly ContractCase[] = [
  ...cases('settle/effects', {
    'effects run with the settlement, in their order': async (store, harness) => {
      await putStored(store)
      const effects = ['one', 'two', 'three'].map((name) => harness.effect(name))
      assert.equal(await settle(store, await claimOne(store), succeeded, effects), 'settled')
      assert.deepEqual(await harness.effectsSeen(), ['one', 'two', 'three'])
    },
    'effects of several settlements run in the order of the settlements': async (store, harness) => {
      await store.put(events(3))
      const leases = await claim(store)
      await store.settle(
        leases.map((lease) => settlement(lease, succeeded, [harness.effect(lease.event.id)])),
      )
      assert.deepEqual(await harness.effectsSeen(), ['evt_1', 'evt_2', 'evt_3'])
    },
    'the text that an effect writes is written whole, or its settlement fails': async (store, harness) => {
      await putStored(store)
      const lease = await claimOne(store)
      const result = await settle(store, lease, succeeded, [harness.effect('nul \0 inside')])
      assert.deepEqual(await harness.effectsSeen(), result === 'failed' ? [] : ['nul \0 inside'])
      if (result === 'failed') assert.equal(await settle(store, lease), 'settled')
    },
    'a settlement without effects runs none': async (store, harness) => {
      await putStored(store)
      await settle(store, await claimOne(store), succeeded, [])
      assert.deepEqual(await harness.effectsSeen(), [])
    },
  }),
  ...cases('settle/all-or-nothing', {
    'where an effect fails, the delivery stays leased as it was': async (store, harness) => {
      const eventSeq = await putStored(store)
      const lease = await claimOne(store)
      const before = await deliveryOf(store, eventSeq)
      const [result] = await store.settle([settlement(lease, succeeded, [harness.failingEffect()])])
      if (result?.result !== 'failed') assert.fail(`Expected failed, got ${result?.result}`)
      assert.ok(result.error instanceof Error, 'A failed settlement must be answered with an Error')
      assert.deepEqual(await deliveryOf(store, eventSeq), before)
    },
    'where an effect fails, those after it do not run': async (store, harness) => {
      await putStored(store)
      const effects = [harness.failingEffect(), harness.effect('after')]
      await settle(store, await claimOne(store), succeeded, effects)
      assert.deepEqual(await harness.effectsSeen(), [])
    },
    'after a failure the same lease can be settled': async (store, harness) => {
      const eventSeq = await putStored(store)
      const lease = await claimOne(store)
      await settle(store, lease, succeeded, [harness.failingEffect()])
      assert.equal(await settle(store, lease, OUTCOMES.retry), 'settled')
      assert.equal((await deliveryOf(store, eventSeq)).attempts.length, 1)
    },
  }),
  ...cases('settle/effects-undone', {
    'where an effect fails, those before it are undone': async (store, harness) => {
      await putStored(store)
      const lease = await claimOne(store)
      const effects = [harness.effect('before'), harness.failingEffect()]
      assert.equal(await settle(store, lease, succeeded, effects), 'failed')
      assert.deepEqual(await harness.effectsSeen(), [])
      await settle(store, lease, succeeded, [harness.effect('again')])
      assert.deepEqual(await harness.effectsSeen(), ['again'])
    },
  }),
  ...cases('settle/independent', {
    'a settlement that fails leaves its neighbours alone': async (store, harness) => {
      await store.put(events(3))
      const leases = await claim(store)
      const [first, second, third] = leases
      assert.ok(first && second && third)
      const results = await store.settle([
        settlement(first, succeeded, [harness.effect('first')]),
        settlement(second, succeeded, [harness.failingEffect()]),
        settlement(third, succeeded, [harness.effect('third')]),
      ])
      assert.deepEqual(
        results.map(({ result }) => result),
        ['settled', 'failed', 'settled'],
      )
      const states = await Promise.all(
        leases.map(async ({ event }) => (await deliveryOf(store, event.eventSeq)).state),
      )
      assert.deepEqual(states, ['succeeded', 'leased', 'succeeded'])
      assert.deepEqual(await harness.effectsSeen(), ['first', 'third'])
    },
    'settlements at once are independent too': async (store, harness) => {
      await store.put(events(20))
      const leases = await claim(store)
      const results = await Promise.all(
        leases.map((lease, index) =>
          settle(store, lease, succeeded, [
            index === 7 ? harness.failingEffect() : harness.effect(`${index}`),
          ]),
        ),
      )
      assert.equal(at(results, 7), 'failed')
      assert.equal(results.filter((result) => result === 'settled').length, 19)
      assert.equal((await harness.effectsSeen()).length, 19)
    },
  }),
]
