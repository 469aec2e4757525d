import * as fc from 'fast-check'
import type { NewEvent, Outcome } from '../../packages/postern/src/inbox/index.ts'
import { anyOf, type LINES } from './draw.ts'
import { claim, extend, outcomeOf, settleOf, workOf } from './lease-calls.ts'
import type { StoreModel } from './model.ts'
import { move, prune, replay } from './operator-calls.ts'
import { copy, eventOf, putOf, type EventTheme } from './put-calls.ts'
import { Step } from './step.ts'
import { clock, crash, get, list, reject, remember } from './world-calls.ts'
import type { World } from './world.ts'

/** What a run is mostly about: a few things drawn from much meet more often than everything drawn from everything. */
interface Theme extends EventTheme {
  readonly outcome: fc.Arbitrary<Outcome>
  /** How many times each step is in the hat; 1 where it is not named. */
  readonly times: Readonly<Record<string, number>>
}

const EVERYTHING: Theme = {
  ids: 12,
  line: anyOf<keyof typeof LINES>([2, 'none'], [1, 'unordered'], [3, 'blocks'], [3, 'passes']),
  idKind: anyOf<NewEvent['idKind']>([5, 'signed'], [3, 'unsigned'], [1, 'digest']),
  destinations: anyOf<readonly string[]>([6, ['h']], [2, ['h', 'x']], [1, ['x']], [1, []]),
  outcome: outcomeOf(4, 4, 5, 2),
  leasedIn10: 3,
  times: { put: 5, copy: 4, claim: 4, settle: 5, work: 4, move: 3, replay: 2, prune: 2, clock: 5 },
}

const THEMES: readonly Theme[] = [
  EVERYTHING,
  {
    // Order: a long line or two, where much dies and is brought back.
    ...EVERYTHING,
    ids: 30,
    line: anyOf<keyof typeof LINES>([1, 'blocks'], [2, 'passes']),
    destinations: anyOf<readonly string[]>([9, ['h']], [1, ['h', 'x']]),
    outcome: outcomeOf(2, 2, 9, 1),
    leasedIn10: 1,
    times: { put: 3, copy: 5, claim: 3, settle: 4, work: 9, move: 5, prune: 3, clock: 3 },
  },
  {
    // Copies: few ids, and windows that end.
    ...EVERYTHING,
    ids: 3,
    line: anyOf<keyof typeof LINES>([3, 'none'], [1, 'passes']),
    idKind: anyOf<NewEvent['idKind']>([3, 'signed'], [3, 'unsigned'], [1, 'digest']),
    destinations: anyOf<readonly string[]>([3, ['h']], [3, []]),
    times: { put: 5, copy: 9, claim: 2, settle: 3, work: 5, replay: 4, prune: 4, clock: 5, crash: 3 },
  },
]

/** What is done in one run; with a path that fast-check has printed, what was done then. */
export function steps(
  maxSteps: number,
  replayPath?: string,
): fc.Arbitrary<Iterable<fc.AsyncCommand<StoreModel, World>>> {
  const bounds = {
    maxCommands: maxSteps,
    size: 'max',
    ...(replayPath !== undefined && { replayPath }),
  } as const
  return fc.oneof(...THEMES.map((theme) => stepsOf(theme, bounds)))
}

function stepsOf(
  theme: Theme,
  bounds: fc.CommandsContraints,
): fc.Arbitrary<Iterable<fc.AsyncCommand<StoreModel, World>>> {
  const put = putOf(eventOf(theme))
  const settle = settleOf(theme.outcome)
  const work = workOf(theme.outcome)
  const alone = {
    put,
    copy,
    claim,
    settle,
    work,
    extend,
    move,
    replay,
    prune,
    clock,
    crash,
    list,
    get,
    reject,
    remember,
  }
  const single = Object.entries(alone).flatMap(([name, plan]) => {
    const step = plan.map((each) => new Step(name, [each]))
    return Array.from({ length: theme.times[name] ?? 1 }, () => step)
  })
  const atOnce = fc
    .array(fc.oneof(put, copy, claim, settle, extend, move, replay), { minLength: 2, maxLength: 3 })
    .map((plans) => new Step('at once', plans))
  return fc.commands<StoreModel, World, false>([...single, atOnce, atOnce], bounds)
}
