import { describe, expect, test } from 'vitest'
import type { Handler, Registration } from './handler.ts'
import { HandlerTable, registerHandler } from './handlers.ts'

describe('a registration', () => {
  test('without a name goes to the destination of all that have none', () => {
    expect(registerHandler('shop', 'order.paid', first)).toEqual({
      source: 'shop',
      type: 'order.paid',
      destination: 'handlers',
      handler: first,
    })
  })

  test('with a name is a destination of its own', () => {
    expect(registerHandler('shop', '*', first, { name: 'audit' }).destination).toBe('audit')
  })

  test.each(['', 'Audit', 'au dit', 'audit\n', 'a/b', '../etc', 'aüdit', 'a'.repeat(65)])(
    'is refused under the name %j',
    (name) => {
      expect(() => registerHandler('shop', '*', first, { name })).toThrow(badConfig)
    },
  )

  test.each(['a', '0', '-', 'audit_log-2', 'a'.repeat(64), 'constructor', '__proto__'])(
    'is accepted under the name %j',
    (name) => {
      expect(registerHandler('shop', '*', first, { name }).destination).toBe(name)
    },
  )

  test('is refused with a name that says what was given', () => {
    expect(() => registerHandler('shop', '*', first, { name: 'Audit' })).toThrow(/got "Audit"/)
  })

  test.each([undefined, null, 'work', { handleEvent() {} }, Promise.resolve(first)])(
    'is refused where the handler is no function: %s',
    (handler) => {
      expect(() => registerHandler('shop', '*', handler as unknown as TestHandler)).toThrow(badConfig)
    },
  )
})

describe('the handlers of an event', () => {
  test('are those of its type', () => {
    const table = tableOf(registerHandler('shop', 'a', first), registerHandler('shop', 'b', second))
    expect(table.handlersFor('handlers', { source: 'shop', type: 'b' })).toEqual([second])
  })

  test('are those for every type, where its own has none', () => {
    const table = tableOf(registerHandler('shop', 'a', first), registerHandler('shop', '*', second))
    expect(table.handlersFor('handlers', { source: 'shop', type: 'b' })).toEqual([second])
  })

  test('of its type and for every type come in the order they were registered', () => {
    const table = tableOf(
      registerHandler('shop', '*', first),
      registerHandler('shop', 'a', second),
      registerHandler('shop', '*', third),
      registerHandler('shop', 'a', first),
    )
    expect(table.handlersFor('handlers', { source: 'shop', type: 'a' })).toEqual([
      first,
      second,
      third,
      first,
    ])
  })

  test('are none where nothing is registered for it', () => {
    const table = tableOf(registerHandler('shop', 'a', first))
    expect(table.handlersFor('handlers', { source: 'shop', type: 'b' })).toEqual([])
  })

  test('are none of another source', () => {
    const table = tableOf(registerHandler('shop', '*', first), registerHandler('bank', '*', second))
    expect(table.handlersFor('handlers', { source: 'bank', type: 'a' })).toEqual([second])
  })

  test('are none where its source is unknown', () => {
    const table = tableOf(registerHandler('shop', '*', first))
    expect(table.handlersFor('handlers', { source: 'constructor', type: 'a' })).toEqual([])
  })

  test('are those of one destination', () => {
    const table = tableOf(
      registerHandler('shop', 'a', first),
      registerHandler('shop', 'a', second, { name: 'audit' }),
      registerHandler('shop', '*', third, { name: 'audit' }),
    )
    expect(table.handlersFor('handlers', { source: 'shop', type: 'a' })).toEqual([first])
    expect(table.handlersFor('audit', { source: 'shop', type: 'a' })).toEqual([second, third])
  })

  test('are none of a destination that this node does not serve', () => {
    const table = tableOf(registerHandler('shop', 'a', first))
    expect(table.handlersFor('audit', { source: 'shop', type: 'a' })).toEqual([])
  })

  test('of the type `*` itself are those for every type, each once', () => {
    const table = tableOf(registerHandler('shop', '*', first), registerHandler('shop', 'a', second))
    expect(table.handlersFor('handlers', { source: 'shop', type: '*' })).toEqual([first])
  })
})

describe('the destinations of an event', () => {
  test('are one where several handlers share it', () => {
    const table = tableOf(
      registerHandler('shop', 'a', first),
      registerHandler('shop', 'a', second),
      registerHandler('shop', '*', third),
    )
    expect(table.destinationsFor('shop', 'a')).toEqual(['handlers'])
  })

  test('are one for each name, in the order they were registered', () => {
    const table = tableOf(
      registerHandler('shop', '*', first, { name: 'audit' }),
      registerHandler('shop', 'a', second),
      registerHandler('shop', 'a', third, { name: 'mail' }),
      registerHandler('shop', '*', third, { name: 'audit' }),
    )
    expect(table.destinationsFor('shop', 'a')).toEqual(['audit', 'handlers', 'mail'])
  })

  test('are only those whose handlers are for its type', () => {
    const table = tableOf(
      registerHandler('shop', 'a', first),
      registerHandler('shop', '*', second, { name: 'audit' }),
    )
    expect(table.destinationsFor('shop', 'b')).toEqual(['audit'])
  })

  test('are those of its own source', () => {
    const table = tableOf(
      registerHandler('shop', '*', first),
      registerHandler('bank', '*', second, { name: 'audit' }),
    )
    expect(table.destinationsFor('shop', 'a')).toEqual(['handlers'])
  })

  test('are none where nothing is for its type', () => {
    expect(tableOf(registerHandler('shop', 'a', first)).destinationsFor('shop', 'b')).toEqual([])
  })

  test('are none where its source is unknown', () => {
    expect(tableOf(registerHandler('shop', '*', first)).destinationsFor('bank', 'a')).toEqual([])
  })

  test('of the type `*` itself are those for every type', () => {
    const table = tableOf(
      registerHandler('shop', 'a', first),
      registerHandler('shop', '*', second, { name: 'audit' }),
    )
    expect(table.destinationsFor('shop', '*')).toEqual(['audit'])
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
    expect(table.destinationsFor('shop', type)).toEqual([])
    expect(table.handlersFor('handlers', { source: 'shop', type })).toEqual([])
  })

  test('has the handlers registered for it', () => {
    const table = tableOf(registerHandler('shop', 'a', first), registerHandler('shop', type, second))
    expect(table.destinationsFor('shop', type)).toEqual(['handlers'])
    expect(table.handlersFor('handlers', { source: 'shop', type })).toEqual([second])
  })

  test('has those for every type', () => {
    const table = tableOf(registerHandler('shop', '*', first, { name: 'audit' }))
    expect(table.destinationsFor('shop', type)).toEqual(['audit'])
    expect(table.handlersFor('audit', { source: 'shop', type })).toEqual([first])
  })
})

type TestHandler = Handler<string, never>

function tableOf(...registrations: readonly Registration[]): HandlerTable<never> {
  return new HandlerTable(registrations)
}

function first(): void {}
function second(): void {}
function third(): void {}

const badConfig: unknown = expect.objectContaining({ code: 'bad_config' })
