import type { Settlement, SettleResult } from './store.ts'

/**
 * Settles those whose effects can be sent to an engine, and answers `failed` for the others: a value that has no form on the way, as
 * an object out of an event where a text was expected, would otherwise fail the whole commit, and with it what others put there.
 *
 * @param problemOf What keeps an effect from being sent, whatever a caller without types has given; `undefined` where nothing does.
 */
export function settleSound<Effect>(
  settlements: readonly Settlement<Effect>[],
  problemOf: (effect: unknown) => string | undefined,
  settle: Settle<Effect>,
): Promise<SettleResult[]> {
  // Most write nothing, and cost no look at what they write.
  const haveEffects = settlements.some(({ effects }) => effects !== undefined && effects.length > 0)
  return haveEffects ? settleApart(settlements, problemOf, settle) : settle(settlements)
}

type Settle<Effect> = (sound: readonly Settlement<Effect>[]) => Promise<SettleResult[]>

async function settleApart<Effect>(
  settlements: readonly Settlement<Effect>[],
  problemOf: (effect: unknown) => string | undefined,
  settle: Settle<Effect>,
): Promise<SettleResult[]> {
  const problems = settlements.map(({ effects }) =>
    effects?.map((effect) => problemIn(effect, problemOf)).find((problem) => problem !== undefined),
  )
  const sound = settlements.filter((_settlement, index) => problems[index] === undefined)
  const results = sound.length === 0 ? [] : await settle(sound)
  return problems.map((problem): SettleResult => {
    const result = problem === undefined ? results.shift() : undefined
    return result ?? { result: 'failed', error: new TypeError(problem ?? 'the settlement has no result') }
  })
}

/** Of a proxy that was revoked even a look throws. */
function problemIn(effect: unknown, problemOf: (effect: unknown) => string | undefined): string | undefined {
  try {
    return problemOf(effect)
  } catch {
    return 'an effect cannot be read'
  }
}
