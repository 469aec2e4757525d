import { createHmac, createPublicKey, sign as signBytes } from 'node:crypto'
import * as jose from 'jose'
import { describe, expect, it } from 'vitest'
import { RFC_7515_KEYS, RFC_7515_TOKEN, RFC_7517_KEYS } from '../../../../test/support/rfc-keys.ts'
import type { KeyFetch } from './fetched-keys.ts'
import { defineFetchingSource } from './fetching-source.ts'
import type { Provider } from './provider.ts'
import type { TokenScheme } from './scheme.ts'
import type { KeyedSourceOptions } from './source-options.ts'
import type { Source } from './source.ts'
import { bearerTokens, type Jose } from './token-method.ts'
import { verify, verifyRequest, type Verdict } from './verify.ts'

const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const NOW = NOW_MS / 1000
const MINUTE_MS = 60_000
const AUDIENCE = 'https://example.com/push'
const KEYS_URL = 'https://keys.example/oauth2/v3/certs'
const BODY = '{"id":"1"}'

const own = RFC_7515_KEYS
const stranger = RFC_7517_KEYS
const OWN_KEY = { ...own.publicJwk, kid: 'own', use: 'sig', alg: 'RS256' }
const SET = { keys: [OWN_KEY] }

const scheme: TokenScheme = {
  name: 'own-tokens',
  algorithm: 'jwt',
  token: { header: 'authorization', authScheme: 'Bearer' },
  keysUrl: KEYS_URL,
  issuers: ['https://issuer.example', 'issuer.example'],
  claims: { email: ['first@sample.example', 'push@sample.example'], email_verified: true },
  maxAgeSeconds: 3600,
  timestamp: { toleranceSeconds: 300 },
}

const CLAIMS = {
  iss: 'https://issuer.example',
  aud: AUDIENCE,
  email: 'push@sample.example',
  email_verified: true,
  iat: NOW,
  exp: NOW + 3600,
}

interface Given extends Partial<TokenScheme> {
  readonly jose?: Jose
  readonly fetch?: KeyFetch
  readonly options?: KeyedSourceOptions
}

function sourceOf({ jose: reader = jose, fetch = serving(), options, ...parts }: Given = {}): Source {
  const envelope = { name: 'own', id: [{ json: ['id'] }], defaultType: 'message' }
  const schemes = [{ ...scheme, ...parts }]
  const provider: Provider = { name: 'own', title: 'Own', schemes, envelopes: [envelope] }
  return defineFetchingSource([bearerTokens(reader, { fetch })], provider, { secret: AUDIENCE, ...options })
}

function serving(set: unknown = SET, asked: string[] = []): KeyFetch {
  return (url) => {
    asked.push(url)
    return Promise.resolve(new Response(typeof set === 'string' ? set : JSON.stringify(set)))
  }
}

function requestOf(authorization: string | readonly string[]): { headers: string[]; body: Uint8Array } {
  const headers = [authorization].flat().flatMap((value) => ['Authorization', value])
  return { headers: ['X-Before', '1', ...headers, 'X-After', '2'], body: Buffer.from(BODY) }
}

function arriveAt(
  source: Source,
  authorization: string | readonly string[],
  nowMs = NOW_MS,
): Promise<Verdict> {
  return verify(requestOf(authorization), source, { now: () => nowMs })
}

const arrive = (authorization: string | readonly string[], given?: Given): Promise<Verdict> =>
  arriveAt(sourceOf(given), authorization)

const base64url = (text: string): string => Buffer.from(text).toString('base64url')

/** A token in the compact form (RFC 7515 §3.1), signed with RS256 by hand: what reads it is not what wrote it. */
function bearer(changes: object = {}, header: object = {}, { privateKey } = own): string {
  const parts = [
    { alg: 'RS256', kid: 'own', typ: 'JWT', ...header },
    { ...CLAIMS, ...changes },
  ]
  const content = parts.map((part) => base64url(JSON.stringify(part))).join('.')
  return `Bearer ${content}.${signBytes('sha256', Buffer.from(content), privateKey).toString('base64url')}`
}

