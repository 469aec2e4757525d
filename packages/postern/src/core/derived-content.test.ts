/** Schemes whose content has to be made of a request before it can be checked. */
import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseForm, sortedForm } from './form.ts'
import {
  defineSource,
  signRequest,
  verify,
  type Provider,
  type SignatureScheme,
  type Verdict,
} from './index.ts'
import { findInEach } from './json-member.ts'

const SECRET = 'a signing secret, long enough'
const NOW_MS = 1_772_490_001_000

function arrive(
  scheme: SignatureScheme,
  request: {
    readonly headers?: Readonly<Record<string, string>>
    readonly body: string
    readonly url?: string
    readonly method?: string
  },
): Promise<Verdict> {
  const provider: Provider = { name: 'own', title: 'Own', schemes: [scheme], envelopes: [] }
  const { headers = {}, body, ...rest } = request
  return verify({ headers, body: Buffer.from(body), ...rest }, defineSource(provider, { secret: SECRET }), {
    now: () => NOW_MS,
  })
}

function hmac(content: string, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHmac('sha256', SECRET).update(content).digest(encoding)
}

const refused = (reason: string): object => ({ ok: false, reason })

describe('a form', () => {
  const sorted = (body: string): string | undefined => sortedForm(Buffer.from(body))

  it.each([
    ['sorts by name', 'b=1&a=2', 'a2b1'],
    ['sorts in UTF-16 units, capitals first', 'a=1&B=2&%EF%BC%A1=3&%F0%9F%8E%89=4', 'B2a1🎉4Ａ3'],
    ['sorts values of one name, each once', 'a=2&b=0&a=1&a=2', 'a1a2b0'],
    ['decodes names and values', 'a+b=c%26d%3D&%C3%BC=%2B', 'a bc&d=ü+'],
    ['takes a name without a value', 'a&b=', 'ab'],
    ['keeps what follows a second sign', 'a=b=c', 'ab=c'],
    ['passes over empty fields', '&&a=1&&', 'a1'],
    ['is nothing where it is empty', '', ''],
  ])('%s', (_, body, content) => {
    expect(sorted(body)).toBe(content)
  })

  it.each(['a=%FF', 'a=%C3', 'a=%', 'a=%zz', 'a=é', 'a=1\n', 'a= b', '\0'])('is none: %j', (body) => {
    expect(sorted(body)).toBeUndefined()
    expect(parseForm(Buffer.from(body))).toBeUndefined()
  })

  it('has 1,000 fields at most', () => {
    const of = (count: number): string => Array.from({ length: count }, (_, at) => `a${at}=1`).join('&')
    expect(sorted(of(1000))).toBeDefined()
    expect(sorted(of(1001))).toBeUndefined()
  })

  it('is read as members of an object, none of them inherited', () => {
    const read = parseForm(Buffer.from('a=1&b=1&b=2&__proto__=3'))
    expect(Object.entries(read ?? {})).toEqual([
      ['a', '1'],
      ['b', ['1', '2']],
      ['__proto__', '3'],
    ])
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  })

  it('is never a throw, and one content of fields in any order', () => {
    const fields = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })), {
      maxLength: 8,
    })
    fc.assert(
      fc.property(fields, (pairs) => {
        const form = (list: typeof pairs): string => new URLSearchParams(list).toString()
        expect(sorted(form(pairs.toReversed()))).toBe(sorted(form(pairs)))
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        sortedForm(bytes)
        parseForm(bytes)
      }),
    )
  })
})

describe('a signature of each item', () => {
  const member = { json: ['text'] }
  const scheme: SignatureScheme = {
    name: 'items',
    algorithm: 'hmac-sha256',
    key: { as: 'utf8' },
    signature: { in: [{ json: ['signed', 'by'] }], encoding: 'hex' },
    content: [
      {
        derived: 'joined',
        places: [{ json: ['id'] }, member, { json: ['end'] }],
        separator: ':',
        free: member,
      },
    ],
    derives: 'items',
    each: ['list'],
  }
  const item = (id: string, text: string, content = `${id}:${text}:`): object => ({
    id,
    text,
    signed: { by: hmac(content) },
  })
  const of = (...list: readonly unknown[]): Promise<Verdict> =>
    arrive(scheme, { body: JSON.stringify({ list }) })

  it('is one of all that are there', async () => {
    expect(await of(item('1', 'a'))).toMatchObject({ ok: true })
    expect(await of(item('1', 'a'), item('2', 'b:c'))).toMatchObject({ ok: true })
    expect(await of(item('1', 'a'), item('2', 'b', 'another'))).toEqual(refused('signature_mismatch'))
    expect(await of(item('1', 'a'), { id: '2' })).toEqual(refused('missing_header'))
  })

  it('is made for each of them by `signRequest`', async () => {
    const provider: Provider = { name: 'own', title: 'Own', schemes: [scheme], envelopes: [] }
    const unsigned = { list: [item('1', 'a', ''), item('2', 'b', '')] }
    const source = defineSource(provider, { secret: SECRET })
    const { body } = signRequest(source, { body: JSON.stringify(unsigned), nowMs: NOW_MS })
    expect(Buffer.from(body).toString()).toBe(JSON.stringify({ list: [item('1', 'a'), item('2', 'b')] }))
  })

  it('is refused as a scheme that does not say where the items are', () => {
    const { each: _, ...nowhere } = scheme
    const provider: Provider = { name: 'own', title: 'Own', schemes: [nowhere], envelopes: [] }
    expect(() => defineSource(provider)).toThrow(/does not say where its items are/)
  })
})

