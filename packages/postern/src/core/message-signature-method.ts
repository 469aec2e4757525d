import type { CheckOptions, CheckResult } from './check.ts'
import { unmetCondition } from './check.ts'
import { isContentDigestOf } from './content-digest.ts'
import type { Keyring } from './keyring.ts'
import { isMessageSignature, messageKeyring } from './message-keys.ts'
import type { Method } from './method.ts'
import { furthest, type Reason } from './reason.ts'
import { headerValue, type WebhookRequest } from './request.ts'
import type { MessageSignatureScheme, Place } from './scheme.ts'
import { signatureBase } from './signature-base.ts'
import { MAX_HEADER_LENGTH } from './signature-header.ts'
import { parseDictionary, type Dictionary, type InnerList } from './structured-field.ts'
import { freshness } from './timestamp.ts'

/** More than anybody signs with at a time; each is tried. */
const MAX_SIGNATURES = 8
const DERIVED = ['@method', '@authority', '@scheme', '@target-uri', '@request-target', '@path', '@query']

/** HTTP Message Signatures (RFC 9421). The sender says what it signed; the scheme says what it must have. */
export const messageSignatures: Method<MessageSignatureScheme> = {
  algorithms: ['http-message-signature'],
  complaint: unsoundMessageScheme,
  keyring: messageKeyring,
  check: (scheme, keys, request, options) => {
    const unmet = unmetCondition(scheme, keys, request.headers)
    if (unmet !== undefined) return refused(unmet)
    const read = readLabels(request)
    return 'reason' in read ? refused(read.reason) : firstAccepted(scheme, keys, request, read, options)
  },
  signs: (place, scheme) => coversPlace(place, scheme.components),
}

interface Labels {
  readonly inputs: Dictionary
  readonly signatures: Dictionary
}

function readLabels({ headers }: WebhookRequest): Labels | { readonly reason: Reason } {
  const texts = [headerValue(headers, 'signature-input'), headerValue(headers, 'signature')]
  if (texts.includes(undefined)) return { reason: 'missing_header' }
  const [input, signature] = texts
  if (typeof input !== 'string' || typeof signature !== 'string') return { reason: 'duplicate_header' }
  if (input.length > MAX_HEADER_LENGTH || signature.length > MAX_HEADER_LENGTH)
    return { reason: 'malformed_header' }
  const inputs = parseDictionary(input)
  const signatures = parseDictionary(signature)
  if (inputs === undefined || signatures === undefined || inputs.size > MAX_SIGNATURES) {
    return { reason: 'malformed_header' }
  }
  return { inputs, signatures }
}

/** Of several signatures one that is accepted is enough; of none, the reason of that which got furthest. */
function firstAccepted(
  scheme: MessageSignatureScheme,
  keys: Keyring,
  request: WebhookRequest,
  { inputs, signatures }: Labels,
  options: CheckOptions,
): CheckResult {
  let reason: Reason = 'missing_header'
  for (const [label, covered] of inputs) {
    const signature = signatures.get(label)
    if (covered.kind !== 'inner-list' || signature?.kind !== 'item' || signature.item.kind !== 'bytes') {
      reason = furthest([reason, 'malformed_header'])
      continue
    }
    const result = checkOne(scheme, keys, request, covered, signature.item.value, options)
    if (result.ok) return result
    reason = furthest([reason, result.reason])
  }
  return refused(reason)
}

function checkOne(
  scheme: MessageSignatureScheme,
  keys: Keyring,
  request: WebhookRequest,
  covered: InnerList,
  signature: Uint8Array,
  options: CheckOptions,
): CheckResult {
  const said = readParameters(scheme, covered)
  if ('reason' in said) return refused(said.reason)
  const names = covered.items.flatMap(({ item, parameters }) =>
    item.kind === 'string' && parameters.size === 0 ? [item.value] : [],
  )
  if (!scheme.components.every((name) => names.includes(name))) return refused('not_covered')
  const base = signatureBase(request, covered, scheme.origin)
  if (base === undefined) return refused('missing_content')
  if (names.includes('content-digest') && !hasOwnDigest(request)) return refused('digest_mismatch')
  let matched: number | undefined
  keys.forEach((key, index) => {
    if (isMessageSignature(scheme.signedWith, key, base, signature)) matched ??= index
  })
  if (matched === undefined) return refused('signature_mismatch')
  const nowSeconds = Math.floor(options.nowMs / 1000)
  if (nowSeconds > said.expires) return refused('stale')
  const tolerance = options.toleranceSeconds ?? scheme.timestamp.toleranceSeconds
  const age = freshness(said.created * 1000, options.nowMs, tolerance)
  return age === 'fresh' ? { ok: true, secretIndex: matched } : refused(age)
}

/** What a signature says of itself. Its algorithm is the receiver's to say: one that names another is refused. */
function readParameters(
  { signedWith, tag }: MessageSignatureScheme,
  { parameters }: InnerList,
): { readonly created: number; readonly expires: number } | { readonly reason: Reason } {
  const created = parameters.get('created')
  const expires = parameters.get('expires')
  const alg = parameters.get('alg')
  if (alg !== undefined && (alg.kind !== 'string' || alg.value !== signedWith))
    return { reason: 'malformed_header' }
  const own = parameters.get('tag')
  if (tag !== undefined && (own?.kind !== 'string' || own.value !== tag))
    return { reason: 'malformed_header' }
  if (created === undefined) return { reason: 'missing_header' }
  if (created.kind !== 'integer' || (expires !== undefined && expires.kind !== 'integer')) {
    return { reason: 'malformed_timestamp' }
  }
  return { created: created.value, expires: expires?.value ?? Number.POSITIVE_INFINITY }
}

function hasOwnDigest({ headers, body }: WebhookRequest): boolean {
  const text = headerValue(headers, 'content-digest')
  return typeof text === 'string' && isContentDigestOf(text, body)
}

function coversPlace(place: Place, components: readonly string[]): boolean {
  if ('json' in place) return components.includes('content-digest')
  if ('header' in place) return components.includes(place.header)
  return 'query' in place && (components.includes('@query') || components.includes('@target-uri'))
}

function unsoundMessageScheme({ components, tag, origin }: MessageSignatureScheme): string | undefined {
  const unknown = components.find(
    (name) => name !== name.toLowerCase() || (name.startsWith('@') && !DERIVED.includes(name)),
  )
  if (unknown !== undefined) return `requires '${unknown}', which is no component of a request`
  if (origin !== undefined && !/^https?:\/\/[^/?#]+$/.test(origin)) {
    return `has the origin '${origin}', which must be a scheme and a host, such as https://example.com`
  }
  return tag === undefined || STRING.test(tag)
    ? undefined
    : `has the tag ${JSON.stringify(tag)}, and no signature can say it: a tag is printable ASCII`
}

/** What a string of a structured field can hold: RFC 9651 §3.3.3. */
const STRING = /^[ -~]*$/

function refused(reason: Reason): { readonly ok: false; readonly reason: Reason } {
  return { ok: false, reason }
}
