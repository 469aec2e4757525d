import type { Settlement, SettleResult } from '../../inbox/index.ts'
import type { Packable } from './packing.ts'
import type { Answer } from './space.ts'
import { wholeMs } from './whole-ms.ts'

/**
 * A command that is run with the settlement, in the same script: `['INCRBY', 'balance:7', 5]`. It must name a key, and in a
 * cluster one that begins with the source's `{<source>}:`. It cannot read and then decide. Text with half a surrogate pair fails
 * its settlement: it has no form in UTF-8.
 */
export type RedisEffect = readonly (string | number | Uint8Array)[]

/** Settlements as the script takes them; `lua/settle.ts` names the places. */
export function settleOperation(settlements: readonly Settlement<RedisEffect>[]): Packable {
  return ['settle', settlements.map(settlementOf)]
}

function settlementOf(settlement: Settlement<RedisEffect>): Packable {
  const { deliverySeq, token, outcome, durationMs, effects = [] } = settlement
  return [
    deliverySeq,
    token,
    outcome.kind,
    wholeMs('afterMs' in outcome ? (outcome.afterMs ?? 0) : 0),
    wholeMs(durationMs),
    'error' in outcome ? JSON.stringify(outcome.error) : false,
    effects.length === 0 ? false : effects.map(commandOf),
  ]
}

/** What keeps an effect from being sent; `undefined` where nothing does. */
export function effectProblem(effect: unknown): string | undefined {
  if (!Array.isArray(effect)) return 'an effect is no list of a command and its arguments'
  const index = effect.findIndex((part) => !isPart(part))
  if (index >= 0)
    return `part ${index} of an effect is neither text nor number nor bytes: ${typeof effect[index]}`
  // With the flag `u`, a class of surrogates matches only those that are not half of a pair.
  const half = effect.findIndex((part) => typeof part === 'string' && /\p{Surrogate}/u.test(part))
  return half < 0
    ? undefined
    : `part ${half} of an effect has half a surrogate pair, which has no form in UTF-8: take it out, or give bytes`
}

function isPart(part: unknown): boolean {
  return typeof part === 'string' || typeof part === 'number' || part instanceof Uint8Array
}

/** Numbers as text: the script would write what is no whole number with all its digits. */
function commandOf(effect: RedisEffect): Packable {
  return effect.map((part) => (typeof part === 'number' ? String(part) : part))
}

/** The script's answers: true, `lost`, or why an effect failed. */
export function settleResults({ value }: Answer): SettleResult[] {
  return (value as readonly (true | Buffer)[]).map((result) => {
    if (result === true) return { result: 'settled' }
    const message = result.toString()
    return message === 'lost'
      ? { result: 'lost' }
      : { result: 'failed', error: new Error(`Redis: ${message}`) }
  })
}