describe('a signature over headers that its sender lists', () => {
  const scheme: SignatureScheme = {
    name: 'listed',
    algorithm: 'hmac-sha256',
    key: { as: 'utf8' },
    signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
    timestamp: { in: { header: 'x-time' }, unit: 'milliseconds', toleranceSeconds: 30 },
    content: [
      'method',
      { derived: 'escaped-path' },
      { derived: 'listed-headers', listedIn: 'x-list', must: ['x-list', 'x-time'] },
      'body',
    ],
    derives: 'listed-headers',
  }

  function of(list: string, headers: Readonly<Record<string, string>>, url = '/a?b=c%20d'): Promise<Verdict> {
    const all: Readonly<Record<string, string>> = { 'x-list': list, 'x-time': String(NOW_MS), ...headers }
    const lines = list.split(',').map((name) => `${name}:${(all[name] ?? '').trim()}`)
    const [path = '', query] = url.split('?')
    const escaped = encodeURI(query === undefined ? path : `${path}?${encodeURIComponent(query)}`)
    const signature = hmac(`POST${escaped}${lines.join(';')}{}`)
    return arrive(scheme, { url, headers: { ...all, 'x-signature': signature }, body: '{}' })
  }

  it('verifies with what is listed, and passes over what is not', async () => {
    expect(await of('x-list,x-time', { 'x-other': '1' })).toMatchObject({ ok: true })
    expect(await of('x-list,x-other,x-time', { 'x-other': ' 1 ' })).toMatchObject({ ok: true })
    expect(await of('x-list,x-time', {}, 'https://example.com/a?b=c%20d')).toEqual(
      refused('signature_mismatch'),
    )
  })

  it.each(['', '?', '/%', '/\uD800', '/a?\uDFFF', 'https://', '/é?ü'])(
    'is refused over any URL: %j',
    async (url) => {
      const headers = { 'x-list': 'x-list,x-time', 'x-time': String(NOW_MS), 'x-signature': '0'.repeat(64) }
      expect(await arrive(scheme, { url, headers, body: '{}' })).toMatchObject({ ok: false })
    },
  )

  it('signs its time only where that has to be listed', () => {
    const content = [
      { derived: 'listed-headers', listedIn: 'x-list', must: ['x-list'] } as const,
      'body' as const,
    ]
    const provider: Provider = {
      name: 'own',
      title: 'Own',
      schemes: [{ ...scheme, content }],
      envelopes: [],
    }
    expect(() => defineSource(provider)).toThrow(/anyone could renew it/)
  })
})

describe('members of each element of an array', () => {
  const found = (body: string): readonly (readonly string[])[] | undefined => {
    const bytes = Buffer.from(body)
    return findInEach(bytes, ['a', 'list'], ['b', 'c'])?.map((ranges) =>
      ranges.map(({ start, end }) => bytes.subarray(start, end).toString()),
    )
  }

  it.each([
    ['{"a":{"list":[{"b":{"c":"1"}} , {"b":{"c":[2]}}]}}', [['"1"'], ['[2]']]],
    ['{"a":{"list":[{"b":{"c":1,"c":2},"b":{"c":3}}]}}', [['1', '2', '3']]],
    ['{"a":{"list":[1,"]",null,[{"b":{"c":1}}],{}]}}', [[], [], [], [], []]],
    ['{"a":{"list":[ ]}}', []],
    ['{"a":{"list":{"b":{"c":1}}}}', undefined],
    ['{"a":{"list":[],"list":[]}}', undefined],
    ['{"a":{}}', undefined],
    ['{"a":{"list":[', undefined],
    [`{"a":{"list":[${'0,'.repeat(999)}0]}}`, Array.from({ length: 1000 }, () => [])],
    [`{"a":{"list":[${'0,'.repeat(1000)}0]}}`, undefined],
  ])('of list %#', (body, expected) => {
    expect(found(body)).toEqual(expected)
  })
})
