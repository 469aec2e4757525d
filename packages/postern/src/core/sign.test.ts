import { createHmac, createPublicKey, verify as verifyBytes } from 'node:crypto'
import * as jose from 'jose'
import { describe, expect, it } from 'vitest'
import { RFC_7515_KEYS } from '../../../../test/support/rfc-keys.ts'
import { certificates } from './certificate-method.ts'
import { check } from './check.ts'
import { messageSignatures } from './message-signature-method.ts'
import type { Method } from './method.ts'
import type {
  Scheme as AnyScheme,
  SignatureScheme as Scheme,
  StaticSecretScheme,
  TokenScheme,
} from './scheme.ts'
import type { SignedRequest, SignInput } from './sign-input.ts'
import { sign, signRequest } from './sign.ts'
import type { KeyedSourceOptions } from './source-options.ts'
import { defineSource, defineSourceBy, type Source } from './source.ts'
import { bearerTokens } from './token-method.ts'
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

  it('answers the bytes that were given, where nothing is put into them', () => {
    const body = Buffer.from(BODY)
    expect(signRequest(sourceOf(plain), { body, nowMs: NOW_MS }).body).toBe(body)
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
    const [, sha1] = schemes as readonly [Scheme, Scheme]
    expect(() => sign(sourceOf(plain, sha1), { ...input, scheme: 'other' })).toThrow(
      expect.objectContaining({
        code: 'bad_scheme',
        message: "sample has no scheme 'other'; it has plain, sha1",
      }),
    )
  })

  it('refuses a source without a secret', () => {
    const mute = defineSource({ name: 'mute', title: 'Mute', schemes: [plain], envelopes: [] })
    expect(() => sign(mute, input)).toThrow(
      expect.objectContaining({ code: 'no_secret', message: 'The source has no signing secret' }),
    )
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

describe('a source with several secrets', () => {
  const inQuery = (query: string): StaticSecretScheme => ({
    name: query,
    verifiedBy: query,
    algorithm: 'static-secret',
    secret: { query },
  })
  const inHeader: StaticSecretScheme = {
    name: 'token',
    verifiedBy: 'token',
    algorithm: 'static-secret',
    secret: { header: 'x-token' },
    required: { 'x-kind': 'push' },
  }
  const inBody: StaticSecretScheme = {
    name: 'member',
    verifiedBy: 'member',
    algorithm: 'static-secret',
    secret: { json: ['pass'] },
  }
  const whole: Scheme = { ...plain, name: 'whole', content: ['url', 'body'] }
  const mac = (text: string): string => createHmac('sha256', SECRET).update(text).digest('hex')

  function source(list: readonly AnyScheme[], secrets: KeyedSourceOptions): Source {
    return defineSource({ name: 'sample', title: 'Sample', schemes: list, envelopes: [] }, secrets)
  }

  it('is spoken to with one scheme of each, in any order signed last', () => {
    const secret = { secret: SECRET, otherSecrets: { a: 'secret a', member: 'secret m', b: 'secret b' } }
    const [a, b] = [inQuery('a'), inQuery('b')]
    const body = '{"pass":"secret m"}'
    const url = '/x?a=secret%20a&b=secret%20b'
    for (const list of [
      [whole, a, inBody, b],
      [a, whole, inBody, b],
      [a, inBody, b, whole],
    ]) {
      const sent = signRequest(source(list, secret), { body: '{"pass":0}', nowMs: NOW_MS, url: '/x' })
      expect({ ...sent, body: Buffer.from(sent.body).toString() }).toEqual({
        headers: { 'x-signature': mac(url + body) },
        url,
        body,
      })
    }
  })

  it('is sent all of the headers, those that are required too', () => {
    const secrets = { secret: SECRET, otherSecrets: { token: 'secret t' } }
    expect(sign(source([plain, inHeader], secrets), { body: BODY, nowMs: NOW_MS })).toEqual({
      'x-token': 'secret t',
      'x-kind': 'push',
      'x-signature': mac(BODY),
    })
  })

  it('is signed for each in the order of its schemes', () => {
    const second: Scheme = { ...plain, name: 'second', verifiedBy: 'second', algorithm: 'hmac-sha512' }
    const signature = { in: [{ header: 'x-second' }], encoding: 'hex' } as const
    const secrets = { secret: SECRET, otherSecrets: { second: 'another secret' } }
    const both = source([plain, { ...second, signature }], secrets)
    expect(Object.keys(sign(both, { body: BODY, nowMs: NOW_MS }))).toEqual(['x-signature', 'x-second'])
  })

  it('is not spoken to by a secret that it has not', () => {
    const one = source([plain, inHeader], { secret: SECRET })
    expect(sign(one, { body: BODY, nowMs: NOW_MS })).toEqual({ 'x-signature': mac(BODY) })
    // The first that has one, where none is named.
    const other = source([plain, inHeader], { otherSecrets: { token: 'secret t' } })
    expect(sign(other, { body: BODY, nowMs: NOW_MS })).toEqual({ 'x-token': 'secret t', 'x-kind': 'push' })
  })

  it('is spoken to with the scheme that is named, beside the other secrets’', () => {
    const secrets = { secret: SECRET, otherSecrets: { token: 'secret t' } }
    const both = source([plain, inHeader, { ...plain, name: 'upper', content: ['method', 'body'] }], secrets)
    expect(sign(both, { body: BODY, nowMs: NOW_MS, scheme: 'upper' })).toEqual({
      'x-token': 'secret t',
      'x-kind': 'push',
      'x-signature': mac(`POST${BODY}`),
    })
  })

  it.each([
    ['the body', inBody],
    ['the URL', inQuery('a')],
  ])('is not signed for by headers alone where one of them stands in %s', (_, scheme) => {
    const carried = source([scheme], { otherSecrets: { [scheme.name]: 'secret' } })
    expect(() => sign(carried, { body: '{"pass":0}', nowMs: NOW_MS })).toThrow(
      expect.objectContaining({
        code: 'bad_scheme',
        message: expect.stringMatching(/^sample .* body or the URL; use signRequest/) as string,
      }),
    )
  })
})

describe('a request of a scheme with a form of its own', () => {
  function request(method: Method, scheme: AnyScheme, secret: string, privateKey?: string): SignedRequest {
    const provider = { name: 'sample', title: 'Sample', schemes: [scheme], envelopes: [] }
    return signRequest(defineSourceBy([method], provider, { secret }), {
      body: BODY,
      nowMs: NOW_MS,
      ...(privateKey !== undefined && { privateKey }),
    })
  }
  const own = RFC_7515_KEYS
  const publicKey = createPublicKey({ key: own.publicJwk, format: 'jwk' })

  it('is signed with the key of a certificate', () => {
    const { headers } = request(
      certificates(),
      {
        name: 'certified',
        algorithm: 'rsa-certificate',
        digest: 'sha256',
        signature: { at: { header: 'x-signature' }, encoding: 'base64' },
        certificate: { at: { header: 'x-url' }, hosts: 'keys\\.example', paths: '/.*', trust: 'host' },
        timestamp: { in: { header: 'x-time' }, unit: 'seconds' },
        content: [{ header: 'x-time' }, { literal: '.' }, 'configured'],
      },
      'account 1',
      own.privateKey,
    )
    expect(headers['x-time']).toBe('1700000000')
    const signature = Buffer.from(headers['x-signature'] as string, 'base64')
    expect(verifyBytes('sha256', Buffer.from('1700000000.account 1'), publicKey, signature)).toBe(true)
  })

  it('is signed as RFC 9421 says', () => {
    const { headers } = request(
      messageSignatures,
      {
        name: 'message',
        algorithm: 'http-message-signature',
        signedWith: 'hmac-sha256',
        key: { as: 'utf8' },
        components: ['@method'],
        timestamp: { toleranceSeconds: 300 },
      },
      SECRET,
    )
    const parameters = '("@method");created=1700000000'
    const base = `"@method": POST\n"@signature-params": ${parameters}`
    expect(headers).toEqual({
      'signature-input': `sig=${parameters}`,
      signature: `sig=:${createHmac('sha256', SECRET).update(base).digest('base64')}:`,
    })
  })

  it('cannot be signed where its issuer makes the tokens', () => {
    const token: TokenScheme = {
      name: 'token',
      algorithm: 'jwt',
      token: { header: 'authorization', authScheme: 'Bearer' },
      keysUrl: 'https://keys.example/a',
      issuers: ['https://issuer.example'],
      maxAgeSeconds: 3600,
      timestamp: { toleranceSeconds: 300 },
    }
    expect(() => request(bearerTokens(jose), token, 'audience', own.privateKey)).toThrow(
      expect.objectContaining({
        code: 'bad_scheme',
        message: "Cannot sign with 'token': its issuer makes the tokens",
      }),
    )
  })
})
