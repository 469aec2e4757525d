import * as fc from 'fast-check'
import type { Move } from '../../packages/postern/src/inbox/index.ts'
import { anyOf, worker } from './draw.ts'
import { answerOf, type Plan } from './step.ts'

/** Which step to take: mostly one that the lifecycle has. */
const moveChoice = fc.record({
  to: anyOf<Move['to']>([5, 'redrive'], [2, 'cancel'], [2, 'discard']),
  number: fc.nat(7),
  apt: anyOf([5, true], [1, false]),
  force: anyOf([2, false], [1, true]),
})

export const move: fc.Arbitrary<Plan> = fc
  .tuple(worker, fc.array(moveChoice, { minLength: 1, maxLength: 2 }))
  .map(([at, choices]): Plan => (model) => {
    const moves = choices.map(({ to, number, apt, force }) => {
      const from = to === 'cancel' ? 'pending' : 'dead'
      const rows = model.deliveries.filter(({ state }) => !apt || state === from)
      const deliverySeq = rows[number % Math.max(1, rows.length)]?.deliverySeq ?? 999_999
      return { deliverySeq, to, ...(force && { force }) } as const
    })
    return {
      text: `move(${JSON.stringify(moves)})`,
      perform: async (world) => {
        const results = await world.store(at).move(moves)
        return answerOf(moves, results, (after, some, theirs) => after.move(some, theirs))
      },
    }
  })

export const replay: fc.Arbitrary<Plan> = fc
  .tuple(
    worker,
    fc.array(
      fc.record({
        number: fc.nat(9),
        destinations: anyOf<readonly string[]>([4, ['h']], [1, ['x', 'h']], [1, []]),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  )
  .map(([at, choices]): Plan => (model) => {
    // One number in ten is that of an event that was pruned, or never was.
    const replays = choices.map(({ number, destinations }) => ({
      eventSeq: number === 9 ? model.lastEventSeq + 1 : (model.events.at(-1 - number)?.eventSeq ?? 1),
      destinations,
    }))
    return {
      text: `replay(${JSON.stringify(replays)})`,
      perform: async (world) => {
        const results = await world.store(at).replay(replays)
        return answerOf(replays, results, (after, some, theirs) => after.replay(some, theirs))
      },
    }
  })

export const prune: fc.Arbitrary<Plan> = fc
  .record({
    at: worker,
    eventsOlderThanMs: anyOf([2, 0], [1, 10], [1, 30]),
    limit: anyOf([1, 2], [1, 3], [2, 100]),
  })
  .map(({ at, ...request }): Plan => () => ({
    text: `prune(${JSON.stringify(request)})`,
    perform: async (world) => {
      const result = await world.store(at).prune(request)
      return { judge: (model) => model.prune(request, result) }
    },
  }))
