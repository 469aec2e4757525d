import { createHmac, createPublicKey } from 'node:crypto'
import * as jose from 'jose'
import { describe, expect, it } from 'vitest'
import { makeCertificate } from '../../../../test/support/certificates.ts'
import { KEY_ID, ownCertificate, publicJwk, signToken } from '../../../../test/support/other-schemes.ts'
import { googlePubsub, type GooglePubsubOptions } from '../providers/google-pubsub.ts'
import type { KeyFetch } from './fetched-keys.ts'
import type { Jose } from './token-method.ts'
import { verify, type Verdict } from './verify.ts'

const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const NOW = NOW_MS / 1000
const AUDIENCE = 'https://example.com/push'
const { own } = ownCertificate()
const stranger = makeCertificate({ name: 'stranger.example' })

const CLAIMS = {
  iss: 'https://accounts.google.com',
  aud: AUDIENCE,
  email: 'push@sample.iam.gserviceaccount.com',
  email_verified: true,
  iat: NOW,
  exp: NOW + 3600,
}

const SET = { keys: [{ ...publicJwk(own), kid: KEY_ID, use: 'sig', alg: 'RS256' }] }

function serving(set: unknown = SET, asked: string[] = []): KeyFetch {
  return (url) => {
    asked.push(url)
    return Promise.resolve(new Response(typeof set === 'string' ? set : JSON.stringify(set)))
  }
}

function arrive(
  authorization: string | readonly string[],
  options: Partial<GooglePubsubOptions> = {},
  nowMs = NOW_MS,
): Promise<Verdict> {
  const source = googlePubsub({ jose, audience: AUDIENCE, fetch: serving(), ...options })
  const headers = [authorization].flat().flatMap((value) => ['Authorization', value])
  return verify({ headers, body: Buffer.from('{"message":{"messageId":"1"}}') }, source, { now: () => nowMs })
}

function bearer(changes: object = {}, header: object = {}, key = own.privateKey): string {
  return `Bearer ${signToken({ ...CLAIMS, ...changes }, header, key)}`
}

const refused = (reason: string): unknown => ({ ok: false, reason })

