/**
 * Hostile text for every parser that a request meets before it is authentic. `npm run proof:fuzz` does the same for
 * longer.
 */
import { describe, expect, test } from 'vitest'
import { PLANTED_BUGS } from './planted-bugs.ts'
import { firstFailure, targets } from './targets.ts'
import { targetsWith } from './with-bug.ts'

const INPUTS = 3000
/** Within which a planted bug must be found. */
const INPUTS_FOR_BUG = 20_000

describe('parsers', () => {
  test.each(targets)('answer what is right, and never throw: $name', (target) => {
    // A failure prints what it was; `firstFailure(target, inputs, seed)` repeats it.
    const seed = Math.floor(Math.random() * 2 ** 31)
    const failure = firstFailure(target, INPUTS, seed)
    expect(failure === undefined ? undefined : `seed ${seed}: ${failure}`).toBeUndefined()
  })
})

describe('planted bugs', () => {
  test.each(PLANTED_BUGS)('are found: one that $name', async (bug) => {
    const { firstFailure: failureOf, targets: planted } = await targetsWith(bug)
    const target = planted.find(({ name }) => name === bug.target)!
    expect(failureOf(target, INPUTS_FOR_BUG, 1)).toBeDefined()
  })
})
