/** Google's own library against ours, over tokens by a key of ours: what one accepts or refuses, the other does as well. */
import { createPublicKey } from 'node:crypto'
import { OAuth2Client } from 'google-auth-library'
import * as jose from 'jose'
import { verify } from 'postern'
import { googlePubsub } from 'postern/providers'
import { samples } from 'postern/samples'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { RFC_7517_KEYS } from './support/rfc-keys.ts'
import { AUDIENCE, bearer, NOW, NOW_MS, OWN_KEY, serving } from './support/tokens.ts'

const ISSUER = 'https://accounts.google.com'
const client = new OAuth2Client()
const certificates = {
  own: createPublicKey({ key: OWN_KEY, format: 'jwk' }).export({ format: 'pem', type: 'spki' }).toString(),
}
const genuine = bearer({ iss: ISSUER })

// The library takes the time from `Date`.
beforeAll(() => vi.useFakeTimers({ toFake: ['Date'], now: NOW_MS }))
afterAll(() => vi.useRealTimers())

test.each([
  ['a token of Google for this audience', true, genuine],
  ['one by the other of its names', true, bearer({ iss: 'accounts.google.com' })],
  ['one for another audience', false, bearer({ iss: ISSUER, aud: 'https://other.example/push' })],
  ['one of another issuer', false, bearer({ iss: 'https://issuer.example' })],
  ['one that has run out', false, bearer({ iss: ISSUER, iat: NOW - 7200, exp: NOW - 3600 })],
  ['one of the future', false, bearer({ iss: ISSUER, iat: NOW + 3600, exp: NOW + 7200 })],
  ['one by a key of nobody', false, bearer({ iss: ISSUER }, {}, RFC_7517_KEYS)],
  ['one by a key of another name', false, bearer({ iss: ISSUER }, { kid: 'other' })],
  ['one whose claims were changed', false, withClaimsOf(bearer({ iss: ISSUER, email: 'a@b.example' }))],
])('both say of %s: %s', async (_, isAccepted, authorization) => {
  expect([await theyAccept(authorization), await weAccept(authorization)]).toEqual([isAccepted, isAccepted])
})

/** The genuine token with other claims under its signature. */
function withClaimsOf(other: string): string {
  const [head, , signature] = genuine.split('.')
  return [head, other.split('.')[1], signature].join('.')
}

async function theyAccept(authorization: string): Promise<boolean> {
  try {
    const token = authorization.slice('Bearer '.length)
    await client.verifySignedJwtWithCertsAsync(token, certificates, AUDIENCE, [ISSUER, 'accounts.google.com'])
    return true
  } catch {
    return false
  }
}

/** With every sample as its body, which nothing signs. */
async function weAccept(authorization: string): Promise<boolean> {
  const source = googlePubsub({ jose, audience: AUDIENCE, fetch: serving() })
  const bodies = samples.get('google-pubsub')!.map(({ build }) => build({ id: '1', nowMs: NOW_MS }).body)
  const verdicts = bodies.map(
    async (body) => (await verify({ headers: { authorization }, body: Buffer.from(body) }, source)).ok,
  )
  const [first, ...others] = await Promise.all(verdicts)
  expect(others).toEqual(others.map(() => first))
  return first!
}