describe('a token', () => {
  it('by the issuer, for the audience, is accepted, and kept nowhere', async () => {
    const verdict = await arrive(bearer())
    expect(verdict).toMatchObject({ ok: true, scheme: 'google-oidc', event: { id: '1', type: 'message' } })
    expect(JSON.stringify(verdict)).not.toContain('eyJ')
    expect(await arrive(bearer({ iss: 'accounts.google.com' }))).toMatchObject({ ok: true })
    expect(await arrive(bearer().replace('Bearer', 'bearer'))).toMatchObject({ ok: true })
    expect(await arrive(bearer({ aud: 'second' }), { audience: [AUDIENCE, 'second'] })).toMatchObject({
      ok: true,
      secretIndex: 1,
    })
  })

  it.each([
    ['another audience', { aud: 'https://evil.example' }],
    ['no audience', { aud: undefined }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['an issuer that only begins so', { iss: 'https://accounts.google.com.evil.example' }],
    ['an address that is not verified', { email_verified: false }],
    ['an address that is verified in words', { email_verified: 'true' }],
    ['no end', { exp: undefined }],
    ['no beginning', { iat: undefined }],
  ])('with %s is not for us', async (_, changes) => {
    expect(await arrive(bearer(changes))).toEqual(refused('not_for_us'))
  })

  it('has to be of the service account that is configured', async () => {
    const options = { serviceAccount: CLAIMS.email }
    expect(await arrive(bearer(), options)).toMatchObject({ ok: true })
    expect(await arrive(bearer({ email: 'evil@other.iam.gserviceaccount.com' }), options)).toEqual(
      refused('not_for_us'),
    )
    expect(await arrive(bearer({ email: undefined }), options)).toEqual(refused('not_for_us'))
    expect(await arrive(bearer(), { serviceAccount: ['another', CLAIMS.email] })).toMatchObject({ ok: true })
    // However old: what was never for us is not kept as genuine.
    const old = bearer({ email: 'evil@other', iat: NOW - 7200, exp: NOW - 3600 })
    expect(await arrive(old, options)).toEqual(refused('not_for_us'))
  })

  it('is stale once it has ended, or was issued too long ago, and of the future before', async () => {
    expect(await arrive(bearer({ exp: NOW - 299 }))).toMatchObject({ ok: true })
    expect(await arrive(bearer({ exp: NOW - 300 }))).toEqual(refused('stale'))
    expect(await arrive(bearer({ iat: NOW - 3901, exp: NOW + 9000 }))).toEqual(refused('stale'))
    expect(await arrive(bearer({ iat: NOW + 301, exp: NOW + 3600 }))).toEqual(refused('future'))
    expect(await arrive(bearer({ nbf: NOW + 301 }))).toEqual(refused('future'))
  })

  it('by another key, or changed, is refused', async () => {
    expect(await arrive(bearer({}, {}, stranger.privateKey))).toEqual(refused('signature_mismatch'))
    const [header, , signature] = bearer().split('.') as [string, string, string]
    const forged = Buffer.from(JSON.stringify({ ...CLAIMS, email: 'evil' })).toString('base64url')
    expect(await arrive(`${header}.${forged}.${signature}`)).toEqual(refused('signature_mismatch'))
  })

  // The classics: no signature, and the public key as the secret of an HMAC (CVE-2015-9235).
  it('of another algorithm than the scheme’s is none', async () => {
    const none = bearer({}, { alg: 'none' })
    expect(await arrive(none.slice(0, none.lastIndexOf('.') + 1))).toEqual(refused('malformed_header'))
    expect(await arrive(none)).toEqual(refused('malformed_header'))
    const content = bearer({}, { alg: 'HS256' }).split('.').slice(0, 2).join('.')
    const pem = createPublicKey(own.certificate).export({ type: 'spki', format: 'pem' }).toString()
    const mac = createHmac('sha256', pem).update(content.slice('Bearer '.length)).digest('base64url')
    expect(await arrive(`${content}.${mac}`)).toEqual(refused('malformed_header'))
    expect(await arrive(bearer({}, { alg: 'RS512' }))).toEqual(refused('malformed_header'))
  })

  it('brings no key of its own: no address and no certificate in it is looked at', async () => {
    const asked: string[] = []
    const jwk = createPublicKey(stranger.certificate).export({ format: 'jwk' })
    for (const header of [
      { jwk },
      { jku: 'https://evil.example/keys' },
      { x5u: 'https://evil.example/a.pem' },
    ]) {
      expect(await arrive(bearer({}, header, stranger.privateKey), { fetch: serving(SET, asked) })).toEqual(
        refused('signature_mismatch'),
      )
    }
    expect(new Set(asked)).toEqual(new Set(['https://www.googleapis.com/oauth2/v3/certs']))
  })

  it('in another form is refused before anything is fetched', async () => {
    const asked: string[] = []
    const fetch = serving(SET, asked)
    const token = bearer().slice('Bearer '.length)
    for (const value of [
      '',
      'Bearer',
      `Basic ${token}`,
      token,
      `Bearer  ${token}`,
      `Bearer ${token} x`,
      `Bearer ${token}.x`,
      'Bearer a.b',
      'Bearer é.é.é',
      `Bearer ${'a'.repeat(9000)}.b.c`,
    ]) {
      expect([value, await arrive(value, { fetch })]).toEqual([value, refused('malformed_header')])
    }
    expect(await arrive([], { fetch })).toEqual(refused('missing_header'))
    expect(await arrive([bearer(), bearer()], { fetch })).toEqual(refused('duplicate_header'))
    expect(asked).toEqual([])
  })

  it.each([
    ['no base64url', 'Bearer A.B.C'],
    ['no JSON', `Bearer ${['{', '{', 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.')}`],
    [
      'a list',
      `Bearer ${['[]', '[]', 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.')}`,
    ],
    ['a critical header that nobody knows', bearer({}, { crit: ['exp'], exp: 1 })],
  ])('that holds %s is refused, not thrown', async (_, value) => {
    expect(await arrive(value)).toEqual(refused('malformed_header'))
  })
})

describe('the keys of an issuer', () => {
  it('are fetched again, once a minute, for a name that is not among them', async () => {
    const asked: string[] = []
    const other = { keys: [{ ...publicJwk(stranger), kid: 'new', use: 'sig', alg: 'RS256' }] }
    const rotating: KeyFetch = (url, init) => serving(asked.length === 0 ? SET : other, asked)(url, init)
    const source = googlePubsub({ jose, audience: AUDIENCE, fetch: rotating })
    const at = (authorization: string, nowMs: number): Promise<Verdict> =>
      verify({ headers: ['authorization', authorization], body: Buffer.from('{}') }, source, {
        now: () => nowMs,
      })
    expect(await at(bearer(), NOW_MS)).toMatchObject({ ok: true })
    const renewed = bearer({}, { kid: 'new' }, stranger.privateKey)
    expect(await at(renewed, NOW_MS + 59_000)).toEqual(refused('unknown_key'))
    expect(asked).toHaveLength(1)
    expect(await at(renewed, NOW_MS + 60_000)).toMatchObject({ ok: true })
    for (let number = 0; number < 100; number += 1) {
      expect(await at(bearer({}, { kid: `made-up-${number}` }), NOW_MS + 61_000)).toEqual(
        refused('unknown_key'),
      )
    }
    expect(asked).toHaveLength(2)
  })

  it.each([
    ['nothing', ''],
    ['a page', '<html>'],
    ['no list', '{"keys":{}}'],
    ['an empty list', '{"keys":[]}'],
    ['null', 'null'],
    ['keys of no kind', '{"keys":[1]}'],
    ['more keys than anybody has', { keys: Array.from({ length: 33 }, () => SET.keys[0]) }],
  ])('that are %s are as good as none: the sender is asked to come again', async (_, set) => {
    expect(await arrive(bearer(), { fetch: serving(set) })).toEqual(refused('key_unavailable'))
  })
})

describe('a source of tokens', () => {
  it('says that bodies are not signed, and who may send', () => {
    const warnings = googlePubsub({ jose, audience: AUDIENCE }).warnings.join('\n')
    expect(warnings).toContain('the body is not signed')
    expect(warnings).toContain('any Google account')
    expect(googlePubsub({ jose, audience: AUDIENCE, serviceAccount: 'a' }).warnings.join()).not.toContain(
      'any Google',
    )
  })

  it('cannot be made without the package that reads them', () => {
    expect(() => googlePubsub({ jose: undefined as unknown as Jose, audience: AUDIENCE })).toThrow(
      /npm install jose/,
    )
    expect(() => googlePubsub({ jose: {} as unknown as Jose, audience: AUDIENCE })).toThrow(
      /npm install jose/,
    )
  })
})
