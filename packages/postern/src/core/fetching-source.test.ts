import { createHmac } from 'node:crypto'
import * as jose from 'jose'
import { describe, expect, it } from 'vitest'
import { AUDIENCE, bearer, NOW, NOW_MS, SET } from '../../../../test/support/tokens.ts'
import type { KeyFetch } from './fetched-keys.ts'
import { defineFetchingSource } from './fetching-source.ts'
import { hmacs } from './hmac-method.ts'
import type { Provider } from './provider.ts'
import type { WebhookRequest } from './request.ts'
import type { SignatureScheme, TokenScheme } from './scheme.ts'
import type { KeyedSourceOptions } from './source-options.ts'
import type { Source } from './source.ts'
import { bearerTokens } from './token-method.ts'
import { verify } from './verify.ts'

const BODY = '{"id":"1","type":"t"}'
const SECRET = 'a signing secret, long enough'

const token: TokenScheme = {
  name: 'token',
  verifiedBy: 'audience',
  algorithm: 'jwt',
  token: { header: 'authorization', authScheme: 'Bearer' },
  keysUrl: 'https://keys.example/a',
  issuers: ['https://issuer.example'],
  maxAgeSeconds: 3600,
  timestamp: { toleranceSeconds: 300 },
}
const otherToken: TokenScheme = { ...token, name: 'other-token', issuers: ['https://other.example'] }
const signed: SignatureScheme = {
  name: 'signed',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  content: ['body'],
}

function requestOf(claims: object = {}): WebhookRequest {
  const signature = createHmac('sha256', SECRET).update(BODY).digest('hex')
  const authorization = bearer({ iss: 'https://other.example', ...claims })
  const headers = ['authorization', authorization, 'x-signature', signature]
  return { method: 'POST', url: '/', headers, body: Buffer.from(BODY) }
}

/** A provider that signs, and sends a token of one of two issuers. */
function sourceOf(options: KeyedSourceOptions): { readonly source: Source; readonly asked: string[] } {
  const asked: string[] = []
  const fetch: KeyFetch = (url) => {
    asked.push(url)
    return Promise.resolve(Response.json(SET))
  }
  const envelope = { name: 'own', id: [{ json: ['id'] }], type: { json: ['type'] } }
  const schemes = [signed, token, otherToken]
  const provider: Provider = { name: 'own', title: 'Own', schemes, envelopes: [envelope] }
  return { source: defineFetchingSource([hmacs, bearerTokens(jose, { fetch })], provider, options), asked }
}

const BOTH: KeyedSourceOptions = { secret: SECRET, otherSecrets: { audience: AUDIENCE } }

describe('a source whose keys are fetched', () => {
  it('is a source as any other', () => {
    expect(sourceOf({}).source).toMatchObject({
      provider: { name: 'own' },
      maxBodyBytes: 1_048_576,
      schemes: [{ scheme: signed }, { scheme: token }, { scheme: otherToken }],
    })
    expect(sourceOf({ ...BOTH, maxBodyBytes: 7 }).source.maxBodyBytes).toBe(7)
  })

  it('verifies by what was fetched and by what needs no fetch', async () => {
    const { source } = sourceOf(BOTH)
    const verdict = await verify(requestOf(), source, { now: () => NOW_MS })
    expect(verdict).toMatchObject({ ok: true, scheme: 'signed+other-token' })
  })

  it('checks first whatever needs a key that is fetched, and fetches it once', async () => {
    const { source, asked } = sourceOf(BOTH)
    const checked = await source.checkFirst?.(source, requestOf(), NOW_MS)
    expect([...(checked ?? [])]).toEqual([
      [token, { ok: false, reason: 'not_for_us' }],
      [otherToken, { ok: true, secretIndex: 0 }],
    ])
    expect(asked).toEqual(['https://keys.example/a'])
  })

  it('checks and fetches nothing first for a secret that it has not', async () => {
    const { source, asked } = sourceOf({ secret: SECRET })
    expect([...((await source.checkFirst?.(source, requestOf(), NOW_MS)) ?? [])]).toEqual([])
    expect(asked).toEqual([])
  })

  it('checks with its tolerance and by the time that it is told', async () => {
    const ended = requestOf({ exp: NOW })
    const late = { now: () => NOW_MS + 299_000 }
    expect(await verify(ended, sourceOf(BOTH).source, late)).toMatchObject({ ok: true })
    expect(await verify(ended, sourceOf({ ...BOTH, toleranceSeconds: 299 }).source, late)).toEqual({
      ok: false,
      reason: 'stale',
    })
    expect(await verify(ended, sourceOf(BOTH).source, { now: () => NOW_MS + 300_000 })).toEqual({
      ok: false,
      reason: 'stale',
    })
  })
})
