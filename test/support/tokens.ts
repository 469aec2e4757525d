/** Tokens as an issuer writes them, by hand and with keys that RFCs print, and a source that takes them. */
import { sign as signBytes } from 'node:crypto'
import * as jose from 'jose'
import type { KeyFetch } from '../../packages/postern/src/core/fetched-keys.ts'
import { defineFetchingSource } from '../../packages/postern/src/core/fetching-source.ts'
import type { Provider } from '../../packages/postern/src/core/provider.ts'
import type { TokenScheme } from '../../packages/postern/src/core/scheme.ts'
import type { KeyedSourceOptions } from '../../packages/postern/src/core/source-options.ts'
import type { Source } from '../../packages/postern/src/core/source.ts'
import { bearerTokens, type Jose } from '../../packages/postern/src/core/token-method.ts'
import { verify, type Verdict } from '../../packages/postern/src/core/verify.ts'
import { RFC_7515_KEYS as own } from './rfc-keys.ts'

export const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
export const NOW = NOW_MS / 1000
export const AUDIENCE = 'https://example.com/push'
export const KEYS_URL = 'https://keys.example/oauth2/v3/certs'
export const BODY = '{"id":"1"}'

/** The issuer's one key, and its set. */
export const OWN_KEY = { ...own.publicJwk, kid: 'own', use: 'sig', alg: 'RS256' }
export const SET = { keys: [OWN_KEY] }

export const scheme: TokenScheme = {
  name: 'own-tokens',
  algorithm: 'jwt',
  token: { header: 'authorization', authScheme: 'Bearer' },
  keysUrl: KEYS_URL,
  issuers: ['https://issuer.example', 'issuer.example'],
  claims: { email: ['first@sample.example', 'push@sample.example'], email_verified: true },
  maxAgeSeconds: 3600,
  timestamp: { toleranceSeconds: 300 },
}

/** Of a token that is accepted, now and for an hour. */
export const CLAIMS = {
  iss: 'https://issuer.example',
  aud: AUDIENCE,
  email: 'push@sample.example',
  email_verified: true,
  iat: NOW,
  exp: NOW + 3600,
}

/** Parts of the scheme that are other than its own, what reads its tokens, and what its source is configured with. */
export interface Given extends Partial<TokenScheme> {
  readonly jose?: Jose
  readonly fetch?: KeyFetch
  readonly options?: KeyedSourceOptions
}

export function sourceOf({ jose: reader = jose, fetch = serving(), options, ...parts }: Given = {}): Source {
  const envelope = { name: 'own', id: [{ json: ['id'] }], defaultType: 'message' }
  const schemes = [{ ...scheme, ...parts }]
  const provider: Provider = { name: 'own', title: 'Own', schemes, envelopes: [envelope] }
  return defineFetchingSource([bearerTokens(reader, { fetch })], provider, { secret: AUDIENCE, ...options })
}

/** Answers a set of keys, or a text, whatever address it is asked for; notes which. */
export function serving(set: unknown = SET, asked: string[] = []): KeyFetch {
  return (url) => {
    asked.push(url)
    return Promise.resolve(new Response(typeof set === 'string' ? set : JSON.stringify(set)))
  }
}

/** A request between two other headers with this one; with none, or with two, of a list. */
export function requestOf(authorization: string | readonly string[]): {
  headers: string[]
  body: Uint8Array
} {
  const headers = [authorization].flat().flatMap((value) => ['Authorization', value])
  return { headers: ['X-Before', '1', ...headers, 'X-After', '2'], body: Buffer.from(BODY) }
}

export function arriveAt(
  source: Source,
  authorization: string | readonly string[],
  nowMs = NOW_MS,
): Promise<Verdict> {
  return verify(requestOf(authorization), source, { now: () => nowMs })
}

export const arrive = (authorization: string | readonly string[], given?: Given): Promise<Verdict> =>
  arriveAt(sourceOf(given), authorization)

export const base64url = (text: string): string => Buffer.from(text).toString('base64url')

/** A token in the compact form (RFC 7515 §3.1), signed with RS256 by hand: what reads it is not what wrote it. */
export function bearer(changes: object = {}, header: object = {}, { privateKey } = own): string {
  const parts = [
    { alg: 'RS256', kid: 'own', typ: 'JWT', ...header },
    { ...CLAIMS, ...changes },
  ]
  const content = parts.map((part) => base64url(JSON.stringify(part))).join('.')
  return `Bearer ${content}.${signBytes('sha256', Buffer.from(content), privateKey).toString('base64url')}`
}
