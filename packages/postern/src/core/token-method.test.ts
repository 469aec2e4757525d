import { createHmac, createPublicKey } from 'node:crypto'
import * as jose from 'jose'
import { describe, expect, it } from 'vitest'
import {
  RFC_7515_KEYS as own,
  RFC_7515_TOKEN,
  RFC_7517_KEYS as stranger,
} from '../../../../test/support/rfc-keys.ts'
import {
  arrive,
  arriveAt,
  AUDIENCE,
  base64url,
  bearer,
  BODY,
  CLAIMS,
  type Given,
  KEYS_URL,
  NOW,
  NOW_MS,
  requestOf,
  scheme,
  serving,
  SET,
  sourceOf,
} from '../../../../test/support/tokens.ts'
import { defineFetchingSource } from './fetching-source.ts'
import type { Provider } from './provider.ts'
import { bearerTokens } from './token-method.ts'
import { verify } from './verify.ts'

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
