import { afterEach, describe, expect, it, vi } from 'vitest'
import { Keyring } from './keyring.ts'
import type { WebhookRequest } from './request.ts'
import type { Scheme, StaticSecretScheme } from './scheme.ts'
import {
  withoutHeader,
  withoutMember,
  withoutMembers,
  withoutParameter,
  withoutStaticSecrets,
  withoutStraySecrets,
} from './without-secrets.ts'
import { bodyScheme as hmac } from '../../../../test/support/body-scheme.ts'

const SECRET = 'a/secret "sent" as it is'
const BODY = '{"id":"evt_1","type":"t"}'

function sent(secret: StaticSecretScheme['secret']): StaticSecretScheme {
  return { name: 'sent', algorithm: 'static-secret', secret }
}

const token: Scheme = {
  name: 'token',
  algorithm: 'jwt',
  token: { header: 'authorization', authScheme: 'Bearer' },
  keysUrl: 'https://example.com/keys',
  issuers: ['https://example.com'],
  maxAgeSeconds: 3600,
  timestamp: { toleranceSeconds: 300 },
}

function request(parts: { headers?: readonly string[]; url?: string; body?: string } = {}): WebhookRequest {
  return {
    method: 'POST',
    url: parts.url ?? '/webhooks/sample',
    headers: parts.headers ?? [],
    body: Buffer.from(parts.body ?? BODY),
  }
}

