import * as fc from 'fast-check'
import * as v from 'valibot'
import type { WebhookEvent } from 'postern'
import { describe, expect, test } from 'vitest'
import { compileFilter, type Filter } from './filter.ts'
import { filterSchema } from './filter-schema.ts'

const body = {
  type: 'cost',
  amount: 12.5,
  text: '100',
  none: null,
  yes: true,
  tags: ['a', 'b', 3],
  deep: { list: [{ id: 1 }, { id: 2 }], 'a.b': { '~/': 'odd' }, __proto: 1 },
}

function event(given: Partial<WebhookEvent> = {}): WebhookEvent {
  return {
    source: 'vastai',
    id: 'evt_1',
    type: 'instance.outbid',
    created: undefined,
    data: undefined,
    body: Buffer.from(JSON.stringify(body)),
    headers: ['X-Env', 'prod', 'x-many', 'one', 'X-MANY', 'two', 'x-size', '20'],
    ...given,
  }
}

function passes(filter: unknown, given?: Partial<WebhookEvent>): boolean {
  return compileFilter(v.parse(filterSchema, filter))(event(given))
}

describe('passes', () => {
  test.each<[Filter, boolean]>([
    [{ type: 'instance.outbid' }, true],
    [{ type: 'instance' }, false],
    [{ type: { startsWith: 'instance.' } }, true],
    [{ type: { endsWith: '.outbid', contains: 'ce.out' } }, true],
    [{ type: { oneOf: ['a', 'instance.outbid'] } }, true],
    [{ type: { oneOf: ['a', 'b'] } }, false],
    [{ source: 'vastai', id: { startsWith: 'evt_' } }, true],
    [{ source: 'castai', id: { startsWith: 'evt_' } }, false],
    [{ header: { 'x-env': 'prod' } }, true],
    [{ header: { 'X-ENV': 'prod' } }, true],
    [{ header: { 'x-env': 'PROD' } }, false],
    [{ header: { 'x-many': 'two' } }, true],
    [{ header: { 'x-many': 'one, two' } }, false],
    [{ header: { 'x-size': { above: 19, below: 21 } } }, true],
    [{ header: { 'x-gone': { exists: false } } }, true],
    [{ header: { 'x-env': { exists: true } } }, true],
    [{ header: { 'x-gone': 'x' } }, false],
    [{ json: { type: 'cost', yes: true, none: null, amount: 12.5 } }, true],
    [{ json: { amount: '12.5' } }, false],
    [{ json: { amount: { atLeast: 12.5, atMost: 12.5 } } }, true],
    [{ json: { amount: { above: 12.5 } } }, false],
    [{ json: { amount: { below: 12.5 } } }, false],
    [{ json: { text: { atLeast: 100 } } }, true],
    [{ json: { yes: { atLeast: 0 } } }, false],
    [{ json: { none: { atLeast: 0 } } }, false],
    [{ json: { none: { exists: true } } }, true],
    [{ json: { gone: { exists: true } } }, false],
    [{ json: { 'gone.deeper.still': { exists: false } } }, true],
    [{ json: { tags: { contains: 'b' } } }, true],
    [{ json: { tags: { contains: 3 } } }, true],
    [{ json: { tags: { contains: '3' } } }, false],
    [{ json: { text: { contains: '10' } } }, true],
    [{ json: { amount: { contains: 1 } } }, false],
    [{ json: { 'deep.list.1.id': 2 } }, true],
    [{ json: { '/deep/list/1/id': 2 } }, true],
    [{ json: { '/deep/a.b/~0~1': 'odd' } }, true],
    [{ json: { 'deep.list.length': { exists: true } } }, false],
    [{ json: { 'deep.constructor': { exists: true } } }, false],
    [{ json: { 'deep.__proto__': { exists: true } } }, false],
    [{ json: { 'text.0': { exists: true } } }, false],
    [{ json: { deep: { is: 'object' } } }, false],
    [{ not: { json: { gone: { exists: true } } } }, true],
    [{ all: [{ type: { startsWith: 'instance' } }, { source: 'castai' }] }, false],
    [{ any: [{ source: 'castai' }, { json: { amount: { above: 10 } } }] }, true],
    [{ any: [{ source: 'castai' }, { json: { amount: { above: 20 } } }] }, false],
    [{ all: [] }, true],
    [{ source: 'vastai', not: { any: [{ type: 'a' }, { header: { 'x-env': 'prod' } }] } }, false],
  ])('%j: %s', (filter, expected) => expect(passes(filter)).toBe(expected))
})

describe('a body that is not JSON has no members', () => {
  test.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['half', '{"a":'],
    ['bad UTF-8', Buffer.from([0x7b, 0x22, 0xff])],
    ['a number', '1'],
    ['null', 'null'],
  ])('%s', (_what, bytes) => {
    const given = { body: Buffer.from(bytes as string) }
    expect(passes({ json: { a: { exists: false } } }, given)).toBe(true)
    expect(passes({ json: { a: 1 } }, given)).toBe(false)
  })

  test('nor has one nested 200,000 deep, or at least it is told apart', () => {
    const given = { body: Buffer.from('['.repeat(200_000) + ']'.repeat(200_000)) }
    expect(passes({ json: { '0.0.0': { exists: true } } }, given)).toBeTypeOf('boolean')
  })
})

test('no event makes a filter throw', () => {
  const filter: Filter = {
    any: [
      { json: { 'a.b': { above: 1, contains: 'x', startsWith: 'y' } } },
      { header: { a: { below: 2, oneOf: ['a', null] } }, type: { endsWith: 'z' } },
      { not: { json: { '/a/0': { exists: true } } } },
    ],
  }
  const matches = compileFilter(v.parse(filterSchema, filter))
  const values = fc.oneof(
    fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
    fc.uint8Array(),
  )
  fc.assert(
    fc.property(values, fc.string(), fc.array(fc.string()), (bytes, type, headers) => {
      expect(matches(event({ body: bytes, type, headers }))).toBeTypeOf('boolean')
    }),
  )
})

describe('what is no filter is refused', () => {
  const circular: Record<string, unknown> = {}
  circular['not'] = circular
  const deep = Array.from({ length: 30 }).reduce<unknown>((inner) => ({ not: inner }), { type: 'a' })
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a text', 'type == 1'],
    ['a function', () => true],
    ['a pattern', { type: /instance/ }],
    ['nothing said', {}],
    ['a test that says nothing', { type: {} }],
    ['an unknown word', { body: 'x' }],
    ['an unknown operator', { type: { matches: '.*' } }],
    ['a pattern as operand', { type: { is: /x/ } }],
    ['an object as operand', { json: { a: { is: {} } } }],
    ['NaN', { json: { a: { above: Number.NaN } } }],
    ['a text as bound', { json: { a: { above: '1' } } }],
    ['one of nothing', { type: { oneOf: [] } }],
    ['any of nothing', { any: [] }],
    ['an empty path', { json: { '': 1 } }],
    ['a path of 21 names', { json: { [Array.from({ length: 21 }, () => 'a').join('.')]: 1 } }],
    ['a header with a space', { header: { 'x y': 'a' } }],
    ['a text of 1,001 characters', { type: 'x'.repeat(1001) }],
    ['itself', circular],
    ['30 levels', deep],
    ['1,001 parts', { type: { oneOf: Array.from({ length: 1001 }, String) } }],
  ])('%s', (_what, filter) => expect(v.safeParse(filterSchema, filter).success).toBe(false))
})
