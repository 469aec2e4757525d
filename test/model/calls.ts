/**
 * What is asked of a store, drawn at random: few names and short times, so that runs of a few steps meet.
 *
 * @module
 */
import * as fc from 'fast-check'
import type {
  Lease,
  ListQuery,
  Move,
  NewEvent,
  Outcome,
  RejectedRequest,
} from '../../packages/postern/src/inbox/index.ts'
import type { Effect } from './effect.ts'
import type { StoreModel } from './model.ts'
import { samePage, sameDetail } from './same.ts'
import { Step, type Call, type Plan } from './step.ts'
import type { World } from './world.ts'

const DESTINATIONS = ['h', 'x'] as const
/** FREE: what holds where events of one key disagree is not said, so a key has one rule here. */
const LINES = {
  none: { orderingKey: undefined, onDead: undefined },
  unordered: { orderingKey: 'unordered', onDead: undefined },
  blocks: { orderingKey: 'blocks', onDead: 'block' },
  passes: { orderingKey: 'passes', onDead: 'continue' },
} as const
const worker = fc.nat(1)
const anyOf = <T>(...weighted: readonly (readonly [weight: number, value: T])[]): fc.Arbitrary<T> =>
  fc.oneof(...weighted.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })))

/** What a run is mostly about: a few things drawn from much meet more often than everything drawn from everything. */
interface Theme {
  readonly ids: number
  readonly line: fc.Arbitrary<keyof typeof LINES>
  readonly idKind: fc.Arbitrary<NewEvent['idKind']>
  readonly destinations: fc.Arbitrary<readonly string[]>
  readonly outcome: fc.Arbitrary<Outcome>
  /** How many times each step is in the hat; 1 where it is not named. */
  readonly times: Readonly<Record<string, number>>
}

const lease = fc.option(
  fc.record({
    destination: anyOf([5, 'h'], [1, 'x'], [1, 'y']),
    leaseMs: anyOf([1, 10], [1, 20]),
    leavesCopies: fc.boolean(),
  }),
  { freq: 3 },
)

function eventOf({ ids, line, idKind, destinations }: Theme): fc.Arbitrary<NewEvent> {
  return fc
    .record({
      tenant: anyOf([9, ''], [1, 't']),
      source: anyOf([9, 'shop'], [1, 'bank']),
      id: fc.nat(ids - 1).map((number) => `evt_${number}`),
      idKind,
      type: anyOf([3, 'paid'], [1, 'it’s void']),
      createdMs: anyOf([1, undefined], [1, 1_700_000_000_000]),
      line,
      verifiedBy: fc.constant('hmac'),
      body: fc.nat(5).map((number) => new Uint8Array(number).fill(number)),
      headers: anyOf<readonly string[]>([1, []], [1, ['x-one', '1', 'x-odd', '\u0000é🪝']]),
      dedupeWindowMs: anyOf([1, 10], [2, 60], [4, 300]),
      onConflict: anyOf<NewEvent['onConflict']>([1, 'hold'], [1, 'dispatch']),
      destinations,
      lease,
    })
    .map(({ line: name, lease: asked, ...rest }) => ({
      ...rest,
      ...LINES[name],
      ...(asked && { lease: asked }),
    }))
}

/** As a caller without types could pass; the cast is the point. */
function unstorable(event: NewEvent): NewEvent {
  return { ...event, body: 'text' as unknown as Uint8Array }
}

function putCall(at: number, events: readonly NewEvent[]): Call {
  return {
    text: `put(${events.map(eventText).join(', ')})`,
    perform: async (world) => {
      const results = await world.store(at).put(events)
      const recorded = results.flatMap((result) =>
        result.outcome === 'stored' || result.outcome === 'conflict' ? [result.eventSeq] : [],
      )
      return { recorded, judge: (model, numbers) => model.put(events, results, numbers) }
    },
  }
}

function putOf(event: fc.Arbitrary<NewEvent>): fc.Arbitrary<Plan> {
  const each = fc.oneof({ weight: 12, arbitrary: event }, { weight: 1, arbitrary: event.map(unstorable) })
  return fc.tuple(worker, fc.array(each, { minLength: 1, maxLength: 3 })).map(
    ([at, events]) =>
      () =>
        putCall(at, events),
  )
}

/** A copy of what was put before, as its sender repeats it: of any event, of one that has died, of one that was pruned. */
const copy = fc
  .record({
    at: worker,
    number: fc.nat(7),
    of: anyOf<'any' | 'dead' | 'pruned'>([3, 'any'], [2, 'dead'], [2, 'pruned']),
    asked: lease,
  })
  .map(({ at, number, of, asked }): Plan => (model) => {
    const wanted = {
      any: model.heard,
      dead: model.events.filter(({ eventSeq }) => hasDied(model, eventSeq)).map(({ said }) => said),
      pruned: model.pruned,
    }[of]
    const all = wanted.length > 0 ? wanted : model.heard
    const said = all.at(-1 - (number % Math.max(1, all.length)))
    if (said === undefined) return undefined
    const { lease: _lease, ...event } = said
    return putCall(at, [{ ...event, ...(asked && { lease: asked }) }])
  })