function keyed(scheme: Scheme, ...secrets: readonly string[]): { scheme: Scheme; keys: Keyring } {
  return { scheme, keys: new Keyring(secrets, { as: 'utf8' }) }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

describe('a header', () => {
  it('is left out by its name in any case, however often it comes', () => {
    expect(withoutHeader(['A', '1', 'X-TOKEN', 's', 'b', '2', 'x-token', 's'], 'x-token')).toEqual([
      'A',
      '1',
      'b',
      '2',
    ])
  })

  it('is not left out for its value, nor for a longer name', () => {
    expect(withoutHeader(['a', 'x-token', 'x-tokens', 's'], 'x-token')).toEqual([
      'a',
      'x-token',
      'x-tokens',
      's',
    ])
  })

  it('without a value, at the end of the list, has an empty one', () => {
    expect(withoutHeader(['x-token', 's', 'a'], 'x-token')).toEqual(['a', ''])
    expect(withoutHeader(['a', '1', 'x-token'], 'x-token')).toEqual(['a', '1'])
  })
})

describe('a parameter of the URL', () => {
  it.each([
    ['/x', '/x'],
    ['/x?', '/x?'],
    ['?token=s', '?token=[redacted]'],
    ['/x?token=s', '/x?token=[redacted]'],
    ['/x?a=1&token=s&b=%20+', '/x?a=1&token=[redacted]&b=%20+'],
    ['/x?token=s&token=t', '/x?token=[redacted]&token=[redacted]'],
    ['/x?t%6Fken=s', '/x?token=[redacted]'],
    ['/x?token', '/x?token=[redacted]'],
    ['/x?tokens=s&atoken=s&a=token', '/x?tokens=s&atoken=s&a=token'],
    ['/x?a=1?token=s', '/x?a=1?token=s'],
    ['/token=s?a=1', '/token=s?a=1'],
  ])('is cut out of %s', (url, kept) => {
    expect(withoutParameter(url, { query: 'token' })).toBe(kept)
  })
})

describe('a member of the body', () => {
  it.each([
    ['{"auth": {"pass" : "s"}, "a":1}', '{"auth": {"pass" : "[redacted]"}, "a":1}'],
    ['{"auth":{"pass":"s","pass":["t"]}}', '{"auth":{"pass":"[redacted]","pass":"[redacted]"}}'],
    ['{ "a" : 1 }', '{ "a" : 1 }'],
    ['{"auth":{"pass":"s"}', ''],
    ['', ''],
  ])('is cut out of %s, byte for byte', (body, kept) => {
    expect(text(withoutMember(Buffer.from(body), { json: ['auth', 'pass'] }))).toBe(kept)
  })

  it.each([
    [
      '{"value":[{"state": "s","a":1}, {"a":2},{"state":"t"}]}',
      '{"value":[{"state": "[redacted]","a":1}, {"a":2},{"state":"[redacted]"}]}',
    ],
    ['{"value":[]}', '{"value":[]}'],
    ['{"value":{"state":"s"}}', ''],
    ['{"other":[{"state":"s"}]}', ''],
    ['[', ''],
  ])('is cut out of each element of %s', (body, kept) => {
    expect(text(withoutMembers(Buffer.from(body), { each: ['value'], member: ['state'] }))).toBe(kept)
  })
})

describe('a request without the secrets that its schemes carry', () => {
  it('is without each of them, wherever its scheme has it', () => {
    const came = request({
      headers: ['x-token', 's', 'Authorization', 'Bearer ey.J.hb', 'a', '1'],
      url: '/x?token=s',
      body: '{"pass":"s","value":[{"state":"s"}]}',
    })
    const schemes = [
      sent({ header: 'x-token' }),
      sent({ query: 'token' }),
      sent({ json: ['pass'] }),
      sent({ each: ['value'], member: ['state'] }),
      token,
    ].map((scheme) => ({ scheme }))
    const kept = withoutStaticSecrets(schemes, came)
    expect({ ...kept, body: text(kept.body) }).toEqual({
      method: 'POST',
      url: '/x?token=[redacted]',
      headers: ['a', '1'],
      body: '{"pass":"[redacted]","value":[{"state":"[redacted]"}]}',
    })
  })

  it('is as it came where they carry none, or there are none', () => {
    const came = request({ headers: ['x-signature', '00', 'authorization', 'x'] })
    expect(withoutStaticSecrets([{ scheme: hmac }], came)).toBe(came)
    expect(withoutStaticSecrets([], came)).toBe(came)
  })
})

function escapedWhole(secret: string): string {
  return Buffer.from(secret).toString('hex').replaceAll(/../g, '%$&')
}

describe('a refused request as it may be shown', () => {
  const inHeader = keyed(sent({ header: 'x-token' }), 'an older one', SECRET)

  afterEach(() => {
    vi.restoreAllMocks()
  })

  it.each([
    ['a header of another name', { headers: ['x-other', SECRET, 'a', '1'] }, { headers: ['a', '1'] }],
    [
      'the middle of a value',
      { headers: ['a', '1', 'cookie', `t=${SECRET}; a`, 'b', 'an older one'] },
      { headers: ['a', '1'] },
    ],
    ['a name', { headers: ['xan older onex', '', 'a', '1', SECRET, ''] }, { headers: ['a', '1'] }],
    [
      'a name, in the letters that HTTP has made of it',
      { headers: ['A/secret "SENT" as it is', '1', 'a', '1'] },
      { headers: ['a', '1'] },
    ],
    ['its own header', { headers: ['X-Token', 'a wrong one', 'a', '1'] }, { headers: ['a', '1'] }],
    ['the URL', { url: `/x/${SECRET}` }, { url: '[redacted]' }],
    ['the URL, escaped', { url: `/x?a=${encodeURIComponent(SECRET)}` }, { url: '[redacted]' }],
    [
      'the URL, as forms write it',
      { url: `/x?${new URLSearchParams({ a: SECRET })}` },
      { url: '[redacted]' },
    ],
    ['the URL, escaped in small letters', { url: '/x?an%20older%20one%2f%c3%bc' }, { url: '[redacted]' }],
    ['the URL, with all of it escaped', { url: `/x?${escapedWhole(SECRET)}` }, { url: '[redacted]' }],
    ['a URL with what is no escape', { url: '/x?%&%1&%zz&%61n+old' }, {}],
    ['the body', { body: 'token=an older one&a=1' }, { body: '' }],
    ['the body, as a text of JSON', { body: JSON.stringify({ a: [`x${SECRET}x`] }) }, { body: '' }],
    ['the body, as a name of JSON', { body: JSON.stringify({ [SECRET]: 1 }) }, { body: '' }],
    ['the body, in another spelling', { body: '{"a":"\\u0061n older \\u006fne"}' }, { body: '' }],
    [
      'no place',
      { headers: ['an older', 'one', 'a', 'older one'], url: '/x?a=1', body: '{"a":"\\u0061 wrong one"}' },
      {},
    ],
    ['a body that is no JSON, and escaped', { body: '{"a":"\\u0061n older one"' }, {}],
    [
      'a list of headers that ends with a name',
      { headers: ['a', '1', 'b'] },
      { headers: ['a', '1', 'b', ''] },
    ],
  ] as const)('has it not in %s', (_, parts, change) => {
    const came = request(parts)
    const shown = withoutStraySecrets([inHeader, keyed(hmac, 'what signs')], came)
    expect({ ...shown, body: text(shown.body) }).toEqual({ ...came, body: text(came.body), ...change })
  })

  it.each([
    ['Mixed-Case-1', 'mixed-case-1'],
    ['mixed-case-1', 'MIXED-CASE-1'],
    ['MIXED-case-1', 'x-Mixed-Case-1-x'],
    ['User:Password-1', 'user', 'Password-1'],
    ['Mixed-Case-1', 'cookie', 'MIXED-CASE-1'],
    ['pass ΑΣ', 'cookie', 'pass ΑΣΑ'],
  ])('is without the secret %j as the name %j, or after it', (secret, name, value = '') => {
    const schemes = [keyed(sent({ json: ['pass'] }), secret)]
    const shown = (headers: readonly string[]): unknown =>
      withoutStraySecrets(schemes, request({ headers })).headers
    expect(shown([name, value, 'a', '2'])).toEqual(['a', '2'])
    expect(shown(['a', '2', name, ...(value === '' ? [] : [value])])).toEqual(['a', '2'])
  })

  it('has an empty value where its headers end with a name', () => {
    const schemes = [keyed(sent({ query: 'token' }), SECRET)]
    expect(withoutStraySecrets(schemes, request({ headers: ['a', '1', 'b'] })).headers).toEqual([
      'a',
      '1',
      'b',
      '',
    ])
  })

  it.each([
    ['ü+%41', '/x?a=ü+%41'],
    ['ü+%41', '/x?a=%C3%BC%2B%2541'],
    ['ü+%41', '/x?a=ü%2B%2541'],
    ['ü A', '/x?a=%c3%bc+%41'],
  ])('is without the secret %j in %s', (secret, url) => {
    const schemes = [keyed(sent({ json: ['pass'] }), secret)]
    expect(withoutStraySecrets(schemes, request({ url })).url).toBe('[redacted]')
  })

  it('is also without a token, beside a secret that is sent and alone', () => {
    const came = request({ headers: ['authorization', 'Bearer ey.J.hb', 'x-token', SECRET, 'a', '1'] })
    expect(withoutStraySecrets([keyed(token, 'audience'), inHeader], came).headers).toEqual(['a', '1'])
    expect(withoutStraySecrets([keyed(token, 'audience')], came).headers).toEqual([
      'x-token',
      SECRET,
      'a',
      '1',
    ])
  })

  it('is searched for what is sent as it is alone: nobody sends what signs, nor an audience', () => {
    const came = request({ headers: ['a', 'what signs'], url: '/audience', body: 'what signs, audience' })
    expect(withoutStraySecrets([keyed(hmac, 'what signs')], came)).toBe(came)
    const schemes = [keyed(hmac, 'what signs'), keyed(token, 'audience'), inHeader]
    expect(withoutStraySecrets(schemes, came)).toEqual(came)
  })

  it('has a body of 64 KiB, and none that is longer, whatever is in it', () => {
    const shown = (length: number): number =>
      withoutStraySecrets([inHeader], request({ body: 'x'.repeat(length) })).body.length
    expect([shown(65_536), shown(65_537)]).toEqual([65_536, 0])
    const long = request({ body: 'x'.repeat(65_537) })
    expect(withoutStraySecrets([keyed(hmac, 'what signs')], long).body).toBe(long.body)
  })

  it('is not parsed where nothing in it is escaped', () => {
    const parse = vi.spyOn(JSON, 'parse')
    withoutStraySecrets([inHeader], request({ body: '{"a":"plain"}' }))
    expect(parse).not.toHaveBeenCalled()
    withoutStraySecrets([keyed(sent({ header: 'x-token' }), SECRET)], request({ body: '{"a":"\\u0061"}' }))
    expect(parse).toHaveBeenCalledOnce()
  })
})
