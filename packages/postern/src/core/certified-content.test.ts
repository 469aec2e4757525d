/** What a certified key has signed, and which places that covers. */
import { describe, expect, it } from 'vitest'
import { certifiedContent, coveredPlaces, hasDoubledMember } from './certified-content.ts'
import { readable } from './place.ts'
import type { CertificateScheme, CertifiedPart } from './scheme.ts'

function contentOf(
  parts: readonly CertifiedPart[],
  body: unknown = {},
  headers: readonly string[] = [],
): unknown {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const from = readable({ method: 'POST', url: '/?q=1', headers, body: bytes })
  return certifiedContent(parts, { from, timestamp: 'the time', configured: 'mine', body: bytes })
}

describe('signed content', () => {
  it('is its parts one after another', () => {
    const parts: readonly CertifiedPart[] = [
      { header: 'x-id' },
      { literal: '|' },
      'timestamp',
      'configured',
      'crc32',
      { json: ['a', 'b'] },
      { query: 'q' },
    ]
    // 3421780262 is CRC-32's check value, of these nine digits.
    expect(contentOf(parts.slice(0, 5), '123456789', ['X-Id', '1'])).toEqual([
      '1',
      '|',
      'the time',
      'mine',
      '3421780262',
    ])
    expect(contentOf(parts.slice(5), { a: { b: 'c' } })).toEqual(['c', '1'])
    expect(contentOf([])).toEqual([])
  })

  it('is none where a part is absent, or comes twice', () => {
    expect(contentOf(['timestamp', { header: 'x-id' }])).toBeUndefined()
    expect(contentOf(['timestamp', { header: 'x-id' }], {}, ['x-id', '1', 'x-id', '1'])).toBeUndefined()
    expect(contentOf([{ json: ['a'] }, 'timestamp'])).toBeUndefined()
  })

  const LINES: CertifiedPart = { lines: ['Message', 'Subject', 'Type'] }

  it.each<readonly [string, unknown, string | undefined]>([
    ['all', { Type: 't', Message: 'm', Subject: 's', Other: 'o' }, 'Message\nm\nSubject\ns\nType\nt\n'],
    ['some', { Type: 't' }, 'Type\nt\n'],
    ['empty ones', { Message: '', Type: '' }, 'Message\n\nType\n\n'],
    ['none', {}, ''],
    ['no members at all', 'no JSON', ''],
    ['only inherited ones', '{"__proto__":{"Type":"t"}}', ''],
    [
      'a first value with line breaks',
      { Message: 'a\nb\r\nType\n', Type: 't' },
      'Message\na\nb\r\nType\n\nType\nt\n',
    ],
    ['another with a line break', { Subject: 'a\nb' }, undefined],
    ['another with a carriage return', { Message: 'm', Type: 'a\rb' }, undefined],
    ['a number', { Type: 1 }, undefined],
    ['a first that is a number', { Message: 1 }, undefined],
    ['nothing for a value', { Subject: null }, undefined],
    ['a list', { Message: ['m'] }, undefined],
  ])('has lines for the members that a body has: %s', (_, body, lines) => {
    expect(contentOf([LINES, { literal: 'end' }], body)).toEqual(
      lines === undefined ? undefined : [lines, 'end'],
    )
  })
})

it('content covers the places of its parts, and the timestamp’s; a CRC-32 covers nothing', () => {
  const scheme: CertificateScheme = {
    name: 'certified',
    algorithm: 'rsa-certificate',
    digest: 'sha256',
    signature: { at: { header: 'x-signature' }, encoding: 'base64' },
    certificate: { at: { header: 'x-certificate' }, hosts: 'a', paths: '/', trust: 'host' },
    timestamp: { in: { header: 'x-time' }, unit: 'seconds' },
    content: [],
  }
  const covered = (...content: readonly CertifiedPart[]): unknown => coveredPlaces({ ...scheme, content })
  expect(covered()).toEqual([])
  expect(covered('crc32', 'configured', { literal: '|' })).toEqual([])
  expect(covered('timestamp')).toEqual([{ header: 'x-time' }])
  expect(covered({ header: 'x-id' }, 'timestamp', { lines: ['a', 'b'] }, { json: ['c', 'd'] })).toEqual([
    { header: 'x-id' },
    { header: 'x-time' },
    { json: ['a'] },
    { json: ['b'] },
    { json: ['c', 'd'] },
  ])
})

describe('a member that is signed', () => {
  const SIGNED: readonly CertifiedPart[] = [
    'timestamp',
    { lines: ['a', 'b'] },
    { json: ['c'] },
    { lines: ['d'] },
  ]

  it.each<readonly [boolean, string]>([
    [false, '{}'],
    [false, '{"a":"1","b":"2","d":"3"}'],
    [true, '{"a":"1","a":"1"}'],
    [true, '{"a":"1","b":"2","\\u0061":"1"}'],
    [true, '{"d":"1","b":"2","d":"1"}'],
    // Others may be there twice, and so may names inside of values.
    [false, '{"c":"1","c":"2","e":1,"e":2,"a":"1"}'],
    [false, '{"a":{"a":1,"b":2},"b":[{"a":1}]}'],
    [false, '[{"a":1,"a":2}]'],
    [false, '{"a":"1","a":"2"'],
  ])('is doubled or not (%s) in %s', (isDoubled, body) => {
    expect(hasDoubledMember(SIGNED, Buffer.from(body))).toBe(isDoubled)
  })

  it('is none where no member is', () => {
    expect(hasDoubledMember(['timestamp', { header: 'a' }], Buffer.from('{"a":1,"a":2}'))).toBe(false)
  })
})
