import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Provider } from './provider.ts'
import type { Reason } from './reason.ts'
import type { WebhookRequest } from './request.ts'
import type { Scheme, StaticSecretScheme } from './scheme.ts'
import { sign, signRequest } from './sign.ts'
import { sharedStaticSecret } from './secrets-apart.ts'
import { defineSource, withSecret, type Source } from './source.ts'
import type { Secret } from './source-options.ts'
import { verify, verifyRequest } from './verify.ts'
import { withoutStaticSecrets, withoutStraySecrets } from './without-secrets.ts'
import { bodyScheme as hmac } from '../../../../test/support/body-scheme.ts'

const NOW_MS = 1_772_490_000_000
const SECRET = 'a secret that is sent as it is'
const OLD = 'the one before, for a while yet'
const SIGNING = 'and another secret, which signs'

const bare: StaticSecretScheme = { name: 'bare', algorithm: 'static-secret', secret: { header: 'x-token' } }
const bearer: StaticSecretScheme = {
  name: 'bearer',
  algorithm: 'static-secret',
  secret: { header: 'authorization', authScheme: 'Bearer' },
}
const basic: StaticSecretScheme = {
  name: 'basic',
  algorithm: 'static-secret',
  secret: { header: 'authorization', authScheme: 'Basic', encoding: 'base64' },
}
const inBody: StaticSecretScheme = {
  name: 'in-body',
  algorithm: 'static-secret',
  secret: { json: ['auth', 'pass'] },
}
const BODY = '{"id":"evt_1","type":"t","auth":{"pass":"","user":"u"}}'

function provider(...schemes: readonly Scheme[]): Provider {
  const envelope = { name: 'own', id: [{ json: ['id'] }], type: { json: ['type'] } }
  return { name: 'sample', title: 'Sample', schemes, envelopes: [envelope] }
}

function sourceOf(scheme: Scheme, secret: Secret = SECRET): Source {
  return defineSource(provider(scheme), { secret })
}

function request(headers: readonly string[], body: string | Uint8Array = BODY): WebhookRequest {
  return { method: 'POST', url: '/webhooks/sample', headers, body: Buffer.from(body) }
}

function reasonOf(source: Source, sent: WebhookRequest): Reason | 'ok' {
  const verified = verifyRequest(sent, source, NOW_MS)
  return verified.ok ? 'ok' : verified.reason
}

/** Written by hand, as each sender writes them. */
const sent: readonly [StaticSecretScheme, (secret: string) => WebhookRequest][] = [
  [bare, (secret) => request(['X-Token', secret])],
  [bearer, (secret) => request(['Authorization', `Bearer ${secret}`])],
  [basic, (secret) => request(['Authorization', `Basic ${Buffer.from(secret).toString('base64')}`])],
  [inBody, (secret) => request([], `{"id":"evt_1","type":"t","auth":{"pass":"${secret}","user":"u"}}`)],
]

