import { isSignedBy, readCertified, type Certified } from './certificate.ts'
import { distrust, trustedCertificates } from './certificate-chain.ts'
import { certifiedContent, coveredPlaces, hasDoubledMember } from './certified-content.ts'
import { lackOf, refused, unmetCondition, type CheckOptions, type CheckResult } from './check.ts'
import { decodeStrictly } from './encoding.ts'
import { FetchedKeys, type FetchedKeysOptions } from './fetched-keys.ts'
import { OpenKeyring, type Keyring } from './keyring.ts'
import type { Method, SoundMethod } from './method.ts'
import { pinnedUrl } from './pinned-url.ts'
import { readable, readPath, readPlace, type Readable } from './place.ts'
import type { Reason } from './reason.ts'
import type { WebhookRequest } from './request.ts'
import type { CertificateRule, CertificateScheme, Place } from './scheme.ts'
import { unsoundCertified } from './sound-certified.ts'
import { samePlace } from './sound-scheme.ts'
import { DEFAULT_TOLERANCE_SECONDS, freshness, parseTimestamp } from './timestamp.ts'

/** How certificates are fetched, and what a chain of them has to lead to: the roots that Node trusts, where nothing is said. */
export interface CertificatesOptions extends FetchedKeysOptions {
  /** Certificates in PEM that chains may lead to, in place of the roots that Node trusts; intermediate ones too. */
  readonly trustedCertificates?: readonly string[] | undefined
}

/**
 * Signatures by keys whose certificates have to be fetched from where the request says. With keys of its own for each call,
 * so that no source can crowd out another's.
 */
export function certificates(options: CertificatesOptions = {}): Method<CertificateScheme> {
  return { ...soundCertificates(trustOf(options), options), complaint: unsoundCertified }
}

/** Why a key that was fetched is not to be trusted under a rule. */
export type Distrust = (key: Certified, rule: CertificateRule, nowMs: number) => Reason | undefined

/** What keys are trusted by, under any rule. */
export function trustOf({ trustedCertificates: pems }: CertificatesOptions): Distrust {
  const trusted = pems && trustedCertificates(pems)
  return (key, rule, nowMs) => distrust(key, rule, nowMs, trusted)
}

/** As `certificates`, for schemes that are known to be sound, and as much of trust as they need. */
export function soundCertificates(
  distrustOf: Distrust,
  fetching: FetchedKeysOptions,
): SoundMethod<CertificateScheme> {
  const fetched = new FetchedKeys(readCertified, fetching)
  return {
    algorithms: ['rsa-certificate'],
    keyring: (secrets) => new OpenKeyring(secrets),
    // Without a key: what can be refused all the same.
    check: (scheme, keys, request) => {
      const claim = readClaim(scheme, keys, request)
      return refused(typeof claim === 'string' ? claim : 'key_unavailable')
    },
    checkWithFetchedKeys: async (scheme, keys, request, options) => {
      const claim = readClaim(scheme, keys, request)
      if (typeof claim === 'string') return refused(claim)
      const key = await fetched.get(claim.url, options.nowMs)
      if (key === undefined) return refused('key_unavailable')
      const reason = distrustOf(key, scheme.certificate, options.nowMs)
      return reason === undefined ? checked(scheme, key, claim, request, options) : refused(reason)
    },
    signs: (place, scheme) => coveredPlaces(scheme).some((each) => samePlace(each, place)),
  }
}

/** What a request says of itself, before anything is fetched. */
interface Claim {
  readonly url: string
  readonly signature: Uint8Array
  readonly timestamp: string
  readonly timestampMs: number
  /** The texts that are configured and fit, with their index. */
  readonly configured: readonly (readonly [text: string, index: number])[]
  readonly from: Readable
}

/** Everything that can be refused without a key is refused here: each fetch spared is one that nobody can make us do. */
function readClaim(scheme: CertificateScheme, keys: Keyring, request: WebhookRequest): Claim | Reason {
  const unmet = unmetCondition(scheme, keys, request.headers)
  if (unmet !== undefined) return unmet
  const from = readable(request)
  const isOther = Object.entries(scheme.members ?? {}).some(
    ([name, value]) => readPath(from.json(), [name]) !== value,
  )
  if (isOther) return 'malformed_header'
  const texts = readAll([scheme.signature.at, scheme.certificate.at, scheme.timestamp.in], from)
  if (typeof texts === 'string') return texts
  const [encoded = '', address = '', timestamp = ''] = texts
  const signature = decodeStrictly(encoded, scheme.signature.encoding)
  if (signature === undefined) return 'bad_encoding'
  const timestampMs = parseTimestamp(timestamp, scheme.timestamp.unit)
  if (timestampMs === undefined) return 'malformed_timestamp'
  const url = pinnedUrl(address, scheme.certificate, 'without-query')
  if (url === undefined) return 'untrusted_key_url'
  const configured = fitting(scheme, keys, from)
  return configured.length === 0 ? 'not_for_us' : { url, signature, timestamp, timestampMs, configured, from }
}

function readAll(places: readonly Place[], from: Readable): readonly string[] | Reason {
  const found: string[] = []
  for (const place of places) {
    const text = readPlace(place, from)
    if (typeof text !== 'string') return lackOf(text)
    found.push(text)
  }
  return found
}

/** What is configured, of which the request names one; all of it where it is only signed. */
function fitting(scheme: CertificateScheme, keys: Keyring, from: Readable): Claim['configured'] {
  const named = scheme.expected && readPlace(scheme.expected, from)
  const texts: (readonly [string, number])[] = []
  keys.forEach((bytes, index) => {
    const text = Buffer.from(bytes).toString('utf8')
    if (scheme.expected === undefined || isExpected(text, named)) texts.push([text, index])
  })
  return texts
}

/** Names of topics and accounts are no secrets: nothing is given away by the time that comparing them takes. */
function isExpected(pattern: string, named: unknown): boolean {
  if (typeof named !== 'string') return false
  return pattern.endsWith('*') ? named.startsWith(pattern.slice(0, -1)) : named === pattern
}

function checked(
  scheme: CertificateScheme,
  key: Certified,
  claim: Claim,
  request: WebhookRequest,
  options: CheckOptions,
): CheckResult {
  let matched: number | undefined
  for (const [configured, index] of claim.configured) {
    const content = certifiedContent(scheme.content, { ...claim, configured, body: request.body })
    if (content === undefined) return refused('missing_content')
    if (isSignedBy(key, scheme.digest, content, claim.signature)) matched ??= index
  }
  if (matched === undefined) return refused('signature_mismatch')
  if (hasDoubledMember(scheme.content, request.body)) return refused('duplicate_secret')
  const tolerance = options.toleranceSeconds ?? scheme.timestamp.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS
  const age = freshness(claim.timestampMs, options.nowMs, tolerance)
  return age === 'fresh' ? { ok: true, secretIndex: matched } : refused(age)
}
