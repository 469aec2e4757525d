import * as fc from 'fast-check'
import type { Lease, Outcome } from '../../packages/postern/src/inbox/index.ts'
import { anyOf, DESTINATIONS, worker } from './draw.ts'
import type { Effect } from './effect.ts'
import type { StoreModel } from './model.ts'
import { answerOf, type Plan } from './step.ts'

export const claim: fc.Arbitrary<Plan> = fc
  .record({
    at: worker,
    limits: fc.tuple(
      anyOf([1, undefined], [1, 0], [4, 1], [2, 2], [4, 9]),
      anyOf([3, undefined], [1, 1], [2, 9]),
    ),
    leaseMs: anyOf([2, 10], [1, 20]),
  })
  .map(({ at, limits, leaseMs }): Plan => {
    const destinations = limits.flatMap((limit, index) =>
      limit === undefined ? [] : [{ name: DESTINATIONS[index]!, limit }],
    )
    return () => ({
      text: `claim(${JSON.stringify(destinations)}, ${leaseMs} ms)`,
      perform: async (world) => {
        const claimed = await world.store(at).claim({ destinations, leaseMs, waitMs: 0 })
        return { judge: (model) => model.claim({ destinations, leaseMs }, claimed) }
      },
    })
  })

export function outcomeOf(
  succeeded: number,
  retry: number,
  dead: number,
  released: number,
): fc.Arbitrary<Outcome> {
  const again = anyOf([1, 0], [1, 5], [2, 20]).map(
    (afterMs) => ({ kind: 'retry', afterMs, error: `again in ${afterMs}` }) as const,
  )
  return fc.oneof(
    { weight: succeeded, arbitrary: fc.constant({ kind: 'succeeded' } as const) },
    { weight: retry, arbitrary: again },
    { weight: dead, arbitrary: fc.constant({ kind: 'dead', error: 'never: é🪝' } as const) },
    { weight: released, arbitrary: fc.constant({ kind: 'released' } as const) },
  )
}

/** Which lease to name: one that is held, one that was held before, any that ever was; seldom one that was never given. */
const leaseChoice = fc.record({
  number: fc.nat(7),
  from: anyOf<'held' | 'stale' | 'any'>([6, 'held'], [2, 'stale'], [1, 'any']),
  forged: anyOf([12, 0], [1, 1]),
})

export const settleOf = (outcome: fc.Arbitrary<Outcome>): fc.Arbitrary<Plan> =>
  fc
    .tuple(
      worker,
      fc.array(
        fc.record({
          lease: leaseChoice,
          outcome,
          durationMs: fc.nat(9),
          effects: anyOf<readonly boolean[]>([6, []], [2, [false]], [1, [false, true]], [1, [true]]),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    )
    .map(([at, choices]): Plan => (model, world) => {
      const settlements = choices.flatMap(({ lease, effects, ...rest }) => {
        const chosen = leaseOf(model, lease)
        if (chosen === undefined) return []
        const named = effects.map((fails): Effect => ({ name: model.nextEffect(), fails }))
        return [{ ...chosen, ...rest, effects: named }]
      })
      if (settlements.length === 0) return undefined
      return {
        text: `settle(${JSON.stringify(settlements)})`,
        perform: async () => {
          const asked = settlements.map(({ effects, ...rest }) => ({
            ...rest,
            effects: effects.map(world.effectOf),
          }))
          const results = await world.store(at).settle(asked)
          return answerOf(settlements, results, (after, some, theirs) => after.settle(some, theirs))
        },
      }
    })

function leaseOf(
  model: StoreModel,
  { number, from, forged }: { readonly number: number; readonly from: string; readonly forged: number },
): Lease | undefined {
  const leased = model.deliveries.filter(({ state }) => state === 'leased')
  const held = leased.map(({ deliverySeq, tokens }) => ({ deliverySeq, token: tokens.at(-1)! }))
  const stale = leased.flatMap(({ deliverySeq, tokens }) =>
    tokens.slice(0, -1).map((token) => ({ deliverySeq, token })),
  )
  const wanted = { held, stale }[from] ?? []
  const all = wanted.length > 0 ? wanted : model.leases
  const chosen = all.at(-1 - (number % Math.max(1, all.length)))
  return chosen && { deliverySeq: chosen.deliverySeq, token: chosen.token + forged }
}

/** A claim and its settlements in one go, as a worker does when all is well: so that runs come far. */
export const workOf = (outcome: fc.Arbitrary<Outcome>): fc.Arbitrary<Plan> =>
  fc
    .record({ at: worker, limit: fc.constantFrom(1, 1, 2), outcome })
    .map(({ at, limit, outcome: ended }): Plan => () => {
      const request = { destinations: DESTINATIONS.map((name) => ({ name, limit })), leaseMs: 10 }
      return {
        text: `claim and settle(${limit} each, ${ended.kind})`,
        perform: async (world) => {
          const claimed = await world.store(at).claim({ ...request, waitMs: 0 })
          const settlements = claimed.map(({ deliverySeq, token }) => {
            return { deliverySeq, token, outcome: ended, durationMs: 1 }
          })
          const results = await world.store(at).settle(settlements)
          return {
            judge: (model) => {
              model.claim(request, claimed)
              model.settle(settlements, results)
            },
          }
        },
      }
    })

export const extend: fc.Arbitrary<Plan> = fc
  .tuple(worker, fc.array(leaseChoice, { minLength: 1, maxLength: 3 }), anyOf([1, 5], [1, 20], [1, 30]))
  .map(([at, choices, leaseMs]): Plan => (model) => {
    const leases = choices.flatMap((choice) => leaseOf(model, choice) ?? [])
    if (leases.length === 0) return undefined
    return {
      text: `extend(${JSON.stringify(leases)}, ${leaseMs} ms)`,
      perform: async (world) => {
        const results = await world.store(at).extend(leases, leaseMs)
        return answerOf(leases, results, (after, some, theirs) => after.extend(some, leaseMs, theirs))
      },
    }
  })