describe('a request with a static secret', () => {
  it.each(sent)('passes with the secret: $name', (scheme, of) => {
    expect(verifyRequest(of(SECRET), sourceOf(scheme), NOW_MS)).toMatchObject({
      ok: true,
      scheme: scheme.name,
      secretIndex: 0,
      read: { id: 'evt_1', idKind: 'signed', type: 't' },
    })
  })

  it.each(sent)('passes with either of two while one is rotated, and with no third: $name', (scheme, of) => {
    const source = sourceOf(scheme, [SECRET, OLD])
    expect(verifyRequest(of(SECRET), source, NOW_MS)).toMatchObject({ ok: true, secretIndex: 0 })
    expect(verifyRequest(of(OLD), source, NOW_MS)).toMatchObject({ ok: true, secretIndex: 1 })
    expect(reasonOf(source, of('a third one, unknown to anybody'))).toBe('secret_mismatch')
  })

  it.each(sent)('fails with anything near it: $name', (scheme, of) => {
    const near = [
      SECRET.slice(1),
      SECRET.slice(0, -1),
      `${SECRET}x`,
      SECRET.toUpperCase(),
      `${SECRET}${SECRET}`,
      'x',
    ]
    for (const other of near) expect(reasonOf(sourceOf(scheme), of(other))).toBe('secret_mismatch')
  })

  it.each(sent)('fails with a secret of 64 KB, whatever it begins with: $name', (scheme, of) => {
    const reason = scheme === inBody ? 'secret_mismatch' : 'malformed_header'
    expect(reasonOf(sourceOf(scheme), of(SECRET + 'x'.repeat(65_536)))).toBe(reason)
  })

  it('has an id that its body can be told by as well, where the id is in a header', () => {
    const byHeader = { name: 'header', id: [{ header: 'x-id' }], type: { json: ['type'] } }
    const source = defineSource({ ...provider(bare), envelopes: [byHeader] }, { secret: SECRET })
    const came = request(['x-token', SECRET, 'x-id', 'evt_1'])
    expect(verifyRequest(came, source, NOW_MS)).toMatchObject({ read: { id: 'evt_1', idKind: 'unsigned' } })
  })

  it.each(sent)('is refused for our lack of a secret, not for its own: $name', (scheme, of) => {
    for (const none of [undefined, '', '  ', [undefined, '']]) {
      expect(reasonOf(defineSource(provider(scheme), { secret: none }), of(''))).toBe('no_secret')
    }
  })

  it('fails without the header, and with it twice', () => {
    expect(reasonOf(sourceOf(bare), request([]))).toBe('missing_header')
    expect(reasonOf(sourceOf(bare), request(['x-token', SECRET, 'X-TOKEN', SECRET]))).toBe('duplicate_header')
    expect(reasonOf(sourceOf(bare), request(['x-token', '']))).toBe('secret_mismatch')
  })

  it('passes with the word before the token in any case, and one space or more', () => {
    for (const word of ['Bearer ', 'bearer ', 'BEARER   ']) {
      expect(reasonOf(sourceOf(bearer), request(['authorization', word + SECRET]))).toBe('ok')
    }
    for (const word of ['', 'Bearer', 'Bearer\t', 'Basic ', 'Bearer: ', 'Bearers ']) {
      expect(reasonOf(sourceOf(bearer), request(['authorization', word + SECRET]))).toBe('malformed_header')
    }
  })

  it('in basic authentication is the user and the password together, whatever they hold', () => {
    const source = sourceOf(basic, 'ü:a:b, with two colons')
    const header = (text: string): WebhookRequest => request(['authorization', `Basic ${text}`])
    const written = Buffer.from('ü:a:b, with two colons').toString('base64')
    expect(reasonOf(source, header(written))).toBe('ok')
    expect(reasonOf(source, header(`${written}!`))).toBe('bad_encoding')
    expect(reasonOf(source, header(Buffer.from('x:a:b, with two colons').toString('base64')))).toBe(
      'secret_mismatch',
    )
  })
})

describe('a secret in the body', () => {
  const source = sourceOf(inBody)
  const cases: readonly [Reason | 'ok', string][] = [
    ['ok', `{"auth":{"pass":"${SECRET.replace('s', '\\u0073')}"}}`],
    ['ok', `\ufeff{"auth":{"pass":"${SECRET}"}}`],
    ['ok', `{"auth":{"p\\u0061ss":"${SECRET}"}}`],
    ['duplicate_secret', `{"auth":{"pass":"${SECRET}","pass":"${SECRET}"}}`],
    ['duplicate_secret', `{"auth":{"pass":"x","p\\u0061ss":"${SECRET}"}}`],
    ['duplicate_secret', `{"auth":{"pass":"x"},"auth":{"pass":"${SECRET}"}}`],
    ['missing_secret', `{"auth":"${SECRET}"}`],
    ['missing_secret', `{"pass":"${SECRET}"}`],
    ['missing_secret', `{"auth":{"in":{"pass":"${SECRET}"}}}`],
    ['missing_secret', `[{"auth":{"pass":"${SECRET}"}}]`],
    ['missing_secret', `{"__proto__":{"auth":{"pass":"${SECRET}"}}}`],
    ['missing_secret', `{"auth":{"pass":["${SECRET}"]}}`],
    ['missing_secret', '{"auth":{"pass":1}}'],
    ['missing_secret', '{"auth":{"pass":null}}'],
    ['missing_secret', `{"auth":{"pass":"${SECRET}"}`],
    ['missing_secret', `auth[pass]=${SECRET}`],
    ['missing_secret', ''],
    ['secret_mismatch', '{"auth":{"pass":""}}'],
    ['secret_mismatch', `{"auth":{"pass":"${SECRET}\\u0000"}}`],
  ]
  it.each(cases)('is %s in %s', (reason, body) => expect(reasonOf(source, request([], body))).toBe(reason))

  it('is cut out of what is read, kept and shown, and the digest outlives its rotation', async () => {
    const of = (secret: string): WebhookRequest =>
      request([], `{ "auth" : { "pass" : "${secret}" }, "type":"t" }`)
    const rotated = sourceOf(inBody, [SECRET, OLD])
    const [first, again] = [SECRET, OLD].map((secret) => verifyRequest(of(secret), rotated, NOW_MS))
    expect(first).toMatchObject({ ok: true, read: { data: { auth: { pass: '[redacted]' }, type: 't' } } })
    expect(again).toMatchObject({ ok: true, read: first?.ok ? first.read : {}, secretIndex: 1 })
    const verdict = await verify(of(SECRET), rotated, { now: () => NOW_MS })
    expect(verdict.ok && Buffer.from(verdict.event.body).toString()).toBe(
      '{ "auth" : { "pass" : "[redacted]" }, "type":"t" }',
    )
    expect(inspect(verdict, { depth: null })).not.toContain(SECRET)
  })
})