const ok = { ok: true }
const refused = (reason: string): unknown => ({ ok: false, reason })

describe('a token', () => {
  it('by the issuer, for the audience, is accepted, and kept nowhere', async () => {
    expect(await arrive(bearer())).toEqual({
      ok: true,
      scheme: 'own-tokens',
      secretIndex: 0,
      event: {
        source: 'own',
        id: '1',
        type: 'message',
        created: undefined,
        data: { id: '1' },
        body: Buffer.from(BODY),
        headers: ['X-Before', '1', 'X-After', '2'],
      },
    })
    expect(await arrive(bearer({ iss: 'issuer.example' }))).toMatchObject(ok)
  })

  it.each(['bearer', 'BEARER'])('follows its word in letters of either case: %s', async (word) => {
    expect(await arrive(bearer().replace('Bearer', word))).toMatchObject(ok)
    expect(await arrive(bearer(), { token: { header: 'authorization', authScheme: word } })).toMatchObject(ok)
  })

  it('may be in another header, which is not kept either', async () => {
    const source = sourceOf({ token: { header: 'x-after', authScheme: 'JWT' } })
    const { headers, body } = requestOf([])
    const token = bearer().replace('Bearer', 'JWT')
    const sent = headers.map((text) => (text === '2' ? token : text))
    expect(await verify({ headers: sent, body }, source, { now: () => NOW_MS })).toMatchObject({
      ok: true,
      event: { headers: ['X-Before', '1'] },
    })
  })

  it.each([
    ['another audience', { aud: 'https://evil.example' }],
    ['no audience', { aud: undefined }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['an issuer that only begins so', { iss: 'https://issuer.example.evil.example' }],
    ['no issuer', { iss: undefined }],
    ['no end', { exp: undefined }],
    ['no beginning', { iat: undefined }],
    ['a beginning that is no number', { iat: String(NOW) }],
    ['a time before which it is none that is no number', { nbf: String(NOW) }],
  ])('with %s is not for us', async (_, changes) => {
    expect(await arrive(bearer(changes))).toEqual(refused('not_for_us'))
  })

  it('that RFC 7515 prints is one of its key, and is for nobody', async () => {
    expect(await arrive(`Bearer ${RFC_7515_TOKEN}`)).toEqual(refused('not_for_us'))
    const [header, , signature] = RFC_7515_TOKEN.split('.') as [string, string, string]
    expect(await arrive(`Bearer ${header}.${base64url('{"iss":"joe"}')}.${signature}`)).toEqual(
      refused('signature_mismatch'),
    )
  })

  it('by another key, or changed, is refused', async () => {
    expect(await arrive(bearer({}, {}, stranger))).toEqual(refused('signature_mismatch'))
    const [header, , signature] = bearer().split('.') as [string, string, string]
    const forged = base64url(JSON.stringify({ ...CLAIMS, email: 'first@sample.example' }))
    expect(await arrive(`${header}.${forged}.${signature}`)).toEqual(refused('signature_mismatch'))
  })

  // The classics: no signature, and the public key as the secret of an HMAC (CVE-2015-9235).
  it('of another algorithm than the scheme’s is none', async () => {
    const none = bearer({}, { alg: 'none' }).split('.').slice(0, 2).join('.')
    expect(await arrive(`${none}.`)).toEqual(refused('malformed_header'))
    expect(await arrive(`${none}.AAAA`)).toEqual(refused('malformed_header'))
    const content = bearer({}, { alg: 'HS256' }).split('.').slice(0, 2).join('.')
    const key = createPublicKey({ key: own.publicJwk, format: 'jwk' })
    const pem = key.export({ type: 'spki', format: 'pem' }).toString()
    const mac = createHmac('sha256', pem).update(content.slice('Bearer '.length)).digest('base64url')
    expect(await arrive(`${content}.${mac}`)).toEqual(refused('malformed_header'))
    expect(await arrive(bearer({}, { alg: 'RS512' }))).toEqual(refused('malformed_header'))
  })

  it('brings no key of its own: no address and no certificate in it is looked at', async () => {
    const asked: string[] = []
    for (const header of [
      { jwk: stranger.publicJwk },
      { jku: 'https://evil.example/keys' },
      { x5u: 'https://evil.example/a.pem' },
    ]) {
      expect(await arrive(bearer({}, header, stranger), { fetch: serving(SET, asked) })).toEqual(
        refused('signature_mismatch'),
      )
    }
    expect(new Set(asked)).toEqual(new Set([KEYS_URL]))
  })

  it.each([
    ['no base64url', 'Bearer A.B.C'],
    ['no JSON', `Bearer ${['{', '{', 'x'].map(base64url).join('.')}`],
    ['a list', `Bearer ${['[]', '[]', 'x'].map(base64url).join('.')}`],
    ['a critical header that nobody knows', bearer({}, { crit: ['exp'], exp: 1 })],
  ])('that holds %s is refused, not thrown', async (_, value) => {
    expect(await arrive(value)).toEqual(refused('malformed_header'))
  })
})

describe('the audiences of a source', () => {
  const both = (...secret: readonly string[]): Given => ({ options: { secret } })

  it('are alternatives, and it is said which one it was', async () => {
    expect(await arrive(bearer(), both('another', AUDIENCE))).toMatchObject({ ok: true, secretIndex: 1 })
    expect(await arrive(bearer({ aud: 'third' }), both('another', AUDIENCE))).toEqual(refused('not_for_us'))
  })

  it('say why the token for one of them is refused, wherever that one stands', async () => {
    const old = bearer({ exp: NOW - 300 })
    expect(await arrive(old, both('another', AUDIENCE))).toEqual(refused('stale'))
    expect(await arrive(old, both(AUDIENCE, 'another'))).toEqual(refused('stale'))
  })

  it('may be short, since they are no secrets', () => {
    expect(sourceOf(both('a')).warnings.join('\n')).not.toContain('shorter')
  })

  it('are needed', async () => {
    const asked: string[] = []
    const source = sourceOf({ fetch: serving(SET, asked), options: { secret: undefined } })
    expect(await arriveAt(source, bearer())).toEqual(refused('no_secret'))
    expect(asked).toEqual([])
  })
})

describe('the claims of a token', () => {
  it.each<[string, object]>([
    ['are each one of those wanted', { email: 'first@sample.example' }],
    ['may be a list that has one of those wanted', { email: ['other', 'push@sample.example'] }],
  ])('%s', async (_, changes) => {
    expect(await arrive(bearer(changes))).toMatchObject(ok)
  })

  it.each<[string, object]>([
    ['is another', { email: 'evil@other.example' }],
    ['is absent', { email: undefined }],
    ['is a list of others', { email: ['evil@other.example'] }],
    ['is an empty list', { email: [] }],
    ['only begins so', { email: 'push@sample.example.evil' }],
    ['is false', { email_verified: false }],
    ['is true in words', { email_verified: 'true' }],
  ])('are refused where one %s: it is not for us', async (_, changes) => {
    expect(await arrive(bearer(changes))).toEqual(refused('not_for_us'))
    // Nor is it however old: what was never for us is not kept as genuine.
    expect(await arrive(bearer({ ...changes, iat: NOW - 7200, exp: NOW - 3600 }))).toEqual(
      refused('not_for_us'),
    )
    expect(await arrive(bearer({ ...changes, iat: NOW + 301 }))).toEqual(refused('not_for_us'))
  })

  it('are anything where the scheme wants none', async () => {
    const { claims: _, ...unclaimed } = scheme
    const provider: Provider = { name: 'own', title: 'Own', schemes: [unclaimed], envelopes: [] }
    const methods = [bearerTokens(jose, { fetch: serving() })]
    const source = defineFetchingSource(methods, provider, { secret: AUDIENCE })
    expect(await arriveAt(source, bearer({ email: undefined }))).toMatchObject(ok)
    expect(await arriveAt(source, bearer({ exp: NOW - 300 }))).toEqual(refused('stale'))
  })
})

describe('the times of a token', () => {
  it.each<[string, object, unknown]>([
    ['accepted until it has ended', { exp: NOW - 299 }, expect.objectContaining(ok)],
    ['stale once it has', { exp: NOW - 300 }, refused('stale')],
    ['accepted for an hour', { iat: NOW - 3900, exp: NOW + 9000 }, expect.objectContaining(ok)],
    ['stale after that, whatever it says', { iat: NOW - 3901, exp: NOW + 9000 }, refused('stale')],
    ['accepted a little before it was issued', { iat: NOW + 300 }, expect.objectContaining(ok)],
    ['of the future before that', { iat: NOW + 301 }, refused('future')],
    ['accepted a little before it begins', { nbf: NOW + 300 }, expect.objectContaining(ok)],
    ['of the future before it begins', { nbf: NOW + 301 }, refused('future')],
  ])('make it %s', async (_, changes, expected) => {
    expect(await arrive(bearer(changes))).toEqual(expected)
  })

  it('are taken with the tolerance of the source, where it has one', async () => {
    const strict: Given = { options: { toleranceSeconds: 0 } }
    expect(await arrive(bearer({ exp: NOW }), strict)).toEqual(refused('stale'))
    expect(await arrive(bearer({ exp: NOW + 1 }), strict)).toMatchObject(ok)
    expect(await arrive(bearer({ iat: NOW + 1 }), strict)).toEqual(refused('future'))
  })
})

describe('a header that holds no token', () => {
  const token = bearer().slice('Bearer '.length)

  it.each([
    ['nothing', ''],
    ['a word', 'Bearer'],
    ['another word', `Basic ${token}`],
    ['a word that only begins so', `Bearers ${token}`],
    ['no word', token],
    ['an empty word', ` ${token}`],
    ['two spaces', `Bearer  ${token}`],
    ['something after it', `Bearer ${token} x`],
    ['a space after it', `Bearer ${token} `],
    ['one part', 'Bearer a'],
    ['two parts', 'Bearer a.b'],
    ['four parts', `Bearer ${token}.x`],
    ['a part before it that is none', `Bearer !.${token}`],
    ['a part after it that is none', `Bearer ${token}.!`],
    ['padding', `Bearer ${token}=`],
    ['an empty first part', 'Bearer .b.c'],
    ['an empty second part', 'Bearer a..c'],
    ['an empty third part', 'Bearer a.b.'],
    ['other letters', 'Bearer é.é.é'],
    ['too much', `Bearer ${'a'.repeat(8189)}.b.c`],
  ])('but %s is refused before anything is fetched', async (_, value) => {
    const asked: string[] = []
    expect(await arrive(value, { fetch: serving(SET, asked) })).toEqual(refused('malformed_header'))
    expect(asked).toEqual([])
  })

  it('but 8,192 characters of the right form is read', async () => {
    const asked: string[] = []
    const longest = `Bearer ${'a'.repeat(8188)}.b.c`
    expect(await arrive(longest, { fetch: serving(SET, asked) })).toEqual(refused('malformed_header'))
    expect(asked).toEqual([KEYS_URL])
  })

  it('is told apart from none, and from two', async () => {
    const asked: string[] = []
    const fetch = serving(SET, asked)
    expect(await arrive([], { fetch })).toEqual(refused('missing_header'))
    expect(await arrive([bearer(), bearer()], { fetch })).toEqual(refused('duplicate_header'))
    expect(asked).toEqual([])
  })

  it('is looked at after the headers that have to be there', async () => {
    const asked: string[] = []
    const source = sourceOf({ fetch: serving(SET, asked), required: { 'x-after': '2', 'x-kind': 'push' } })
    expect(await arriveAt(source, bearer())).toEqual(refused('missing_header'))
    const { headers, body } = requestOf(bearer())
    const other = { headers: [...headers, 'x-kind', 'pull'], body }
    expect(await verify(other, source, { now: () => NOW_MS })).toEqual(refused('malformed_header'))
    expect(asked).toEqual([])
    const complete = { headers: [...headers, 'x-kind', 'push'], body }
    expect(await verify(complete, source, { now: () => NOW_MS })).toMatchObject(ok)
  })
})

describe('the keys of an issuer', () => {
  const newKey = { ...stranger.publicJwk, kid: 'new', use: 'sig', alg: 'RS256' }
  const renewed = (changes: object = {}): string => bearer(changes, { kid: 'new' }, stranger)

  it('are fetched again, once a minute, for a name that is not among them', async () => {
    const asked: string[] = []
    const rotating: KeyFetch = (url, init) =>
      serving(asked.length === 0 ? SET : { keys: [newKey] }, asked)(url, init)
    const source = sourceOf({ fetch: rotating })
    expect(await arriveAt(source, bearer())).toMatchObject(ok)
    expect(await arriveAt(source, renewed(), NOW_MS + MINUTE_MS - 1)).toEqual(refused('unknown_key'))
    expect(asked).toHaveLength(1)
    expect(await arriveAt(source, renewed(), NOW_MS + MINUTE_MS)).toMatchObject(ok)
    for (let number = 0; number < 10; number += 1) {
      const madeUp = bearer({}, { kid: `made-up-${number}` })
      expect(await arriveAt(source, madeUp, NOW_MS + MINUTE_MS + 1000)).toEqual(refused('unknown_key'))
    }
    expect(asked).toHaveLength(2)
  })

  it('say by the renewed ones why a token is refused', async () => {
    const asked: string[] = []
    const rotating: KeyFetch = (url, init) =>
      serving(asked.length === 0 ? SET : { keys: [newKey] }, asked)(url, init)
    const source = sourceOf({ fetch: rotating })
    await arriveAt(source, bearer())
    expect(await arriveAt(source, renewed({ exp: NOW - 600 }), NOW_MS + MINUTE_MS)).toEqual(refused('stale'))
  })

  it('are not fetched again for what they could tell', async () => {
    const asked: string[] = []
    const source = sourceOf({ fetch: serving(SET, asked) })
    await arriveAt(source, bearer())
    expect(await arriveAt(source, bearer(), NOW_MS + MINUTE_MS)).toMatchObject(ok)
    expect(await arriveAt(source, bearer({}, {}, stranger), NOW_MS + MINUTE_MS)).toEqual(
      refused('signature_mismatch'),
    )
    expect(asked).toHaveLength(1)
  })

  it('are tried once where they could not be renewed', async () => {
    let read = 0
    const counting: Jose = {
      createLocalJWKSet: (set) => jose.createLocalJWKSet(set),
      jwtVerify: (token, key, options) => {
        read += 1
        return jose.jwtVerify(token, key, options)
      },
    }
    const source = sourceOf({ jose: counting })
    expect(await arriveAt(source, renewed())).toEqual(refused('unknown_key'))
    expect(read).toBe(1)
  })

  it('are told apart by their names: of two that a token could mean none is taken', async () => {
    const { kid: _, ...nameless } = OWN_KEY
    const set = { keys: [nameless, { ...nameless, n: newKey.n }] }
    expect(await arrive(bearer({}, { kid: undefined }), { fetch: serving(set) })).toEqual(
      refused('unknown_key'),
    )
  })

  it('are up to 32', async () => {
    const others = (count: number): object[] => Array.from({ length: count }, () => newKey)
    const fetch = serving({ keys: [...others(31), OWN_KEY] })
    expect(await arrive(bearer(), { fetch })).toMatchObject(ok)
    const tooMany = serving({ keys: [...others(32), OWN_KEY] })
    expect(await arrive(bearer(), { fetch: tooMany })).toEqual(refused('key_unavailable'))
  })

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['a page', '<html>'],
    ['null', 'null'],
    ['a list without a name', '[]'],
    ['no list', '{"keys":{}}'],
    ['an empty list', '{"keys":[]}'],
    ['a text', '{"keys":"RSA"}'],
    ['no keys', '{"keys":[1]}'],
    ['keys that are null', '{"keys":[null]}'],
    ['keys of no kind', '{"keys":[{}]}'],
    ['keys whose kind is no text', '{"keys":[{"kty":1}]}'],
    ['keys of which one is none', { keys: [OWN_KEY, { kty: 1 }] }],
  ])('that are %s are as good as none: the sender is asked to come again', async (_, set) => {
    expect(await arrive(bearer(), { fetch: serving(set) })).toEqual(refused('key_unavailable'))
  })
})

