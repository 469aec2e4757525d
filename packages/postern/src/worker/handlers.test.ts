import { describe, expect, test } from 'vitest'
import type { WebhookEvent } from '../core/index.ts'
import type { Registration } from './handler.ts'
import { HandlerTable } from './handlers.ts'
import { registerHandler } from './register-handler.ts'

describe('the handlers of an event', () => {
  test('are those of its type', () => {
    const table = tableOf(registerHandler('shop', 'a', first), registerHandler('shop', 'b', second))
    expect(table.handlersFor('handlers', anEvent('shop', 'b'))).toEqual([second])
  })

  test('are those for every type, where its own has none', () => {
    const table = tableOf(registerHandler('shop', 'a', first), registerHandler('shop', '*', second))
    expect(table.handlersFor('handlers', anEvent('shop', 'b'))).toEqual([second])
  })

  test('of its type and for every type come in the order they were registered', () => {
    const table = tableOf(
      registerHandler('shop', '*', first),
      registerHandler('shop', 'a', second),
      registerHandler('shop', '*', third),
      registerHandler('shop', 'a', first),
    )
    expect(table.handlersFor('handlers', anEvent('shop', 'a'))).toEqual([first, second, third, first])
  })

  test('are none where nothing is registered for it', () => {
    const table = tableOf(registerHandler('shop', 'a', first))
    expect(table.handlersFor('handlers', anEvent('shop', 'b'))).toEqual([])
  })

  test('are none of another source', () => {
    const table = tableOf(registerHandler('shop', '*', first), registerHandler('bank', '*', second))
    expect(table.handlersFor('handlers', anEvent('bank', 'a'))).toEqual([second])
  })

  test('are none where its source is unknown', () => {
    const table = tableOf(registerHandler('shop', '*', first))
    expect(table.handlersFor('handlers', anEvent('constructor', 'a'))).toEqual([])
  })

  test('are those of one destination', () => {
    const table = tableOf(
      registerHandler('shop', 'a', first),
      registerHandler('shop', 'a', second, { name: 'audit' }),
      registerHandler('shop', '*', third, { name: 'audit' }),
    )
    expect(table.handlersFor('handlers', anEvent('shop', 'a'))).toEqual([first])
    expect(table.handlersFor('audit', anEvent('shop', 'a'))).toEqual([second, third])
  })

  test('are none of a destination that this node does not serve', () => {
    const table = tableOf(registerHandler('shop', 'a', first))
    expect(table.handlersFor('audit', anEvent('shop', 'a'))).toEqual([])
  })

  test('of the type `*` itself are those for every type, each once', () => {
    const table = tableOf(registerHandler('shop', '*', first), registerHandler('shop', 'a', second))
    expect(table.handlersFor('handlers', anEvent('shop', '*'))).toEqual([first])
  })
})

describe('the destinations of an event', () => {
  test('are one where several handlers share it', () => {
    const table = tableOf(
      registerHandler('shop', 'a', first),
      registerHandler('shop', 'a', second),
      registerHandler('shop', '*', third),
    )
    expect(table.destinationsFor('shop', 'a', unasked)).toEqual(['handlers'])
  })

  test('are one for each name, in the order they were registered', () => {
    const table = tableOf(
      registerHandler('shop', '*', first, { name: 'audit' }),
      registerHandler('shop', 'a', second),
      registerHandler('shop', 'a', third, { name: 'mail' }),
      registerHandler('shop', '*', third, { name: 'audit' }),
    )
    expect(table.destinationsFor('shop', 'a', unasked)).toEqual(['audit', 'handlers', 'mail'])
  })

  test('are only those whose handlers are for its type', () => {
    const table = tableOf(
      registerHandler('shop', 'a', first),
      registerHandler('shop', '*', second, { name: 'audit' }),
    )
    expect(table.destinationsFor('shop', 'b', unasked)).toEqual(['audit'])
  })

  test('are those of its own source', () => {
    const table = tableOf(
      registerHandler('shop', '*', first),
      registerHandler('bank', '*', second, { name: 'audit' }),
    )
    expect(table.destinationsFor('shop', 'a', unasked)).toEqual(['handlers'])
  })

  test('are none where nothing is for its type', () => {
    expect(tableOf(registerHandler('shop', 'a', first)).destinationsFor('shop', 'b', unasked)).toEqual([])
  })

  test('are none where its source is unknown', () => {
    expect(tableOf(registerHandler('shop', '*', first)).destinationsFor('bank', 'a', unasked)).toEqual([])
  })

  test('of the type `*` itself are those for every type', () => {
    const table = tableOf(
      registerHandler('shop', 'a', first),
      registerHandler('shop', '*', second, { name: 'audit' }),
    )
    expect(table.destinationsFor('shop', '*', unasked)).toEqual(['audit'])
  })
})

