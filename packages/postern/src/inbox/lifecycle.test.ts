import { describe, expect, test } from 'vitest'
import { DELIVERY_STATES, isLegal, TRANSITIONS, type DeliveryState, type Transition } from './lifecycle.ts'

const transitions = Object.keys(TRANSITIONS) as Transition[] // Object.keys forgets the type of the keys.

/** Every legal step, written out once more by hand, so that a slip in the table shows. */
const LEGAL: readonly `${DeliveryState} ${Transition}`[] = [
  'pending claim',
  'leased claim',
  'pending take',
  'leased take',
  'dead take',
  'leased succeeded',
  'leased retry',
  'leased released',
  'leased dead',
  'dead redrive',
  'pending cancel',
  'dead discard',
]

describe('the lifecycle of a delivery', () => {
  const steps = DELIVERY_STATES.flatMap((state) => transitions.map((step) => ({ state, step })))

  test.each(steps)('$step from $state', ({ state, step }) => {
    expect(isLegal(step, state)).toBe(LEGAL.includes(`${state} ${step}`))
  })

  test('succeeded and cancelled are final', () => {
    for (const step of transitions) {
      expect(isLegal(step, 'succeeded')).toBe(false)
      expect(isLegal(step, 'cancelled')).toBe(false)
    }
  })

  test('every state but the first is led to', () => {
    const led = new Set(transitions.map((step) => TRANSITIONS[step].to))
    expect(led).toEqual(new Set(DELIVERY_STATES))
  })

  test('steps lead where the diagram says', () => {
    expect(Object.fromEntries(transitions.map((step) => [step, TRANSITIONS[step].to]))).toEqual({
      claim: 'leased',
      take: 'leased',
      succeeded: 'succeeded',
      retry: 'pending',
      released: 'pending',
      dead: 'dead',
      redrive: 'pending',
      cancel: 'cancelled',
      discard: 'cancelled',
    })
  })
})