describe('a source of tokens', () => {
  it('says that bodies are not signed', () => {
    expect(sourceOf().warnings).toEqual([expect.stringMatching(/the body is not signed.*TLS/) as string])
  })

  it('says what can be said of a request before anything is fetched', () => {
    const reasonOf = (authorization: string | readonly string[]): unknown =>
      verifyRequest({ method: 'POST', url: '/', ...requestOf(authorization) }, sourceOf(), NOW_MS)
    expect(reasonOf(bearer())).toEqual(refused('key_unavailable'))
    expect(reasonOf([])).toEqual(refused('missing_header'))
    expect(reasonOf('Bearer a.b')).toEqual(refused('malformed_header'))
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['another package', {}],
    ['one that only reads tokens', { jwtVerify: jose.jwtVerify }],
    ['one that only reads keys', { createLocalJWKSet: jose.createLocalJWKSet }],
  ])('cannot be made with %s in place of the package that reads them', (_, other) => {
    expect(() => bearerTokens(other as Jose)).toThrow(
      expect.objectContaining({
        code: 'bad_config',
        message: expect.stringMatching(/npm install jose.*import \* as jose from 'jose'/) as string,
      }),
    )
  })

  // No version of `jose` has to say what a refused token claims.
  it('keeps no token as genuine where it cannot be seen for whom it was', async () => {
    const silent: Jose = {
      createLocalJWKSet: (set) => jose.createLocalJWKSet(set),
      jwtVerify: (token, key, options) =>
        jose.jwtVerify(token, key, options).catch((error: unknown) => {
          const { code, claim, reason } = error as Readonly<Record<string, unknown>>
          throw Object.assign(new Error('refused'), { code, claim, reason })
        }),
    }
    expect(await arrive(bearer(), { jose: silent })).toMatchObject(ok)
    expect(await arrive(bearer({ exp: NOW - 300 }), { jose: silent })).toEqual(refused('not_for_us'))
    expect(await arrive(bearer({ iat: NOW + 301 }), { jose: silent })).toEqual(refused('not_for_us'))
  })

  it('refuses a token whose reader fails in a way of its own', async () => {
    const failing: Jose = { ...jose, jwtVerify: () => Promise.reject(new Error('out of order')) }
    expect(await arrive(bearer(), { jose: failing })).toEqual(refused('malformed_header'))
  })

  it.each(['https://keys.example/', 'https://keys-1.example/a/B_~.9-'])('takes keys at %s', (keysUrl) => {
    expect(sourceOf({ keysUrl }).schemes).toHaveLength(1)
  })

  it.each([
    'http://keys.example/a',
    'xhttps://keys.example/a',
    'https://keys.example',
    'https:///a',
    'https://Keys.example/a',
    'https://keys.example:8443/a',
    'https://user@keys.example/a',
    'https://keys.example/a?b',
    'https://keys.example/a#b',
  ])('takes no keys at %s', (keysUrl) => {
    expect(() => sourceOf({ keysUrl })).toThrow(
      expect.objectContaining({
        code: 'bad_scheme',
        message: `own: scheme 'own-tokens' has keys at '${keysUrl}', which is no plain https address`,
      }),
    )
  })

  it('has an issuer', () => {
    expect(() => sourceOf({ issuers: [] })).toThrow(/names no issuer/)
  })

  it('takes tokens that are young enough at some time', async () => {
    for (const maxAgeSeconds of [0, -1, Number.NaN]) {
      expect(() => sourceOf({ maxAgeSeconds })).toThrow(/tokens that are never young enough/)
    }
    const given: Given = { maxAgeSeconds: 1, options: { toleranceSeconds: 0 } }
    expect(await arrive(bearer({ iat: NOW - 1 }), given)).toMatchObject(ok)
    expect(await arrive(bearer({ iat: NOW - 2 }), given)).toEqual(refused('stale'))
  })
})
