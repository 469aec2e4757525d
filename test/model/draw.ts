/**
 * The few names and short times that runs are made of, so that runs of a few steps meet.
 *
 * @module
 */
import * as fc from 'fast-check'

export const DESTINATIONS = ['h', 'x'] as const

/** FREE: what holds where events of one key disagree is not said, so a key has one rule here. */
export const LINES = {
  none: { orderingKey: undefined, onDead: undefined },
  unordered: { orderingKey: 'unordered', onDead: undefined },
  blocks: { orderingKey: 'blocks', onDead: 'block' },
  passes: { orderingKey: 'passes', onDead: 'continue' },
} as const

/** Which of two workers calls. */
export const worker: fc.Arbitrary<number> = fc.nat(1)

/** One of some values, as often as its weight says. */
export const anyOf = <T>(...weighted: readonly (readonly [weight: number, value: T])[]): fc.Arbitrary<T> =>
  fc.oneof(...weighted.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })))
