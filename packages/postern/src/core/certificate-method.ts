import { distrust, isSignedBy, readCertified, trustedCertificates, type Certified } from './certificate.ts'
import { certifiedContent, coveredPlaces } from './certified-content.ts'
import { unmetCondition, type CheckOptions, type CheckResult } from './check.ts'
import { decodeStrictly } from './encoding.ts'
import { FetchedKeys, type FetchedKeysOptions } from './fetched-keys.ts'
import { findMember } from './json-member.ts'
import { OpenKeyring, type Keyring } from './keyring.ts'
import type { Method } from './method.ts'
import { pinnedUrl } from './pinned-url.ts'
import { readable, readPath, readPlace, type Readable } from './place.ts'
import type { Reason } from './reason.ts'
import { DOUBLED, type WebhookRequest } from './request.ts'
import type { CertificateScheme, Place } from './scheme.ts'
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
export function certificates({
  trustedCertificates: pems,
  ...fetching
}: CertificatesOptions = {}): Method<CertificateScheme> {
  const fetched = new FetchedKeys(readCertified, fetching)
  const trusted = pems && trustedCertificates(pems)
  return {
    algorithms: ['rsa-certificate'],
    complaint: unsoundCertified,
    keyring: (secrets) => new OpenKeyring(secrets),
    // Without a key: what can be refused all the same.
    check: (scheme, keys, request) => {
      const claim = readClaim(scheme, keys, request)
      return refused('reason' in claim ? claim.reason : 'key_unavailable')
    },
    checkWithFetchedKeys: async (scheme, keys, request, options) => {
      const claim = readClaim(scheme, keys, request)
      if ('reason' in claim) return refused(claim.reason)
      const key = await fetched.get(claim.url, options.nowMs)
      if (key === undefined) return refused('key_unavailable')
      const reason = distrust(key, scheme.certificate, options.nowMs, trusted)
      return reason === undefined ? checked(scheme, key, claim, request, options) : refused(reason)
    },
    signs: (place, scheme) => coveredPlaces(scheme).some((each) => isSame(each, place)),
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
function readClaim(
  scheme: CertificateScheme,
  keys: Keyring,
  request: WebhookRequest,
): Claim | { readonly reason: Reason } {
  const unmet = unmetCondition(scheme, keys, request.headers)
  if (unmet !== undefined) return { reason: unmet }
  const from = readable(request)
  const isOther = Object.entries(scheme.members ?? {}).some(
    ([name, value]) => readPath(from.json(), [name]) !== value,
  )
  if (isOther) return { reason: 'malformed_header' }
  const texts = readAll([scheme.signature.at, scheme.certificate.at, scheme.timestamp.in], from)
  if ('reason' in texts) return texts
  const [encoded = '', address = '', timestamp = ''] = texts.found
  const signature = decodeStrictly(encoded, scheme.signature.encoding)
  if (signature === undefined) return { reason: 'bad_encoding' }
  const timestampMs = parseTimestamp(timestamp, scheme.timestamp.unit)
  if (timestampMs === undefined) return { reason: 'malformed_timestamp' }
  const url = pinnedUrl(address, scheme.certificate, 'without-query')
  if (url === undefined) return { reason: 'untrusted_key_url' }
  const configured = fitting(scheme, keys, from)
  if (configured.length === 0) return { reason: 'not_for_us' }
  return { url, signature, timestamp, timestampMs, configured, from }
}

function readAll(
  places: readonly Place[],
  from: Readable,
): { readonly found: readonly string[] } | { readonly reason: Reason } {
  const found: string[] = []
  for (const place of places) {
    const text = readPlace(place, from)
    if (text === undefined) return { reason: 'missing_header' }
    if (text === DOUBLED) return { reason: 'duplicate_header' }
    found.push(text)
  }
  return { found }
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
  if (hasDoubledMember(scheme, request.body)) return refused('duplicate_secret')
  const tolerance = options.toleranceSeconds ?? scheme.timestamp.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS
  const age = freshness(claim.timestampMs, options.nowMs, tolerance)
  return age === 'fresh' ? { ok: true, secretIndex: matched } : refused(age)
}

/**
 * What is signed of a body are values: a copy with another value of the same name before it would verify, and whoever reads
 * the bytes may take that one. Looked for last, since it reads the body again for each name.
 */
function hasDoubledMember(scheme: CertificateScheme, body: Uint8Array): boolean {
  const names = scheme.content.flatMap((part) =>
    typeof part === 'object' && 'lines' in part ? part.lines : [],
  )
  return names.some((name) => (findMember(body, [name])?.length ?? 0) > 1)
}

function isSame(left: Place, right: Place): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

function unsoundCertified(scheme: CertificateScheme): string | undefined {
  const { content, timestamp, certificate, expected } = scheme
  if (!coveredPlaces(scheme).some((place) => isSame(place, timestamp.in))) {
    return 'has a timestamp that is not part of the signed content, so anyone could renew it'
  }
  if (expected === undefined && !content.includes('configured')) {
    return 'neither signs nor expects what is configured, so that anybody who has such a certificate could send'
  }
  if (expected !== undefined && !coveredPlaces(scheme).some((place) => isSame(place, expected))) {
    return 'expects what is not part of the signed content, so that anyone could write it'
  }
  return certificate.hosts === '' ? 'names no host that a certificate may be fetched from' : undefined
}

function refused(reason: Reason): { readonly ok: false; readonly reason: Reason } {
  return { ok: false, reason }
}
