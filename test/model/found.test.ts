import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memory } from '../../packages/postern/src/stores/memory/index.ts'
import type { ContractStore } from '../../packages/postern/src/testing/index.ts'
import {
  anEvent,
  bytes,
  claim,
  claimOne,
  deliveryOf,
  duplicateOf,
  events,
  OUTCOMES,
  put,
  putStored,
  settle,
} from '../../packages/postern/src/testing/store-contract/fixtures.ts'
import { memoryWorld, SqliteWorlds, type World } from './world.ts'

const files = new SqliteWorlds()
beforeAll(() => files.prepare())
afterAll(() => files.dispose())

describe.each([
  ['memory', () => memoryWorld(memory)],
  ['SQLite', () => files.make('inline')],
])('what the model has found, as short stories: %s', (_, open) => {
  test('deliveries are listed whatever is said of conflicts, which is asked of events only', () =>
    inWorld(open, async (store) => {
      const eventSeq = await putStored(store)
      const { deliveries } = await store.list({ of: 'deliveries', conflicts: true, limit: 10 })
      expect(deliveries.map((delivery) => delivery.eventSeq)).toEqual([eventSeq])
    }))

  test.each(['released', 'succeeded'] as const)('the last error stays on a delivery that is %s', (kind) =>
    inWorld(open, async (store) => {
      const eventSeq = await putStored(store)
      await settle(store, await claimOne(store), { kind: 'retry', afterMs: 0, error: 'timed out' })
      await settle(store, await claimOne(store), OUTCOMES[kind])
      expect((await deliveryOf(store, eventSeq)).error).toBe('timed out')
    }),
  )

  test('attempts of one number in one millisecond are all kept, in their order', () =>
    inWorld(open, async (store) => {
      const eventSeq = await putStored(store)
      await settle(store, await claimOne(store), { kind: 'retry', afterMs: 0, error: 'one' })
      await settle(store, await claimOne(store), { kind: 'dead', error: 'two' })
      await store.move([{ deliverySeq: (await deliveryOf(store, eventSeq)).deliverySeq, to: 'redrive' }])
      await settle(store, await claimOne(store), { kind: 'dead', error: 'three' })
      const { attempts } = await deliveryOf(store, eventSeq)
      expect(attempts.map(({ number, error }) => [number, error])).toEqual([
        [1, 'one'],
        [2, 'two'],
        [1, 'three'],
      ])
    }))

  test('an id is remembered after a restart, though an older event of it is still kept', () =>
    inWorld(open, async (store, world) => {
      await putStored(store, anEvent({ dedupeWindowMs: 10 }))
      world.advance(10)
      const unhandled = anEvent({ body: bytes('other'), destinations: [] })
      const eventSeq = await putStored(store, unhandled)
      world.advance(2)
      expect(await store.prune({ eventsOlderThanMs: 1, limit: 100 })).toMatchObject({ events: 1 })
      await world.crash('kill')
      duplicateOf(await put(world.store(0), unhandled), eventSeq)
      await world.store(0).prune({ eventsOlderThanMs: 1, limit: 100 })
      await world.crash('stop')
      duplicateOf(await put(world.store(0), unhandled), eventSeq)
      expect(await claim(world.store(0))).toHaveLength(1)
    }))
})

test('a key that is taken into the table late does not replace a newer one there', () =>
  inWorld(
    () => files.make('inline'),
    async (store, world) => {
      const unhandled = anEvent({ dedupeWindowMs: 1000, destinations: [] })
      await putStored(store, anEvent({ dedupeWindowMs: 10 }))
      world.advance(10)
      const eventSeq = await putStored(store, unhandled)
      world.advance(2)
      await store.prune({ eventsOlderThanMs: 1, limit: 100 })
      await world.crash('stop')
      const again = world.store(0)
      // Enough for a run of keys to begin, and then a commit for each part of it.
      await again.put(
        events(8200, { destinations: [] }).map((event) => ({ ...event, id: `other ${event.id}` })),
      )
      for (let commit = 0; commit < 40; commit += 1) await again.extend([], 1)
      duplicateOf(await put(again, unhandled), eventSeq)
    },
  ))

async function inWorld(
  open: () => World,
  story: (store: ContractStore, world: World) => Promise<void>,
): Promise<void> {
  const world = open()
  await story(world.store(0), world).finally(() => world.dispose())
}
