import * as fc from 'fast-check'
import type { ListQuery, RejectedRequest } from '../../packages/postern/src/inbox/index.ts'
import { anyOf, DESTINATIONS, worker } from './draw.ts'
import type { StoreModel } from './model.ts'
import { sameDetail, samePage } from './same.ts'
import type { Plan } from './step.ts'

/** To a moment when something ends or comes due, or a millisecond to either side of it; or by some milliseconds. */
export const clock: fc.Arbitrary<Plan> = fc
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

export const crash: fc.Arbitrary<Plan> = anyOf<readonly ['stop' | 'kill']>([1, ['stop']], [2, ['kill']]).map(
  ([how]): Plan =>
    () => ({
      text: how,
      perform: async (world) => {
        await world.crash(how)
        return { judge: (model) => void (model.hasReopened = true) }
      },
    }),
)

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
      bound: fc.nat(12),
      limit: anyOf([1, 1], [2, 3], [1, 1000]),
    },
    { requiredKeys: ['of', 'limit'] },
  )
  .map(({ bound, ...each }) => ({ ...each, ...(bound !== undefined && boundOf(bound)) }) as ListQuery)

/** One half go down from it, the others up. */
function boundOf(bound: number): Pick<ListQuery, 'before' | 'after'> {
  return bound % 2 === 0 ? { before: bound } : { after: bound - 1 }
}

export const list: fc.Arbitrary<Plan> = fc.tuple(worker, query).map(([at, asked]): Plan => () => ({
  text: `list(${JSON.stringify(asked)})`,
  perform: async (world) => {
    const page = await world.store(at).list(asked)
    return { judge: (model) => samePage(model, asked, page) }
  },
}))

export const get: fc.Arbitrary<Plan> = fc.tuple(worker, fc.nat(9)).map(([at, number]): Plan => (model) => {
  const eventSeq = Math.max(0, model.lastEventSeq + 1 - number)
  return {
    text: `get(${eventSeq})`,
    perform: async (world) => {
      const detail = await world.store(at).get(eventSeq)
      return { judge: (after) => sameDetail(after, eventSeq, detail) }
    },
  }
})

export const reject: fc.Arbitrary<Plan> = fc
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

export const remember: fc.Arbitrary<Plan> = fc
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