function hasDied(model: StoreModel, eventSeq: number): boolean {
  return model.deliveries.some((row) => row.eventSeq === eventSeq && row.state === 'dead')
}

const claim = fc
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

function outcomeOf(succeeded: number, retry: number, dead: number, released: number): fc.Arbitrary<Outcome> {
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

const settleOf = (outcome: fc.Arbitrary<Outcome>): fc.Arbitrary<Plan> =>
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
          return { judge: (after) => after.settle(settlements, results) }
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

const extend = fc
  .tuple(worker, fc.array(leaseChoice, { minLength: 1, maxLength: 3 }), anyOf([1, 5], [1, 20], [1, 30]))
  .map(([at, choices, leaseMs]): Plan => (model) => {
    const leases = choices.flatMap((choice) => leaseOf(model, choice) ?? [])
    if (leases.length === 0) return undefined
    return {
      text: `extend(${JSON.stringify(leases)}, ${leaseMs} ms)`,
      perform: async (world) => {
        const results = await world.store(at).extend(leases, leaseMs)
        return { judge: (after) => after.extend(leases, leaseMs, results) }
      },
    }
  })

/** Which step to take: mostly one that the lifecycle has. */
const moveChoice = fc.record({
  to: anyOf<Move['to']>([5, 'redrive'], [2, 'cancel'], [2, 'discard']),
  number: fc.nat(7),
  apt: anyOf([5, true], [1, false]),
  force: anyOf([2, false], [1, true]),
})

const move = fc
  .tuple(worker, fc.array(moveChoice, { minLength: 1, maxLength: 2 }))
  .map(([at, choices]): Plan => (model) => {
    const moves = choices.map(({ to, number, apt, force }) => {
      const from = to === 'cancel' ? 'pending' : 'dead'
      const rows = model.deliveries.filter(({ state }) => !apt || state === from)
      const { deliverySeq = 999_999 } = rows[number % Math.max(1, rows.length)] ?? {}
      return { deliverySeq, to, ...(force && { force }) } as const
    })
    return {
      text: `move(${JSON.stringify(moves)})`,
      perform: async (world) => {
        const results = await world.store(at).move(moves)
        return { judge: (after) => after.move(moves, results) }
      },
    }
  })

const replay = fc
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
        return { judge: (after) => after.replay(replays, results) }
      },
    }
  })

const prune = fc
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

/** To a moment when something ends or comes due, or a millisecond to either side of it; or by some milliseconds. */
const clock = fc
  .record({
    ms: fc.constantFrom(1, 5, 10, 20, 60),
    number: fc.option(fc.nat(2), { freq: 3 }),
    off: fc.constantFrom(-1, 0, 0, 1),
  })
  .map(({ ms, number, off }): Plan => (model) => {
    const next = number === null ? undefined : momentsOf(model).at(number)
    const byMs = next === undefined ? ms : Math.max(1, next + off - model.nowMs)
    return {
      text: `clock +${byMs} ms`,
      perform: async (world) => {
        world.advance(byMs)
        return { judge: (after) => after.advance(byMs) }
      },
    }
  })

/** Moments to come, the next first. */
function momentsOf(model: StoreModel): readonly number[] {
  const moments = [
    ...model.deliveries.map(({ state, dueMs, leaseUntilMs }) =>
      state === 'pending' ? dueMs : (leaseUntilMs ?? 0),
    ),
    ...model.memos.map(({ expiresMs }) => expiresMs),
    ...model.entries.map(({ expiresMs }) => expiresMs),
  ]
  const later = moments.filter((ms) => ms > model.nowMs && ms < Infinity)
  return [...new Set(later)].toSorted((left, right) => left - right)
}

const crash = anyOf<readonly ['stop' | 'kill']>([1, ['stop']], [2, ['kill']]).map(([how]): Plan => () => ({
  text: how,
  perform: async (world) => {
    await world.crash(how)
    return { judge: (model) => void (model.hasReopened = true) }
  },
}))

const query: fc.Arbitrary<ListQuery> = fc
  .record(
    {
      of: fc.constantFrom('events', 'deliveries'),
      source: anyOf([3, 'shop'], [1, 'bank']),
      type: anyOf([3, 'paid'], [1, 'none']),
      state: fc.constantFrom('pending', 'leased', 'succeeded', 'dead', 'cancelled'),
      destination: fc.constantFrom(...DESTINATIONS),
      blocking: fc.boolean(),
      conflicts: fc.boolean(),
      before: fc.nat(12),
      limit: anyOf([1, 1], [2, 3], [1, 1000]),
    },
    { requiredKeys: ['of', 'limit'] },
  )
  .map((each) => each as ListQuery)

const list = fc.tuple(worker, query).map(([at, asked]): Plan => () => ({
  text: `list(${JSON.stringify(asked)})`,
  perform: async (world) => {
    const page = await world.store(at).list(asked)
    return { judge: (model) => samePage(model, asked, page) }
  },
}))

