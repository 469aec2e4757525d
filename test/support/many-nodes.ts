import { expect } from 'vitest'

/** What a store held after a proof with many nodes, against what its clients were promised: see scripts/proofs/tally.mjs. */
export interface Tally {
  readonly events: number
  readonly succeeded: number
  readonly dead: number
  readonly effects: number
  readonly wrong: Readonly<Record<string, number | string>>
  readonly wokenP50Ms: number
}

/** Half of what the stores' poll takes on average. */
export const wakeUpMs = 250

export function expectNothingWrong(found: Tally): void {
  expect(found.wrong).toEqual({
    missing: 0,
    doubled: 0,
    invented: 0,
    altered: 0,
    open: 0,
    wronglyDead: 0,
    wronglyAlive: 0,
    withoutEffect: 0,
    withMoreEffects: 0,
    effectsOfDead: 0,
    damaged: 0,
  })
  expect(found.effects).toBe(found.succeeded)
  expect(found.events).toBe(found.succeeded + found.dead)
  expect(found.events).toBeGreaterThan(500)
}
