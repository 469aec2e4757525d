import assert from 'node:assert/strict'
import { cases, type ContractCase } from './case.ts'
import {
  anEvent,
  at,
  claim,
  claimOne,
  deliveryIn,
  deliveryOf,
  events,
  LEASE_MS,
  MINUTE,
  only,
  OUTCOMES,
  putStored,
  SECOND,
  settle,
  settlement,
} from './fixtures.ts'

export const settleCases: readonly ContractCase[] = [
  ...cases('settle/outcome', {
    'a success ends the delivery': async (store, harness) => {
      const { eventSeq } = await deliveryIn(store, 'succeeded')
      const { state, leaseUntilMs } = await deliveryOf(store, eventSeq)
      assert.deepEqual([state, leaseUntilMs], ['succeeded', undefined])
      await harness.advance(LEASE_MS + SECOND)
      assert.deepEqual(await claim(store), [])
    },
    'a dead delivery keeps its error and is not claimed': async (store, harness) => {
      await putStored(store)
      const { event, ...lease } = await claimOne(store)
      assert.equal(await settle(store, lease, { kind: 'dead', error: 'no such order' }), 'settled')
      const { state, error, leaseUntilMs } = await deliveryOf(store, event.eventSeq)
      assert.deepEqual([state, error, leaseUntilMs], ['dead', 'no such order', undefined])
      await harness.advance(LEASE_MS + SECOND)
      assert.deepEqual(await claim(store), [])
    },
    'results come in the order of the settlements': async (store) => {
      await store.put(events(3))
      const [first, second, third] = await claim(store)
      assert.ok(first && second && third)
      await settle(store, second)
      const results = await store.settle([settlement(second), settlement(third), settlement(first)])
      assert.deepEqual(
        results.map(({ result }) => result),
        ['lost', 'settled', 'settled'],
      )
    },
    'an empty array is answered with an empty array': async (store) => {
      assert.deepEqual(await store.settle([]), [])
    },
    'the last error stays, whatever comes after it': async (store) => {
      const eventSeq = await putStored(store)
      await settle(store, await claimOne(store), { kind: 'retry', afterMs: 0, error: 'timed out' })
      await settle(store, await claimOne(store), { kind: 'released' })
      assert.equal((await deliveryOf(store, eventSeq)).error, 'timed out')
      await settle(store, await claimOne(store))
      assert.equal((await deliveryOf(store, eventSeq)).error, 'timed out')
    },
    'one destination is settled without the others': async (store) => {
      const eventSeq = await putStored(store, anEvent({ destinations: ['handlers', 'audit'] }))
      await settle(store, await claimOne(store))
      assert.equal(await stateOf(store, eventSeq, 'handlers'), 'succeeded')
      assert.equal(await stateOf(store, eventSeq, 'audit'), 'pending')
    },
  }),
  ...cases('settle/attempts', {
    'every attempt is kept with its number, outcome, duration and error': async (store, harness) => {
      const eventSeq = await putStored(store)
      await settle(store, await claimOne(store), { kind: 'retry', afterMs: 0, error: 'timed out' })
      await harness.advance(SECOND)
      await settle(store, await claimOne(store))
      const { attempts } = await deliveryOf(store, eventSeq)
      assert.deepEqual(
        attempts.map(({ endedMs: _endedMs, ...attempt }) => attempt),
        [
          { number: 1, durationMs: 12, outcome: 'retry', error: 'timed out' },
          { number: 2, durationMs: 12, outcome: 'succeeded', error: undefined },
        ],
      )
    },
    'an attempt ended when it was settled': async (store, harness) => {
      const eventSeq = await putStored(store)
      const lease = await claimOne(store)
      await harness.advance(10 * SECOND)
      await settle(store, lease)
      const { endedMs } = only((await deliveryOf(store, eventSeq)).attempts)
      assert.ok(endedMs >= lease.event.receivedMs + 10 * SECOND, 'endedMs must be the time of the settle')
    },
    'an attempt whose worker was lost still counts': async (store, harness) => {
      const eventSeq = await putStored(store)
      await claimOne(store)
      await harness.advance(LEASE_MS + SECOND)
      await settle(store, await claimOne(store), { kind: 'dead', error: 'never' })
      const { attempt, attempts } = await deliveryOf(store, eventSeq)
      assert.equal(attempt, 2)
      assert.equal(at(attempts, attempts.length - 1).number, 2)
    },
    'attempts with the same number at the same time are all kept': async (store) => {
      const { deliverySeq, eventSeq } = await deliveryIn(store, 'dead')
      await store.move([{ deliverySeq, to: 'redrive' }])
      await settle(store, await claimOne(store))
      const { attempts } = await deliveryOf(store, eventSeq)
      assert.deepEqual(
        attempts.map(({ number, outcome }) => [number, outcome]),
        [
          [1, 'dead'],
          [1, 'succeeded'],
        ],
      )
    },
    'a settlement that was lost leaves no attempt': async (store, harness) => {
      const eventSeq = await putStored(store)
      const old = await claimOne(store)
      await harness.advance(LEASE_MS + SECOND)
      await claimOne(store)
      await settle(store, old)
      assert.deepEqual((await deliveryOf(store, eventSeq)).attempts, [])
    },
  }),
  ...cases('settle/fence', {
    'a worker cannot settle what another has claimed since': async (store, harness) => {
      const eventSeq = await putStored(store)
      const old = await claimOne(store)
      await harness.advance(LEASE_MS + SECOND)
      const current = await claimOne(store)
      const before = await deliveryOf(store, eventSeq)
      for (const outcome of Object.values(OUTCOMES)) {
        assert.equal(await settle(store, old, outcome), 'lost', outcome.kind)
      }
      assert.deepEqual(await deliveryOf(store, eventSeq), before)
      assert.equal(await settle(store, current), 'settled')
    },
    'a settlement that was lost runs no effect': async (store, harness) => {
      await putStored(store)
      const old = await claimOne(store)
      await harness.advance(LEASE_MS + SECOND)
      await claimOne(store)
      await settle(store, old, { kind: 'succeeded' }, [harness.effect('late')])
      assert.deepEqual(await harness.effectsSeen(), [])
    },
    'a settlement a second time is lost, and its effects run once': async (store, harness) => {
      await putStored(store)
      const lease = await claimOne(store)
      assert.equal(await settle(store, lease, { kind: 'succeeded' }, [harness.effect('once')]), 'settled')
      assert.equal(await settle(store, lease, { kind: 'succeeded' }, [harness.effect('twice')]), 'lost')
      assert.deepEqual(await harness.effectsSeen(), ['once'])
    },
    'of two settlements of one lease in one array, the first counts': async (store) => {
      const eventSeq = await putStored(store)
      const lease = await claimOne(store)
      const results = await store.settle([settlement(lease), settlement(lease, OUTCOMES.dead)])
      assert.deepEqual(
        results.map(({ result }) => result),
        ['settled', 'lost'],
      )
      assert.equal((await deliveryOf(store, eventSeq)).state, 'succeeded')
    },
    'a token of the future is lost': async (store) => {
      await putStored(store)
      const { deliverySeq, token } = await claimOne(store)
      assert.equal(await settle(store, { deliverySeq, token: token + 1 }), 'lost')
    },
    'a delivery that does not exist is lost': async (store) => {
      assert.equal(await settle(store, { deliverySeq: 999, token: 1 }), 'lost')
    },
    'a lease that ended and was not claimed since is still its worker’s': async (store, harness) => {
      const eventSeq = await putStored(store)
      const lease = await claimOne(store)
      await harness.advance(LEASE_MS + SECOND)
      assert.equal(await settle(store, lease), 'settled')
      assert.equal((await deliveryOf(store, eventSeq)).state, 'succeeded')
      assert.deepEqual(await claim(store), [])
    },
  }),
  ...cases('settle/retry', {
    'a retry is due after its wait and not before': async (store, harness) => {
      await putStored(store)
      await settle(store, await claimOne(store), { kind: 'retry', afterMs: 10 * MINUTE, error: 'not yet' })
      assert.deepEqual(await claim(store), [])
      await harness.advance(9 * MINUTE)
      assert.deepEqual(await claim(store), [])
      await harness.advance(2 * MINUTE)
      assert.equal((await claimOne(store)).attempt, 2)
    },
    'a retry says why and until when': async (store) => {
      const eventSeq = await putStored(store)
      const lease = await claimOne(store)
      await settle(store, lease, { kind: 'retry', afterMs: 10 * MINUTE, error: 'timed out' })
      const { state, error, dueMs, leaseUntilMs } = await deliveryOf(store, eventSeq)
      assert.deepEqual([state, error, leaseUntilMs], ['pending', 'timed out', undefined])
      assert.ok(dueMs >= lease.event.receivedMs + 10 * MINUTE, 'dueMs must be afterMs from now')
    },
    'a retry without a wait is due at once': async (store) => {
      await putStored(store)
      await settle(store, await claimOne(store), { kind: 'retry', afterMs: 0, error: 'again' })
      assert.equal((await claimOne(store)).attempt, 2)
    },
    'a wait or a duration of no whole milliseconds is none the worse': async (store, harness) => {
      await store.put(events(2))
      const [first, second] = await claim(store)
      assert.ok(first && second)
      const uneven = {
        ...settlement(first, { kind: 'retry', afterMs: 0.25, error: 'again' }),
        durationMs: 1.5,
      }
      const results = await store.settle([uneven, settlement(second)])
      assert.deepEqual(
        results.map(({ result }) => result),
        ['settled', 'settled'],
      )
      await harness.advance(SECOND)
      assert.equal((await claimOne(store, { leaseMs: LEASE_MS + 0.5 })).attempt, 2)
    },
    'a retry keeps nobody else waiting': async (store) => {
      await putStored(store, anEvent({ id: 'failing' }))
      await settle(store, await claimOne(store), OUTCOMES.retry)
      await putStored(store, anEvent({ id: 'next' }))
      assert.equal((await claimOne(store)).event.id, 'next')
    },
  }),
  ...cases('settle/released', {
    'it waits for as long as was asked, and the attempt is not counted': async (store, harness) => {
      await putStored(store)
      const outcome = { kind: 'released', afterMs: MINUTE } as const
      assert.equal(await settle(store, await claimOne(store), outcome), 'settled')
      assert.deepEqual(await claim(store), [])
      await harness.advance(MINUTE)
      assert.equal((await claimOne(store)).attempt, 1)
    },
    'a delivery given back is due at once, and the attempt is not counted': async (store) => {
      const eventSeq = await putStored(store)
      assert.equal(await settle(store, await claimOne(store), { kind: 'released' }), 'settled')
      const { state, attempt, attempts } = await deliveryOf(store, eventSeq)
      assert.deepEqual([state, attempt, attempts], ['pending', 0, []])
      assert.equal((await claimOne(store)).attempt, 1)
    },
    'attempts made before are still counted': async (store) => {
      const eventSeq = await putStored(store)
      await settle(store, await claimOne(store), { kind: 'retry', afterMs: 0, error: 'again' })
      await settle(store, await claimOne(store), { kind: 'released' })
      assert.equal((await deliveryOf(store, eventSeq)).attempts.length, 1)
      assert.equal((await claimOne(store)).attempt, 2)
    },
  }),
]

async function stateOf(
  store: Parameters<typeof deliveryOf>[0],
  eventSeq: number,
  destination: string,
): Promise<string | undefined> {
  const deliveries = (await store.get(eventSeq))?.deliveries
  return deliveries?.find((delivery) => delivery.destination === destination)?.state
}
