import { lackOf, refused, unmetCondition, type CheckOptions, type CheckResult } from './check.ts'
import { PosternError } from './errors.ts'
import { FetchedKeys, type FetchedKeysOptions } from './fetched-keys.ts'
import { OpenKeyring, type Keyring } from './keyring.ts'
import type { Method } from './method.ts'
import { parseJson } from './place.ts'
import type { Reason } from './reason.ts'
import { headerValue, type WebhookRequest } from './request.ts'
import type { TokenScheme } from './scheme.ts'
import { withoutHeader } from './without-secrets.ts'

/**
 * The part of the package `jose` that is used. This library has no dependencies: whoever takes tokens brings the one that
 * reads them, `import * as jose from 'jose'`.
 */
export interface Jose {
  createLocalJWKSet(set: { keys: { kty: string }[] }): unknown
  // Its key is whatever `createLocalJWKSet` made: `never` is what every function takes.
  jwtVerify(token: string, key: never, options: TokenOptions): Promise<{ payload: TokenClaims }>
}

interface TokenOptions {
  readonly algorithms: string[]
  readonly issuer: string[]
  readonly audience: string
  readonly clockTolerance: number
  readonly maxTokenAge: number
  readonly currentDate: Date
  readonly requiredClaims: string[]
}

interface TokenClaims {
  readonly [name: string]: unknown
}

/** More than any token of a machine has. */
const MAX_TOKEN_LENGTH = 8192
/** What a token is over is at most this: a provider has a handful of keys at a time. */
const MAX_KEYS = 32

/** JSON Web Tokens by the keys of their issuer, which are fetched from one address that the provider's data name. */
export function bearerTokens(jose: Jose, fetching: FetchedKeysOptions = {}): Method<TokenScheme> {
  if (typeof jose?.jwtVerify !== 'function' || typeof jose.createLocalJWKSet !== 'function') {
    throw new PosternError(
      'bad_config',
      "Tokens are read by the package jose: npm install jose, and give it as the option jose (import * as jose from 'jose')",
    )
  }
  const fetched = new FetchedKeys((bytes) => keySet(jose, bytes), fetching)
  return {
    algorithms: ['jwt'],
    complaint: unsoundToken,
    // Nothing is signed but the token: whoever has one writes all of the body.
    signs: (place) => 'json' in place,
    keyring: (secrets) => new OpenKeyring(secrets),
    // Without a key: what can be refused all the same.
    check: (scheme, keys, request) => {
      const token = tokenOf(scheme, keys, request)
      return refused('reason' in token ? token.reason : 'key_unavailable')
    },
    checkWithFetchedKeys: (scheme, keys, request, options) =>
      checkToken(jose, fetched, scheme, keys, request, options),
    without: ({ token }, request) => ({ ...request, headers: withoutHeader(request.headers, token.header) }),
    warning: UNSIGNED_BODY,
  }
}

const UNSIGNED_BODY =
  'the body is not signed, only a token beside it: whoever sees one request can send another body with its token while that lasts; use TLS all the way'

async function checkToken(
  jose: Jose,
  fetched: FetchedKeys<KeySet>,
  scheme: TokenScheme,
  keys: Keyring,
  request: WebhookRequest,
  options: CheckOptions,
): Promise<CheckResult> {
  const token = tokenOf(scheme, keys, request)
  if ('reason' in token) return refused(token.reason)
  const set = await fetched.get(scheme.keysUrl, options.nowMs)
  if (set === undefined) return refused('key_unavailable')
  const first = await forAnyAudience(jose, set, scheme, keys, token.text, options)
  if (first.ok || first.reason !== 'unknown_key') return first
  // Keys are replaced without notice: a set of an hour ago may not have this one.
  const renewed = (await fetched.renewed(scheme.keysUrl, options.nowMs)) ?? set
  return renewed === set ? first : forAnyAudience(jose, renewed, scheme, keys, token.text, options)
}

function tokenOf(
  scheme: TokenScheme,
  keys: Keyring,
  { headers }: WebhookRequest,
): { readonly text: string } | { readonly reason: Reason } {
  const unmet = unmetCondition(scheme, keys, headers)
  if (unmet !== undefined) return { reason: unmet }
  const { header, authScheme } = scheme.token
  const value = headerValue(headers, header)
  if (typeof value !== 'string') return { reason: lackOf(value) }
  const [word = '', text = '', ...others] = value.split(' ')
  const isBearer = word.toLowerCase() === authScheme.toLowerCase() && others.length === 0
  // Three parts in base64url (RFC 7515 §3.1), so that nothing else is handed on.
  return isBearer && text.length <= MAX_TOKEN_LENGTH && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)
    ? { text }
    : { reason: 'malformed_header' }
}

