import assert from 'node:assert/strict'
import type { Delivery, Move, MoveResult, NewEvent, OnDead } from '../../inbox/index.ts'
import { claim, claimOne, deliveryOf, lineOf, OUTCOMES, putAll, putStored, settle } from './fixtures.ts'
import type { ContractStore } from './harness.ts'

const DEAD = OUTCOMES.dead

/** Puts three of one key and lets the first die. */
export async function deadHead(store: ContractStore, onDead: OnDead): Promise<Delivery> {
  const [eventSeq = 0] = await putAll(store, lineOf(3, { onDead }))
  await settle(store, await claimOne(store), DEAD)
  return deliveryOf(store, eventSeq)
}

/** Puts one event and lets it die. */
export async function claimDead(store: ContractStore, event: NewEvent): Promise<Delivery> {
  const eventSeq = await putStored(store, event)
  await settle(store, await claimOne(store), DEAD)
  return deliveryOf(store, eventSeq)
}

/** Moves one delivery. */
export async function move(
  store: ContractStore,
  { deliverySeq }: Delivery,
  to: Move['to'],
  force?: boolean,
): Promise<MoveResult[]> {
  return store.move([force === undefined ? { deliverySeq, to } : { deliverySeq, to, force }])
}

/** Claims and ends one after another until nothing comes; their ids. */
export async function drain(
  store: ContractStore,
  change: Parameters<typeof claim>[1] = {},
): Promise<string[]> {
  const ids: string[] = []
  for (;;) {
    const leases = await claim(store, change)
    assert.ok(leases.length <= 1, 'Only one of a key may run at a time')
    const [lease] = leases
    if (lease === undefined) return ids
    ids.push(lease.event.id)
    await settle(store, lease)
  }
}

/** Every delivery, newest first. */
export async function allDeliveries(store: ContractStore): Promise<readonly Delivery[]> {
  return (await store.list({ of: 'deliveries', limit: 100 })).deliveries
}

/** The deliveries of the event with an id. */
export async function deliveriesOf(store: ContractStore, id: string): Promise<readonly Delivery[]> {
  const { events: all } = await store.list({ of: 'events', limit: 100 })
  const event = all.find((each) => each.id === id)
  return (await allDeliveries(store)).filter(({ eventSeq }) => eventSeq === event?.eventSeq)
}

/** How many keys wait for a dead delivery, at any destination. */
export async function blockedKeys(store: ContractStore): Promise<number> {
  return (await store.stat()).destinations.reduce((sum, destination) => sum + destination.blockedKeys, 0)
}

/** Nothing is blocked, however one looks. */
export async function assertNoneBlock(store: ContractStore): Promise<void> {
  assert.equal(await blockedKeys(store), 0)
  assert.deepEqual((await store.list({ of: 'deliveries', limit: 9, blocking: true })).deliveries, [])
}
