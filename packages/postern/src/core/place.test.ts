import { describe, expect, it } from 'vitest'
import { DOUBLED } from './request.ts'
import { parseJson, readable, readPath, readPlace, textOf } from './place.ts'
import type { WebhookRequest } from './request.ts'

function request(parts: Partial<WebhookRequest> = {}): WebhookRequest {
  return { method: 'POST', url: '/', headers: [], body: Buffer.from('{}'), ...parts }
}

describe('readPlace', () => {
  it('reads a header, whatever the case of its name', () => {
    expect(readPlace({ header: 'x-id' }, readable(request({ headers: ['X-Id', 'a'] })))).toBe('a')
  })

  it('says that a header came twice, even with one value', () => {
    const doubled = request({ headers: ['X-Id', 'a', 'x-id', 'a'] })
    expect(readPlace({ header: 'x-id' }, readable(doubled))).toBe(DOUBLED)
  })

  it('tells an empty header from an absent one', () => {
    expect(readPlace({ header: 'x-id' }, readable(request({ headers: ['x-id', ''] })))).toBe('')
    expect(readPlace({ header: 'x-id' }, readable(request()))).toBeUndefined()
  })

  it('reads a query parameter, decoded', () => {
    const from = readable(request({ url: '/hooks?a=1&token=b%20c' }))
    expect(readPlace({ query: 'token' }, from)).toBe('b c')
    expect(readPlace({ query: 'absent' }, from)).toBeUndefined()
    expect(readPlace({ query: 'token' }, readable(request()))).toBeUndefined()
  })

  it('reads a parameter behind the question mark only, wherever that stands', () => {
    expect(readPlace({ query: 'token' }, readable(request({ url: '?token=b' })))).toBe('b')
    expect(readPlace({ query: 'token' }, readable(request({ url: '/hooks?a=1?&token=b' })))).toBe('b')
    expect(readPlace({ query: 'token' }, readable(request({ url: 'token=b' })))).toBeUndefined()
    expect(readPlace({ query: 'token' }, readable(request({ url: '/hooks&token=b' })))).toBeUndefined()
  })

  it('says that a query parameter came twice', () => {
    expect(readPlace({ query: 'a' }, readable(request({ url: '/?a=1&a=2' })))).toBe(DOUBLED)
  })

  it('reads a malformed escape in a query without a throw', () => {
    expect(readPlace({ query: 'a' }, readable(request({ url: '/?a=%zz%' })))).toBe('%zz%')
  })

  it('reads a field of the signature header', () => {
    expect(readPlace({ field: 't' }, readable(request(), new Map([['t', '1']])))).toBe('1')
    expect(readPlace({ field: 't' }, readable(request()))).toBeUndefined()
  })

  it('reads a text or a whole number of the body', () => {
    const from = readable(request({ body: Buffer.from('{"a":{"b":"x","n":12},"list":[{"id":"first"}]}') }))
    expect(readPlace({ json: ['a', 'b'] }, from)).toBe('x')
    expect(readPlace({ json: ['a', 'n'] }, from)).toBe('12')
    expect(readPlace({ json: ['list', '0', 'id'] }, from)).toBe('first')
    expect(readPlace({ json: ['a', 'missing', 'deeper'] }, from)).toBeUndefined()
  })
})

describe('readPath', () => {
  it.each([
    [['__proto__']],
    [['constructor']],
    [['constructor', 'name']],
    [['toString']],
    [['hasOwnProperty']],
    [['a', '__proto__', 'constructor']],
    [['list', 'map']],
    [['text', 'length']],
    [['text', '0']],
  ])('finds nothing that the body does not hold itself: %j', (path) => {
    expect(readPath({ a: {}, list: [], text: 'abc' }, path)).toBeUndefined()
  })

  it('finds a `__proto__` that the body does hold, as what JSON.parse made of it', () => {
    const body = JSON.parse('{"__proto__":{"id":"own"},"constructor":"c"}') as unknown
    expect(readPath(body, ['__proto__', 'id'])).toBe('own')
    expect(readPath(body, ['constructor'])).toBe('c')
    expect(({} as Record<string, unknown>)['id']).toBeUndefined()
  })

  it.each([[null], [undefined], ['text'], [1], [true]])('finds nothing in %j', (value) => {
    expect(readPath(value, ['a'])).toBeUndefined()
  })

  it('is the value itself for an empty path', () => {
    expect(readPath('text', [])).toBe('text')
  })
})

describe('textOf', () => {
  it.each([
    ['text', 'text'],
    ['', ''],
    [0, '0'],
    [-0, '0'],
    [-5, '-5'],
    [9_007_199_254_740_991, '9007199254740991'],
    [9_007_199_254_740_992, undefined],
    [1e20, undefined],
    [1.5, undefined],
    [Number.NaN, undefined],
    [Infinity, undefined],
    [true, undefined],
    [null, undefined],
    [undefined, undefined],
    [['a'], undefined],
    [{ a: 1 }, undefined],
  ])('of %j is %j', (value, expected) => {
    expect(textOf(value)).toBe(expected)
  })

  it('is absent for two ids that parsing would have made one', () => {
    const [one, other] = JSON.parse('[12345678901234567890, 12345678901234567891]') as [unknown, unknown]
    expect(one).toBe(other)
    expect(textOf(one)).toBeUndefined()
  })
})

describe('parseJson', () => {
  it('ignores a byte order mark, and only one', () => {
    expect(parseJson(Buffer.from('\uFEFF{"a":1}'))).toEqual({ a: 1 })
    expect(parseJson(Buffer.from('\uFEFF\uFEFF{"a":1}'))).toBeUndefined()
  })

  it('reads invalid UTF-8 as U+FFFD', () => {
    expect(parseJson(Uint8Array.of(0x22, 0xff, 0x22))).toBe('\uFFFD')
  })

  it.each(['', ' ', '{', '{"a":1}x', "{'a':1}", 'NaN', '{"a":1,}', '\0'])('finds no JSON in %j', (text) => {
    expect(parseJson(Buffer.from(text))).toBeUndefined()
  })

  it('reads a view only, not the memory around it', () => {
    expect(parseJson(Buffer.from('xx{"a":1}yy').subarray(2, 9))).toEqual({ a: 1 })
  })

  it('survives half a million brackets', () => {
    expect(() => parseJson(Buffer.from('['.repeat(500_000)))).not.toThrow()
    expect(() => parseJson(Buffer.from('['.repeat(500_000) + ']'.repeat(500_000)))).not.toThrow()
  })

  it('is asked once for a request, and only when a place is in the body', () => {
    const body = Buffer.from('{"a":"x"}')
    const from = readable(request({ body }))
    expect(from.json()).toBe(from.json())
  })
})
