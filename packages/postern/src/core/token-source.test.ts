import * as jose from 'jose'
import { describe, expect, it } from 'vitest'
import { RFC_7517_KEYS as stranger } from '../../../../test/support/rfc-keys.ts'
import {
  arrive,
  arriveAt,
  bearer,
  type Given,
  NOW,
  NOW_MS,
  OWN_KEY,
  requestOf,
  serving,
  SET,
  sourceOf,
} from '../../../../test/support/tokens.ts'
import type { KeyFetch } from './fetched-keys.ts'
import { bearerTokens, type Jose } from './token-method.ts'
import { verifyRequest } from './verify.ts'

const MINUTE_MS = 60_000

const ok = { ok: true }
const refused = (reason: string): unknown => ({ ok: false, reason })

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
