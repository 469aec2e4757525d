import * as fc from 'fast-check'
import type { NewEvent } from '../../packages/postern/src/inbox/index.ts'
import { anyOf, LINES, worker } from './draw.ts'
import type { StoreModel } from './model.ts'
import { answerOf, type Call, type Plan } from './step.ts'

/** What events are mostly like in a run. */
export interface EventTheme {
  readonly ids: number
  readonly line: fc.Arbitrary<keyof typeof LINES>
  readonly idKind: fc.Arbitrary<NewEvent['idKind']>
  readonly destinations: fc.Arbitrary<readonly string[]>
  /** Of ten events, how many ask for a lease. */
  readonly leasedIn10: number
}

const someLease = fc.record({
  destination: anyOf([7, 'h'], [1, 'x'], [1, 'y']),
  leaseMs: anyOf([1, 5], [1, 20]),
  leavesCopies: anyOf([5, false], [1, true]),
})

export function eventOf({ ids, line, idKind, destinations, leasedIn10 }: EventTheme): fc.Arbitrary<NewEvent> {
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
      lease: anyOf([leasedIn10, true], [10 - leasedIn10, false]).chain((isAsked) =>
        isAsked ? someLease : fc.constant(undefined),
      ),
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
      return {
        recorded,
        ...answerOf(events, results, (model, some, theirs, numbers) => model.put(some, theirs, numbers)),
      }
    },
  }
}

export function putOf(event: fc.Arbitrary<NewEvent>): fc.Arbitrary<Plan> {
  const each = fc.oneof({ weight: 12, arbitrary: event }, { weight: 1, arbitrary: event.map(unstorable) })
  return fc.tuple(worker, fc.array(each, { minLength: 1, maxLength: 3 })).map(
    ([at, events]) =>
      () =>
        putCall(at, events),
  )
}

/** A copy of what was put before, as its sender repeats it: of any event, of one that has died, of one that was pruned. */
export const copy: fc.Arbitrary<Plan> = fc
  .record({
    at: worker,
    number: fc.nat(7),
    of: anyOf<'any' | 'dead' | 'pruned'>([3, 'any'], [2, 'dead'], [2, 'pruned']),
    asked: fc.option(someLease, { freq: 4 }),
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
