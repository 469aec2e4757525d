import assert from 'node:assert/strict'
import type { ListPage, ListQuery } from '../../inbox/index.ts'
import { cases, type ContractCase } from './case.ts'
import {
  anEvent,
  bytes,
  claim,
  claimOne,
  conflictSeq,
  deliveryIn,
  events,
  inLine,
  lineOf,
  MINUTE,
  OUTCOMES,
  put,
  putAll,
  putStored,
  settle,
} from './fixtures.ts'
import type { ContractStore } from './harness.ts'
import { allDeliveries, drain } from './order-fixtures.ts'

const DEAD = OUTCOMES.dead
const OLD_MS: number = 10 * MINUTE

/** Lists that go up: what is done to the deliveries of a key, page by page, is done in the order of the key. */
export const oldestFirstCases: readonly ContractCase[] = cases('list/oldest-first', {
  'after 0 all come, the oldest first': async (store) => {
    const eventSeqs = await putAll(store, events(5, { destinations: ['handlers', 'audit'] }))
    const page = await store.list({ of: 'events', after: 0, limit: 10 })
    assert.deepEqual(eventSeqsOf(page), eventSeqs)
    assert.deepEqual([page.deliveries, page.next], [[], undefined])
    const seqs = (await allDeliveries(store)).map(({ deliverySeq }) => deliverySeq)
    const rising = await store.list({ of: 'deliveries', after: 0, limit: 10 })
    assert.deepEqual(deliverySeqsOf(rising), seqs.toReversed())
    assert.deepEqual([rising.events, rising.next], [[], undefined])
  },
  'an empty store has an empty page': async (store) => {
    const empty = { events: [], deliveries: [], next: undefined }
    assert.deepEqual(await store.list({ of: 'events', after: 0, limit: 10 }), empty)
    assert.deepEqual(await store.list({ of: 'deliveries', after: 0, limit: 10 }), empty)
  },
  'pages follow each other without gap or overlap, and a full last one has no next': async (store) => {
    const eventSeqs = await putAll(store, events(7))
    const pages = await pagesOf(store, { of: 'events', limit: 3 })
    assert.deepEqual(pages.map(eventSeqsOf), [
      eventSeqs.slice(0, 3),
      eventSeqs.slice(3, 6),
      eventSeqs.slice(6),
    ])
    const seqs = (await allDeliveries(store)).map(({ deliverySeq }) => deliverySeq).toReversed()
    const [oldest = 0] = seqs
    const rest = await pagesOf(store, { of: 'deliveries', after: oldest, limit: 3 })
    assert.deepEqual(rest.map(deliverySeqsOf), [seqs.slice(1, 4), seqs.slice(4)])
  },
  'they end before a number that is given': async (store) => {
    const eventSeqs = await putAll(store, events(6))
    const [before = 0] = eventSeqs.slice(4)
    const pages = await pagesOf(store, { of: 'events', before, limit: 2 })
    assert.deepEqual(pages.map(eventSeqsOf), [eventSeqs.slice(0, 2), eventSeqs.slice(2, 4)])
    assert.deepEqual(eventSeqsOf(await store.list({ of: 'events', after: before, before, limit: 2 })), [])
  },
  'each filter holds': async (store) => {
    await putAll(store, [
      anEvent({ id: 'a', source: 'shop', type: 'paid' }),
      anEvent({ id: 'b', source: 'bank', type: 'paid' }),
      anEvent({ id: 'c', source: 'shop', type: 'void' }),
      anEvent({ id: 'd', source: 'shop', type: 'paid', destinations: ['audit'] }),
      anEvent({ id: 'e', source: 'shop', type: 'paid' }),
    ])
    assert.deepEqual(await listedIds(store, { source: 'bank' }), ['b'])
    assert.deepEqual(await listedIds(store, { type: 'void' }), ['c'])
    assert.deepEqual(await listedIds(store, { source: 'shop', type: 'paid' }), ['a', 'd', 'e'])
    assert.deepEqual(await deliveredIds(store, { type: 'paid', destination: 'audit' }), ['d'])
    assert.deepEqual(await deliveredIds(store, { source: 'shop', destination: 'handlers' }), ['a', 'c', 'e'])
  },
  'each state holds': async (store) => {
    const states = ['succeeded', 'dead', 'cancelled', 'leased', 'pending'] as const
    for (const state of states) {
      for (const id of [`${state} 1`, `${state} 2`])
        await deliveryIn(store, state, anEvent({ id, destinations: [id] }))
    }
    for (const state of states)
      assert.deepEqual(await deliveredIds(store, { state }), [`${state} 1`, `${state} 2`])
  },
  'what conflicts, and what blocks': async (store) => {
    const first = await putStored(store, anEvent({ destinations: [] }))
    const conflicts: number[] = []
    for (const text of ['two', 'three'])
      conflicts.push(conflictSeq(await put(store, anEvent({ body: bytes(text) })), first))
    const pages = await pagesOf(store, { of: 'events', conflicts: true, limit: 1 })
    assert.deepEqual(pages.map(eventSeqsOf), [conflicts.slice(0, 1), conflicts.slice(1)])
    await deliveryIn(store, 'dead', inLine({ id: 'a', onDead: 'continue', orderingKey: 'cart 6' }))
    await deliveryIn(store, 'dead', inLine({ id: 'b' }))
    await deliveryIn(store, 'dead', inLine({ id: 'c', orderingKey: 'cart 8' }))
    assert.deepEqual(await deliveredIds(store, { blocking: true }), ['b', 'c'])
  },
  'what an older prune had to leave comes first, and each once': async (store, harness) => {
    await deliveryIn(store, 'dead', anEvent({ id: 'left' }))
    await deliveryIn(store, 'succeeded', anEvent({ id: 'gone' }))
    const { eventSeq } = await deliveryIn(store, 'dead', anEvent({ id: 'left as well' }))
    await harness.advance(OLD_MS + MINUTE)
    await store.prune({ eventsOlderThanMs: OLD_MS, limit: 100 })
    await store.replay([{ eventSeq, destinations: ['audit'] }])
    await putStored(store, anEvent({ id: 'new' }))
    assert.deepEqual(await listedIds(store, {}), ['left', 'left as well', 'new'])
    for (const limit of [2, 10]) {
      const ids = await deliveredIds(store, { limit })
      assert.deepEqual(ids, ['left', 'left as well', 'left as well', 'new'])
    }
  },
  'dead ones of a key that are redriven page by page run in its order, and none of them twice': async (
    store,
  ) => {
    await store.put(lineOf(5, { onDead: 'continue' }))
    for (let leases = await claim(store); leases.length > 0; leases = await claim(store))
      for (const lease of leases) await settle(store, lease, DEAD)
    const ran: string[] = []
    const dead = { of: 'deliveries', state: 'dead', limit: 2 } as const
    for (let after: number | undefined = 0, pages = 0; after !== undefined && pages < 9; pages += 1) {
      const { deliveries, next } = await store.list({ ...dead, after })
      await store.move(deliveries.map(({ deliverySeq }) => ({ deliverySeq, to: 'redrive', force: true })))
      for (let left = deliveries.length; left > 0; left -= 1) {
        const lease = await claimOne(store)
        ran.push(lease.event.id)
        await settle(store, lease, DEAD)
      }
      after = next
    }
    assert.deepEqual(ran, ['evt_1', 'evt_2', 'evt_3', 'evt_4', 'evt_5'])
    assert.deepEqual(await drain(store), [])
  },
})