/** What is configured are audiences; the token has to be for one of them. */
async function forAnyAudience(
  jose: Jose,
  set: KeySet,
  scheme: TokenScheme,
  keys: Keyring,
  token: string,
  options: CheckOptions,
): Promise<CheckResult> {
  const audiences: string[] = []
  keys.forEach((bytes) => audiences.push(Buffer.from(bytes).toString('utf8')))
  let refusal: CheckResult = refused('not_for_us')
  for (const [secretIndex, audience] of audiences.entries()) {
    const reason = await refusalOf(jose, set, scheme, audience, token, options)
    if (reason === undefined) return { ok: true, secretIndex }
    if (reason !== 'not_for_us') refusal = refused(reason)
  }
  return refusal
}

async function refusalOf(
  jose: Jose,
  set: KeySet,
  scheme: TokenScheme,
  audience: string,
  token: string,
  { nowMs, toleranceSeconds = scheme.timestamp.toleranceSeconds }: CheckOptions,
): Promise<Reason | undefined> {
  try {
    const { payload } = await jose.jwtVerify(token, set as never, {
      algorithms: ['RS256'],
      issuer: [...scheme.issuers],
      audience,
      clockTolerance: toleranceSeconds,
      maxTokenAge: scheme.maxAgeSeconds,
      currentDate: new Date(nowMs),
      requiredClaims: ['exp', 'iat'],
    })
    return hasClaims(scheme, payload) ? undefined : 'not_for_us'
  } catch (error) {
    return reasonOf(scheme, error)
  }
}

function hasClaims({ claims = {} }: TokenScheme, payload: TokenClaims): boolean {
  return Object.entries(claims).every(([name, wanted]) => {
    const found = payload[name]
    const accepted: readonly unknown[] = Array.isArray(wanted) ? wanted : [wanted]
    return Array.isArray(found) ? found.some((each) => accepted.includes(each)) : accepted.includes(found)
  })
}

/** By the codes of `jose`, whose signatures are verified first and whose times are looked at last. */
const REASONS: Readonly<Record<string, Reason>> = {
  ERR_JWKS_NO_MATCHING_KEY: 'unknown_key',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'unknown_key',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'signature_mismatch',
  ERR_JWT_CLAIM_VALIDATION_FAILED: 'not_for_us',
  ERR_JWT_EXPIRED: 'stale',
}

function reasonOf(scheme: TokenScheme, error: unknown): Reason {
  const {
    code,
    claim,
    reason: how,
    payload,
  } = error as {
    readonly code?: string
    readonly claim?: string
    readonly reason?: string
    readonly payload?: TokenClaims
  }
  // Looked at after issuer and audience; one that is missing is found before them.
  const isOfFuture = (claim === 'iat' || claim === 'nbf') && how === 'check_failed'
  const reason = REASONS[String(code)] ?? 'malformed_header'
  if (reason === 'not_for_us' && isOfFuture)
    return payload && hasClaims(scheme, payload) ? 'future' : 'not_for_us'
  // One that is not for us is not authentic, however old it is.
  return reason === 'stale' && !(payload && hasClaims(scheme, payload)) ? 'not_for_us' : reason
}

/** What `createLocalJWKSet` makes. */
type KeySet = object

function keySet(jose: Jose, bytes: Uint8Array): KeySet | undefined {
  // Of what is no object there are none.
  const { keys } = Object(parseJson(bytes)) as { readonly keys?: unknown }
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS || !keys.every(isKey))
    return undefined
  return jose.createLocalJWKSet({ keys }) as KeySet
}

function isKey(key: unknown): key is { kty: string } {
  return typeof (Object(key) as { readonly kty?: unknown }).kty === 'string'
}

function unsoundToken({ keysUrl, issuers, maxAgeSeconds }: TokenScheme): string | undefined {
  if (!/^https:\/\/[a-z0-9.-]+\/[A-Za-z0-9._~/-]*$/.test(keysUrl))
    return `has keys at '${keysUrl}', which is no plain https address`
  if (issuers.length === 0) return 'names no issuer'
  return maxAgeSeconds > 0 ? undefined : 'has tokens that are never young enough'
}
