import { describe, expect, test } from 'vitest'
import type { Handler } from './handler.ts'
import { registerHandler } from './register-handler.ts'

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

  test.each(['a', '0a', '-', '1-2', 'audit_log-2', 'a'.repeat(64), 'constructor', '__proto__'])(
    'is accepted under the name %j',
    (name) => {
      expect(registerHandler('shop', '*', first, { name }).destination).toBe(name)
    },
  )

  test('is refused with a name that says what was given', () => {
    expect(() => registerHandler('shop', '*', first, { name: 'Audit' })).toThrow(/got "Audit"/)
  })

  test.each(['0', '42', '9'.repeat(64)])('is refused under the number %s, which is a delivery’s', (name) => {
    expect(() => registerHandler('shop', 'paid', first, { name })).toThrow(
      `the name '${name}' of the handler of shop paid is a number, which an operator's command takes for a delivery's ('postern redrive ${name}'): give it a letter as well`,
    )
  })

  test.each([undefined, null, 'work', { handleEvent() {} }, Promise.resolve(first)])(
    'is refused where the handler is no function: %s',
    (handler) => {
      expect(() => registerHandler('shop', '*', handler as unknown as TestHandler)).toThrow(badConfig)
    },
  )

  test.each([undefined, '*', 'a', 'order.paid', 'a.*', 'instance.state.*', 'a b', 'größe', '.'])(
    'is accepted for the type %j',
    (type = 'constructor') => {
      expect(registerHandler('shop', type, first).type).toBe(type)
    },
  )

  test.each(['a*', '*.created', '**', '*.*', 'a.*.b', 'a.**', '.*', '* '])(
    'is refused for the type %j, which no event has',
    (type) => {
      expect(() => registerHandler('shop', type, first)).toThrow(
        expect.objectContaining({
          code: 'bad_config',
          message: `handlers: no event has the type ${JSON.stringify(type)}; give its whole type, a beginning such as 'instance.*', or '*'`,
        }),
      )
    },
  )

  test.each<readonly [string, unknown]>([
    ['a list; call `on` once for each', ['a', 'b']],
    ['a pattern', /a/],
    ['undefined', undefined],
    ['null', null],
    ['number', 5],
    ['symbol', Symbol('a')],
    ['function', first],
  ])('is refused where its source or type is no text: %s', (got, value) => {
    const refused = (what: string): unknown =>
      expect.objectContaining({
        code: 'bad_config',
        message: `handlers: the ${what} that \`on\` is given must be a text: got ${got}`,
      })
    expect(() => registerHandler('shop', value as string, first)).toThrow(refused('type'))
    expect(() => registerHandler(value as string, 'a', first)).toThrow(refused('source'))
  })

  test.each([null, 5, 'audit', ['audit'], () => 'audit'])(
    'is refused with options that are none: %s',
    (options) => {
      expect(() => registerHandler('shop', 'a', first, options as object)).toThrow(
        expect.objectContaining({
          code: 'bad_config',
          message: 'handlers: the options of the handler of shop a must be an object',
        }),
      )
    },
  )

  test.each([5, null, ['audit'], /a/])('is refused with a name that is no text: %s', (name) => {
    expect(() => registerHandler('shop', 'a', first, { name } as object)).toThrow(badConfig)
  })

  test.each([null, 5, 'a', {}])('is refused with a condition that is no function: %s', (when) => {
    expect(() => registerHandler('shop', 'a', first, { when: when as () => boolean })).toThrow(badConfig)
  })
})

type TestHandler = Handler<string, never>

function first(): void {}

const badConfig: unknown = expect.objectContaining({ code: 'bad_config' })