async function pagesOf(store: ContractStore, query: ListQuery): Promise<ListPage[]> {
  const pages = [await store.list({ after: 0, ...query })]
  for (let next = pages[0]?.next; next !== undefined && pages.length < 20; next = pages.at(-1)?.next)
    pages.push(await store.list({ ...query, after: next }))
  return pages
}

function eventSeqsOf({ events: listed }: ListPage): number[] {
  return listed.map(({ eventSeq }) => eventSeq)
}

function deliverySeqsOf({ deliveries }: ListPage): number[] {
  return deliveries.map(({ deliverySeq }) => deliverySeq)
}

/** By pages of two. */
async function listedIds(store: ContractStore, filter: Partial<ListQuery>): Promise<string[]> {
  const pages = await pagesOf(store, { of: 'events', limit: 2, ...filter })
  return pages.flatMap((page) => page.events.map(({ id }) => id))
}

/** The ids of the events of the deliveries, by pages of two. */
async function deliveredIds(store: ContractStore, filter: Partial<ListQuery>): Promise<string[]> {
  const pages = await pagesOf(store, { of: 'deliveries', limit: 2, ...filter })
  const { events: all } = await store.list({ of: 'events', limit: 100 })
  const ids = new Map(all.map(({ eventSeq, id }) => [eventSeq, id]))
  return pages.flatMap((page) => page.deliveries.map(({ eventSeq }) => ids.get(eventSeq) ?? ''))
}
