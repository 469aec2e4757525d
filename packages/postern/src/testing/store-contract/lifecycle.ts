import assert from 'node:assert/strict'
import {
  DELIVERY_STATES,
  isLegal,
  TRANSITIONS,
  type DeliveryState,
  type Move,
  type Outcome,
} from '../../inbox/index.ts'
import { cases, type CaseBody, type ContractCase } from './case.ts'
import { claim, claimOne, deliveryIn, deliveryOf, LEASE_MS, OUTCOMES, SECOND, settle } from './fixtures.ts'

const MOVES: readonly Move['to'][] = ['redrive', 'cancel', 'discard']
const KINDS: readonly Outcome['kind'][] = ['succeeded', 'retry', 'dead', 'released']

/** Every state with every step, as the lifecycle's own table has them. */
export const lifecycleCases: readonly ContractCase[] = [
  ...cases(
    'lifecycle/move',
    Object.fromEntries(DELIVERY_STATES.flatMap((from) => MOVES.map((to) => moveCase(from, to)))),
  ),
  ...cases('lifecycle/move', {
    'a redriven delivery is due at once, keeps its attempts on record and counts from 1 again': async (
      store,
    ) => {
      const { deliverySeq, eventSeq } = await deliveryIn(store, 'dead')
      await store.move([{ deliverySeq, to: 'redrive' }])
      assert.equal((await deliveryOf(store, eventSeq)).attempts.length, 1)
      const claimed = await claimOne(store)
      assert.equal(claimed.deliverySeq, deliverySeq)
      assert.equal(claimed.attempt, 1)
    },
    'a delivery that does not exist is unknown, and its neighbours are moved': async (store) => {
      const { deliverySeq } = await deliveryIn(store, 'pending')
      const moves = await store.move([
        { deliverySeq: 999, to: 'cancel' },
        { deliverySeq, to: 'cancel' },
        { deliverySeq, to: 'cancel' },
      ])
      assert.deepEqual(moves, ['unknown', 'moved', 'illegal'])
    },
  }),
  ...cases(
    'lifecycle/settle',
    Object.fromEntries(DELIVERY_STATES.flatMap((from) => KINDS.map((kind) => settleCase(from, kind)))),
  ),
  ...cases('lifecycle/claim', Object.fromEntries(DELIVERY_STATES.map(claimCase))),
]

function moveCase(from: DeliveryState, to: Move['to']): [string, CaseBody] {
  const legal = isLegal(to, from)
  const run: CaseBody = async (store) => {
    const before = await deliveryIn(store, from)
    const { deliverySeq, eventSeq } = before
    assert.deepEqual(await store.move([{ deliverySeq, to }]), [legal ? 'moved' : 'illegal'])
    const after = await deliveryOf(store, eventSeq)
    if (legal) assert.equal(after.state, TRANSITIONS[to].to)
    else assert.deepEqual(after, before)
  }
  return [`${to} from ${from} is ${legal ? 'legal' : 'illegal'}`, run]
}

function settleCase(from: DeliveryState, kind: Outcome['kind']): [string, CaseBody] {
  const legal = isLegal(kind, from)
  const run: CaseBody = async (store) => {
    const before = await deliveryIn(store, from)
    assert.equal(await settle(store, before, OUTCOMES[kind]), legal ? 'settled' : 'lost')
    const after = await deliveryOf(store, before.eventSeq)
    if (legal) assert.equal(after.state, TRANSITIONS[kind].to)
    else assert.deepEqual(after, before)
  }
  return [`settling ${from} as ${kind} is ${legal ? 'legal' : 'lost'}`, run]
}

function claimCase(from: DeliveryState): [string, CaseBody] {
  const legal = isLegal('claim', from)
  const run: CaseBody = async (store, harness) => {
    const { deliverySeq } = await deliveryIn(store, from)
    await harness.advance(LEASE_MS + SECOND)
    const claimed = (await claim(store)).map((lease) => lease.deliverySeq)
    assert.deepEqual(claimed, legal ? [deliverySeq] : [])
  }
  return [`${from} is ${legal ? 'claimed in time' : 'never claimed'}`, run]
}