const get = fc.tuple(worker, fc.nat(9)).map(([at, number]): Plan => (model) => {
  const eventSeq = Math.max(0, model.lastEventSeq + 1 - number)
  return {
    text: `get(${eventSeq})`,
    perform: async (world) => {
      const detail = await world.store(at).get(eventSeq)
      return { judge: (after) => sameDetail(after, eventSeq, detail) }
    },
  }
})

const reject = fc
  .record({
    at: worker,
    reason: anyOf<RejectedRequest['reason']>([2, 'stale'], [1, 'malformed_body'], [1, 'signature_mismatch']),
    body: fc.nat(2),
    url: fc.constantFrom('/one', '/two'),
  })
  .map(({ at, reason, body, url }): Plan => () => {
    const bytes = new Uint8Array(body).fill(body)
    const rest = { source: 'shop', method: 'POST', headers: ['x-one', url], body: bytes, bodyBytes: body }
    const request = { ...rest, reason, url } as const
    return {
      text: `reject(${reason}, ${url}, ${body} bytes)`,
      perform: async (world) => {
        await world.store(at).rejected.record(request)
        return { judge: (model) => model.reject(request) }
      },
    }
  })

const remember = fc
  .record({
    at: worker,
    key: fc.constantFrom('a', 'ab', 'b'),
    value: anyOf([1, undefined], [2, 'one'], [2, 'two']),
    forMs: anyOf([2, Infinity], [1, 10], [1, 25]),
  })
  .map(({ at, key, value, forMs }): Plan => () => ({
    text: `set(${key}, ${value}, for ${forMs} ms)`,
    perform: async (world) => {
      const { state } = world.store(at)
      await state.set(key, value, forMs === Infinity ? {} : { forMs })
      return { judge: (model) => model.setEntry(key, value, forMs) }
    },
  }))

const EVERYTHING: Theme = {
  ids: 12,
  line: anyOf<keyof typeof LINES>([2, 'none'], [1, 'unordered'], [3, 'blocks'], [3, 'passes']),
  idKind: anyOf<NewEvent['idKind']>([5, 'signed'], [3, 'unsigned'], [1, 'digest']),
  destinations: anyOf<readonly string[]>([6, ['h']], [2, ['h', 'x']], [1, ['x']], [1, []]),
  outcome: outcomeOf(4, 4, 5, 2),
  times: { put: 5, copy: 3, claim: 6, settle: 6, move: 3, replay: 2, prune: 2, clock: 5 },
}

const THEMES: readonly Theme[] = [
  EVERYTHING,
  {
    // Order: a long line or two, where much dies and is brought back.
    ...EVERYTHING,
    ids: 30,
    line: anyOf<keyof typeof LINES>([1, 'blocks'], [2, 'passes']),
    destinations: anyOf<readonly string[]>([9, ['h']], [1, ['h', 'x']]),
    outcome: outcomeOf(2, 3, 8, 1),
    times: { put: 3, copy: 4, claim: 7, settle: 8, move: 6, prune: 3, clock: 3 },
  },
  {
    // Copies: few ids, and windows that end.
    ...EVERYTHING,
    ids: 3,
    line: anyOf<keyof typeof LINES>([3, 'none'], [1, 'passes']),
    idKind: anyOf<NewEvent['idKind']>([3, 'signed'], [3, 'unsigned'], [1, 'digest']),
    destinations: anyOf<readonly string[]>([3, ['h']], [3, []]),
    times: { put: 5, copy: 8, claim: 4, settle: 5, replay: 3, prune: 4, clock: 6, crash: 3 },
  },
]

/** What is done in one run. */
export function steps(maxSteps: number): fc.Arbitrary<Iterable<fc.AsyncCommand<StoreModel, World>>> {
  return fc.oneof(...THEMES.map((theme) => stepsOf(theme, maxSteps)))
}

function stepsOf(
  theme: Theme,
  maxCommands: number,
): fc.Arbitrary<Iterable<fc.AsyncCommand<StoreModel, World>>> {
  const put = putOf(eventOf(theme))
  const settle = settleOf(theme.outcome)
  const alone = {
    put,
    copy,
    claim,
    settle,
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
  return fc.commands<StoreModel, World, false>([...single, atOnce, atOnce], { maxCommands, size: 'max' })
}

function eventText(each: NewEvent): string {
  const { tenant, source, id, idKind, orderingKey, destinations, lease, dedupeWindowMs, onConflict } = each
  const where = [tenant, source, id].join('/')
  const rest = [
    idKind,
    `body ${each.body.length}`,
    orderingKey,
    `[${destinations.join()}]`,
    `${dedupeWindowMs} ms`,
  ]
  const leased = lease && `lease ${lease.destination} ${lease.leaseMs} ms`
  return [where, ...rest, onConflict, leased].filter((part) => part !== undefined).join(' ')
}