test('a node serves each of its destinations once, in the order they were registered', () => {
  const table = tableOf(
    registerHandler('shop', '*', first, { name: 'audit' }),
    registerHandler('shop', 'a', second),
    registerHandler('bank', 'a', third, { name: 'audit' }),
  )
  expect(table.destinations).toEqual(['audit', 'handlers'])
})

test('a node without handlers serves none', () => {
  expect(tableOf().destinations).toEqual([])
})

describe.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', ''])('the type %j', (type) => {
  test('has nothing that every object inherits', () => {
    const table = tableOf(registerHandler('shop', 'a', first))
    expect(table.destinationsFor('shop', type, unasked)).toEqual([])
    expect(table.handlersFor('handlers', anEvent('shop', type))).toEqual([])
  })

  test('has the handlers registered for it', () => {
    const table = tableOf(registerHandler('shop', 'a', first), registerHandler('shop', type, second))
    expect(table.destinationsFor('shop', type, unasked)).toEqual(['handlers'])
    expect(table.handlersFor('handlers', anEvent('shop', type))).toEqual([second])
  })

  test('has those for every type', () => {
    const table = tableOf(registerHandler('shop', '*', first, { name: 'audit' }))
    expect(table.destinationsFor('shop', type, unasked)).toEqual(['audit'])
    expect(table.handlersFor('audit', anEvent('shop', type))).toEqual([first])
  })
})

describe('a type that ends in `.*`', () => {
  const table = tableOf(
    registerHandler('shop', 'order.*', first, { name: 'orders' }),
    registerHandler('shop', 'order.paid', second, { name: 'money' }),
  )

  test.each(['order.paid', 'order.', 'order.line.added'])('stands for %j', (type) => {
    expect(table.destinationsFor('shop', type, unasked)).toContain('orders')
    expect(table.handlersFor('orders', anEvent('shop', type))).toEqual([first])
  })

  test.each(['order', 'orders.paid', 'Order.paid', 'reorder.paid', '*'])('does not stand for %j', (type) => {
    expect(table.destinationsFor('shop', type, unasked)).toEqual([])
  })

  test('stands beside the type itself, in the order they were registered', () => {
    expect(table.destinationsFor('shop', 'order.paid', unasked)).toEqual(['orders', 'money'])
  })
})

