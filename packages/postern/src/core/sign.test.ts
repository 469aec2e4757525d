import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { check } from './check.ts'
import type { SignatureScheme as Scheme } from './scheme.ts'
import type { SignInput } from './sign-input.ts'
import { sign } from './sign.ts'
import { defineSource, type Source } from './source.ts'
import { verifyRequest } from './verify.ts'

const SECRET = 'the secret of these tests'
const NOW_MS = 1_700_000_000_123
const BODY = '{"id":"evt_1","type":"t","text":"Grüße, $$ $& 🎉"}'

const plain: Scheme = {
  name: 'plain',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  content: ['body'],
}

const time = { in: { header: 'x-timestamp' }, unit: 'seconds' } as const

const schemes: readonly Scheme[] = [
  plain,
  { ...plain, name: 'sha1', algorithm: 'hmac-sha1', signature: { ...plain.signature, prefix: 'sha1=' } },
  { ...plain, name: 'sha512', algorithm: 'hmac-sha512' },
  { ...plain, name: 'base64', signature: { ...plain.signature, encoding: 'base64' } },
  { ...plain, name: 'base64url', signature: { ...plain.signature, encoding: 'base64url' } },
  { ...plain, name: 'seconds', timestamp: time, content: ['timestamp', { literal: '.' }, 'body'] },
  {
    ...plain,
    name: 'milliseconds',
    timestamp: { ...time, unit: 'milliseconds' },
    content: ['timestamp', 'body'],
  },
  { ...plain, name: 'rfc3339', timestamp: { ...time, unit: 'rfc3339' }, content: ['body', 'timestamp'] },
  { ...plain, name: 'list', signature: { ...plain.signature, separator: ',', prefix: 'v1=' } },
  {
    ...plain,
    name: 'pairs',
    signature: { ...plain.signature, separator: ',', pairSeparator: '=', field: 'v1' },
    timestamp: { in: { field: 't' }, unit: 'seconds' },
    content: ['timestamp', { literal: '.' }, 'body'],
  },
  {
    ...plain,
    name: 'standard-webhooks',
    signature: { ...plain.signature, separator: ' ', prefix: 'v1,', encoding: 'base64' },
    timestamp: time,
    id: { in: { header: 'x-id' }, forbid: '.' },
    content: ['id', { literal: '.' }, 'timestamp', { literal: '.' }, 'body'],
  },
  {
    ...plain,
    name: 'two-headers',
    signature: { ...plain.signature, in: [{ header: 'x-primary' }, { header: 'x-secondary' }] },
    required: { 'x-version': '1' },
  },
  { ...plain, name: 'url', content: ['method', 'url', { header: 'x-more' }, { json: ['id'] }, 'body'] },
]

function sourceOf(...list: readonly Scheme[]): Source {
  const envelopes = [{ name: 'sample', id: [{ json: ['id'] }], type: { json: ['type'] } }]
  return defineSource(
    { name: 'sample', title: 'Sample', schemes: list, envelopes },
    { secret: [SECRET, 'older'] },
  )
}

const input: SignInput = {
  body: BODY,
  nowMs: NOW_MS,
  id: 'msg_1',
  method: 'PUT',
  url: 'https://example.com/hooks?a=b',
  headers: { 'x-more': 'more' },
}

describe('sign', () => {
  it.each(schemes.map((scheme) => [scheme.name, scheme] as const))('makes what verifies: %s', (_, scheme) => {
    const source = sourceOf(scheme)
    const headers = { ...input.headers, ...sign(source, input) }
    const request = {
      method: 'PUT',
      url: 'https://example.com/hooks?a=b',
      headers: Object.entries(headers).flat(),
      body: Buffer.from(BODY),
    }
    expect(check(scheme, source.schemes[0]!.keys, request, { nowMs: NOW_MS })).toEqual({
      ok: true,
      secretIndex: 0,
    })
    expect(verifyRequest(request, source, NOW_MS)).toMatchObject({ ok: true, read: { id: 'evt_1' } })
  })

  it.each(schemes.map((scheme) => [scheme.name, scheme] as const))(
    'makes what verifies after the source was JSON: %s',
    (_, scheme) => {
      const again = JSON.parse(JSON.stringify(scheme)) as Scheme
      expect(sign(sourceOf(again), input)).toEqual(sign(sourceOf(scheme), input))
    },
  )

  it('writes the signature that anyone with HMAC would', () => {
    const text = `1700000000.${BODY}`
    const timed = schemes.find(({ name }) => name === 'seconds')!
    expect(sign(sourceOf(timed), input)).toEqual({
      'x-timestamp': '1700000000',
      'x-signature': createHmac('sha256', SECRET).update(text).digest('hex'),
    })
  })

  it('signs bytes as they are', () => {
    const body = Uint8Array.of(0xff, 0xfe, 0)
    expect(sign(sourceOf(plain), { body, nowMs: NOW_MS })).toEqual({
      'x-signature': createHmac('sha256', SECRET).update(body).digest('hex'),
    })
  })

  it('answers the headers to add, without those that were given', () => {
    const more = schemes.find(({ name }) => name === 'url')!
    expect(Object.keys(sign(sourceOf(more), input))).toEqual(['x-signature'])
    const two = schemes.find(({ name }) => name === 'two-headers')!
    expect(Object.keys(sign(sourceOf(two), input)).toSorted()).toEqual(['x-primary', 'x-version'])
  })

  it('speaks the first scheme, or the one it is told', () => {
    const [, sha1] = schemes as readonly [Scheme, Scheme]
    const source = sourceOf(plain, sha1)
    expect(sign(source, input)['x-signature']).toMatch(/^[0-9a-f]{64}$/)
    expect(sign(source, { ...input, scheme: 'sha1' })['x-signature']).toMatch(/^sha1=[0-9a-f]{40}$/)
  })

  it('refuses a scheme that the source has not, by name', () => {
    expect(() => sign(sourceOf(plain), { ...input, scheme: 'other' })).toThrow(
      expect.objectContaining({ code: 'bad_scheme' }),
    )
    expect(() => sign(sourceOf(plain), { ...input, scheme: 'other' })).toThrow(/it has plain/)
  })

  it('refuses a source without a secret', () => {
    const mute = defineSource({ name: 'mute', title: 'Mute', schemes: [plain], envelopes: [] })
    expect(() => sign(mute, input)).toThrow(expect.objectContaining({ code: 'no_secret' }))
  })

  it('refuses to sign without a part that the scheme signs', () => {
    const withId = schemes.find(({ name }) => name === 'standard-webhooks')!
    const { id: _, ...anonymous } = input
    expect(() => sign(sourceOf(withId), anonymous)).toThrow(expect.objectContaining({ code: 'bad_scheme' }))
    const withHeader = schemes.find(({ name }) => name === 'url')!
    expect(() => sign(sourceOf(withHeader), { ...input, headers: {} })).toThrow(
      expect.objectContaining({ code: 'bad_scheme' }),
    )
  })
})