describe('what is kept of a request', () => {
  it('is without the header, in any case and however often, and else byte for byte', () => {
    const came = request(['A', '1', 'x-TOKEN', SECRET, 'B', '2', 'X-Token', 'x', 'x-tokens', '3'])
    const kept = withoutStaticSecrets([{ scheme: bare }], came)
    expect(kept).toEqual({ ...came, headers: ['A', '1', 'B', '2', 'x-tokens', '3'] })
    expect(kept.body).toBe(came.body)
  })

  it('is without a body that cannot be read for its secret', () => {
    expect(
      withoutStaticSecrets([{ scheme: inBody }], request([], `{"auth":{"pass":"${SECRET}"`)).body,
    ).toHaveLength(0)
  })

  it('of a refused one is also without the secret in a wrong place', () => {
    const { schemes } = sourceOf(inBody, ['a/secret for "all" places', OLD])
    const stray = withoutStraySecrets(schemes, {
      method: 'POST',
      url: `/webhooks/sample?pass=${encodeURIComponent('a/secret for "all" places')}`,
      headers: ['x-pass', `Bearer ${OLD}`, 'x-other', '1'],
      body: Buffer.from('{"pass":"a\\/secret for \\"\\u0061ll\\" places"}'),
    })
    expect(stray).toEqual({
      method: 'POST',
      url: '[redacted]',
      headers: ['x-other', '1'],
      body: new Uint8Array(),
    })
    const path = sourceOf(inBody, 'a/secret-in-a-path').schemes
    expect(withoutStraySecrets(path, { ...request([]), url: '/x?a/secret-in-a-path' }).url).toBe('[redacted]')
    const plain = request(['x', '1'], '{"auth":{"pass":"a wrong one"},"a":1}')
    expect(Buffer.from(withoutStraySecrets(schemes, plain).body).toString()).toBe(
      '{"auth":{"pass":"[redacted]"},"a":1}',
    )
  })

  it('of a refused one is without a body of more than 64 KiB', () => {
    const of = (length: number): number =>
      withoutStraySecrets(sourceOf(bare).schemes, request([], Buffer.alloc(length, 'x'))).body.length
    expect([of(65_536), of(65_537)]).toEqual([65_536, 0])
  })

  it('under a signature is all of it', () => {
    const came = request(['authorization', 'x'])
    expect(withoutStraySecrets(sourceOf(hmac).schemes, came)).toEqual(came)
  })

  it('never holds the secret, wherever a refused request has it', () => {
    const secret = fc.stringMatching(/^[a-zA-Z0-9"\\ü+/ ]{8,20}$/).map((text) => `S${text}S`)
    fc.assert(
      fc.property(secret, fc.jsonValue(), fc.string(), (own, value, name) => {
        const body = JSON.stringify({ value, [name]: { deep: [`before ${own} after`] } })
        const kept = withoutStraySecrets(sourceOf(inBody, own).schemes, request(['x-any', own], body))
        expect(kept.headers).toEqual([])
        expect(JSON.stringify(JSON.parse(Buffer.from(kept.body).toString() || 'null'))).not.toContain(own)
      }),
    )
  })
})

describe('two secrets of one source', () => {
  const both = provider(hmac, { ...bearer, verifiedBy: 'accessToken' })
  const token = ['authorization', `Bearer ${SECRET}`]
  const signature = Object.entries(sign(sourceOf(hmac, SIGNING), { body: BODY, nowMs: NOW_MS })).flat()
  const configured = defineSource(both, { secret: SIGNING, otherSecrets: { accessToken: SECRET } })

  it('must both be satisfied', () => {
    expect(verifyRequest(request([...token, ...signature]), configured, NOW_MS)).toMatchObject({
      ok: true,
      scheme: 'hmac+bearer',
      secretIndex: 0,
    })
    expect(reasonOf(configured, request(token))).toBe('missing_header')
    expect(reasonOf(configured, request(signature))).toBe('missing_header')
    expect(reasonOf(configured, request([...token, 'x-signature', '00'.repeat(32)]))).toBe(
      'signature_mismatch',
    )
    expect(reasonOf(configured, request(['authorization', 'Bearer x', ...signature]))).toBe('secret_mismatch')
  })

  it('are each enough where the other is not configured', () => {
    const signs = defineSource(both, { secret: SIGNING })
    const sends = defineSource(both, { otherSecrets: { accessToken: ['', SECRET] } })
    expect([request(signature), request(token)].map((came) => reasonOf(signs, came))).toEqual([
      'ok',
      'missing_header',
    ])
    expect([request(signature), request(token)].map((came) => reasonOf(sends, came))).toEqual([
      'missing_header',
      'ok',
    ])
    expect(reasonOf(defineSource(both), request([...token, ...signature]))).toBe('no_secret')
  })

  it('where one request is stale and has the wrong token, it is not taken for authentic', () => {
    const timed: Scheme = {
      ...hmac,
      timestamp: { in: { header: 'x-time' }, unit: 'seconds' },
      content: ['timestamp', 'body'],
    }
    const source = defineSource(provider(timed, { ...bearer, verifiedBy: 'accessToken' }), {
      secret: SIGNING,
      otherSecrets: { accessToken: SECRET },
    })
    const old = Object.entries(
      sign(sourceOf(timed, SIGNING), { body: BODY, nowMs: NOW_MS - 3_600_000 }),
    ).flat()
    expect(reasonOf(source, request([...old, 'authorization', 'Bearer x']))).toBe('secret_mismatch')
    expect(reasonOf(source, request([...old, ...token]))).toBe('stale')
  })

  it('must be two', () => {
    const same = { secret: SECRET, otherSecrets: { accessToken: [OLD, SECRET] } }
    expect(() => defineSource(both, same)).toThrow(expect.objectContaining({ code: 'bad_secret' }))
    expect(() => withSecret(configured, SECRET)).toThrow(/same secret/)
  })

  it('are rotated apart', () => {
    const renewed = withSecret(configured, [OLD, SIGNING])
    expect(verifyRequest(request([...token, ...signature]), renewed, NOW_MS)).toMatchObject({
      ok: true,
      secretIndex: 1,
    })
  })

  it('under a name that no scheme has are refused', () => {
    for (const otherSecrets of [{ token: SECRET }, { secret: SECRET }]) {
      expect(() => defineSource(both, { otherSecrets })).toThrow(
        expect.objectContaining({ code: 'bad_config' }),
      )
    }
  })
})

describe('a source with a static secret', () => {
  it('is refused where another of its schemes signs with the same secret', () => {
    expect(() => defineSource(provider(hmac, bare))).toThrow(/must have another than 'hmac' signs with/)
    expect(() => defineSource(provider({ ...hmac, verifiedBy: 'x' }, { ...bare, verifiedBy: 'x' }))).toThrow(
      /another/,
    )
    expect(() => defineSource(provider(bearer, bare))).not.toThrow()
  })

  it.each([
    ['no place', { json: [] }],
    ['a header that is none', { header: 'x token' }],
    ['a header in capitals', { header: 'X-Token' }],
    ['an empty header', { header: '' }],
    ['a word of two', { header: 'x-token', authScheme: 'Bearer x' }],
  ])('is refused with %s', (_, secret) => {
    expect(() => sourceOf({ ...bare, secret })).toThrow(expect.objectContaining({ code: 'bad_scheme' }))
  })

  it.each([
    [bare, `${SECRET}\n`],
    [bare, ` ${SECRET}`],
    [bare, 'with a tab\tin it'],
    [bare, 'ü, which clients write in two ways'],
    [bare, 'a NUL \0 in it'],
    [inBody, `${SECRET}\r\n`],
    [inBody, 'a NUL \0 in it'],
    [basic, `user:${SECRET}\n`],
  ])('is refused with a secret that no request could carry: $name', (scheme, secret) => {
    expect(() => sourceOf(scheme, secret)).toThrow(expect.objectContaining({ code: 'bad_secret' }))
    expect(() => sourceOf(scheme, [SECRET, secret])).toThrow(/line break/)
    expect(() => sourceOf(scheme, secret)).not.toThrow(secret)
  })

  it('takes any text that a body can carry', () => {
    expect(() => sourceOf(inBody, 'pässwörd "🎉" \\')).not.toThrow()
  })

  it('warns that nothing is signed, and of a secret that may be guessed', () => {
    expect(sourceOf(bare).warnings).toEqual([expect.stringMatching(/whoever sees one can send others/)])
    expect(sourceOf(bare, 'short').warnings).toHaveLength(2)
    expect(sourceOf(bare, '').warnings).toEqual([])
    expect(sourceOf(hmac).warnings).toEqual([])
    expect(withSecret(sourceOf(bare, ''), SECRET).warnings).toHaveLength(1)
  })

  it('shows its secret to nobody who looks at it', () => {
    for (const [scheme] of sent) {
      const source = sourceOf(scheme)
      const shown = inspect(source, { depth: null, showHidden: true }) + JSON.stringify(source)
      expect(shown).not.toContain(SECRET)
      expect(shown).not.toContain(Buffer.from(SECRET).toString('base64'))
    }
  })

  it('shares its secret with no other source', () => {
    const own = (scheme: Scheme, secret: Secret = SECRET): Source => sourceOf(scheme, secret)
    const named = (...sources: readonly Source[]): [string, Source][] =>
      sources.map((source, index) => [`s${index}`, source])
    expect(sharedStaticSecret(named(own(hmac), own(bare)))).toEqual(['s0', 's1'])
    expect(sharedStaticSecret(named(own(bare), own(hmac, OLD), own(hmac, [SIGNING, SECRET])))).toEqual([
      's0',
      's2',
    ])
    expect(sharedStaticSecret(named(own(bare), own(inBody)))).toEqual(['s0', 's1'])
    const hex: Scheme = { ...hmac, key: { as: 'hex' } }
    expect(sharedStaticSecret(named(own(hex, 'ab'.repeat(16)), own(bare, 'ab'.repeat(16))))).toEqual([
      's0',
      's1',
    ])
    expect(sharedStaticSecret(named(own(hmac), own(hmac)))).toBeUndefined()
    expect(sharedStaticSecret(named(own(hmac), own(bare, OLD), own(bearer, SIGNING)))).toBeUndefined()
    expect(sharedStaticSecret(named(own(bare, ''), own(hmac, '')))).toBeUndefined()
  })
})

describe('signRequest is the inverse', () => {
  it.each(sent)('for $name', (scheme, of) => {
    const source = sourceOf(scheme, [SECRET, OLD])
    const made = signRequest(source, { body: BODY, nowMs: NOW_MS })
    const byHand = of(SECRET)
    expect(Buffer.from(made.body).equals(byHand.body)).toBe(true)
    const lowerCase = byHand.headers.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text))
    expect(Object.entries(made.headers).flat()).toEqual(lowerCase)
  })

  it('after the data has been JSON, and with any text', () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((each) => /^\S(?:\P{Cc}*\S)?$/u.test(each))
    fc.assert(
      fc.property(text, fc.constantFrom(inBody, basic), (secret, scheme) => {
        const source = sourceOf(JSON.parse(JSON.stringify(scheme)) as Scheme, secret)
        const { headers, body } = signRequest(source, { body: BODY, nowMs: NOW_MS })
        expect(reasonOf(source, request(Object.entries(headers).flat(), body))).toBe('ok')
      }),
    )
  })

  it('for both of two secrets, the signature over the body as it is sent', () => {
    const two = provider(hmac, { ...inBody, verifiedBy: 'passcode' })
    const source = defineSource(two, { secret: SIGNING, otherSecrets: { passcode: SECRET } })
    const { headers, body } = signRequest(source, { body: BODY, nowMs: NOW_MS })
    expect(Object.keys(headers)).toEqual(['x-signature'])
    expect(reasonOf(source, request(Object.entries(headers).flat(), body))).toBe('ok')
  })

  it('and sign answers the same headers, and refuses where the body would have to change', () => {
    expect(sign(sourceOf(bearer), { body: BODY, nowMs: NOW_MS })).toEqual({
      authorization: `Bearer ${SECRET}`,
    })
    expect(() => sign(sourceOf(inBody), { body: BODY, nowMs: NOW_MS })).toThrow(/signRequest/)
  })

  it.each(['{}', '[]', '', '{"auth":{"pass":"","pass":""}}'])(
    'and has no place for a secret in %j',
    (body) => {
      expect(() => signRequest(sourceOf(inBody), { body, nowMs: NOW_MS })).toThrow(/auth\.pass once/)
    },
  )

  it('and says where there is no secret', () => {
    const none = expect.objectContaining({ code: 'no_secret' })
    expect(() => signRequest(sourceOf(bare, ''), { body: BODY, nowMs: NOW_MS })).toThrow(none)
  })
})