describe('a handler with a condition', () => {
  const paid = (event: WebhookEvent): boolean => (event.data as { readonly paid?: boolean }).paid === true
  const table = tableOf(
    registerHandler('shop', 'a', first, { name: 'money', when: paid }),
    registerHandler('shop', 'a', second),
    registerHandler('shop', 'a', third, { when: paid }),
    registerHandler('shop', 'b', first),
  )
  const ofData = (data: unknown): WebhookEvent => ({ ...anEvent('shop', 'a'), data })

  test('makes its event a delivery where that is met', () => {
    expect(table.destinationsFor('shop', 'a', () => ofData({ paid: true }))).toEqual(['money', 'handlers'])
  })

  test('makes it none otherwise', () => {
    expect(table.destinationsFor('shop', 'a', () => ofData({ paid: false }))).toEqual(['handlers'])
  })

  test('is left out of the handlers that share a destination', () => {
    expect(table.handlersFor('handlers', ofData({ paid: false }))).toEqual([second])
    expect(table.handlersFor('handlers', ofData({ paid: true }))).toEqual([second, third])
  })

  test('gets what was delivered to it all the same', () => {
    expect(table.handlersFor('money', ofData({ paid: false }))).toEqual([first])
  })

  test('whose condition throws gets the event', () => {
    expect(table.destinationsFor('shop', 'a', () => ofData(null))).toEqual(['money', 'handlers'])
  })

  test('whose condition answers a promise gets the event, and what that rejects with ends nothing', async () => {
    const when = (() => Promise.reject(new Error('no answer at all'))) as unknown as () => boolean
    const asked = tableOf(registerHandler('shop', 'a', first, { name: 'money', when }))
    expect(asked.destinationsFor('shop', 'a', () => ofData(null))).toEqual(['money'])
    // Vitest fails a run in which a rejection was unheard.
    await new Promise((resolve) => setImmediate(resolve))
  })

  test('is not asked about types that have none', () => {
    expect(table.destinationsFor('shop', 'b', unasked)).toEqual(['handlers'])
  })
})

describe('the limits of a destination', () => {
  test('are those its handler was registered with', () => {
    const table = tableOf(registerHandler('shop', '*', first, { name: 'slow', concurrency: 2, timeoutMs: 5 }))
    expect(table.limits).toEqual(new Map([['slow', { concurrency: 2, timeoutMs: 5 }]]))
  })

  test('come together from all its handlers', () => {
    const table = tableOf(
      registerHandler('shop', 'a', first, {
        name: 'slow',
        concurrency: 2,
        retry: { attempts: 3, baseMs: 1 },
      }),
      registerHandler('shop', 'b', first, { name: 'slow', timeoutMs: 5, retry: { baseMs: 1, attempts: 3 } }),
      registerHandler('shop', 'c', first, { name: 'slow', concurrency: 2 }),
    )
    expect(table.limits.get('slow')).toMatchObject({ concurrency: 2, timeoutMs: 5, retry: { attempts: 3 } })
  })

  test.each(['concurrency', 'timeoutMs', 'retry', 'gate'])(
    'are what one handler says, where another of its destination says undefined: %s',
    (name) => {
      const said = { concurrency: 2, timeoutMs: 5, retry: { attempts: 3 }, gate: { places: () => 1 } }
      const one: Registration = registerHandler('shop', 'a', first, { name: 'slow', ...said })
      const other: Registration = registerHandler('shop', 'b', first, {
        name: 'slow',
        ...said,
        [name]: undefined,
      })
      expect(tableOf(one, other).limits.get('slow')).toEqual(said)
      expect(tableOf(other, one).limits.get('slow')).toEqual(said)
    },
  )

  test.each([
    ['concurrency', { concurrency: 1 }, { concurrency: 2 }],
    ['timeoutMs', { timeoutMs: 1 }, { timeoutMs: 2 }],
    ['retry', { retry: { attempts: 1 } }, { retry: { attempts: 2 } }],
    ['gate', { gate: { places: () => 1 } }, { gate: { places: () => 1 } }],
  ])('are refused where two handlers disagree about %s', (name, left, right) => {
    const of = (limits: object): Registration =>
      registerHandler('shop', '*', first, { name: 'slow', ...limits })
    expect(() => tableOf(of(left), of(right))).toThrow(new RegExp(`'slow'.*${name}`))
  })

  test('are refused for a handler without a name', () => {
    expect(() => registerHandler('shop', 'a', first, { concurrency: 1 })).toThrow(badConfig)
  })
})

function anEvent(source: string, type: string): WebhookEvent {
  return { source, type, id: 'evt_1', created: undefined, data: {}, body: new Uint8Array(), headers: [] }
}

/** For tables without conditions, which have no reason to look at the event. */
function unasked(): never {
  throw new Error('the event was looked at')
}

function tableOf(...registrations: readonly Registration[]): HandlerTable<never> {
  return new HandlerTable(registrations)
}

function first(): void {}
function second(): void {}
function third(): void {}

const badConfig: unknown = expect.objectContaining({ code: 'bad_config' })
