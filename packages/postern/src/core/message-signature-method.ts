import { refused, unmetCondition, type CheckOptions, type CheckResult } from './check.ts'
import { isContentDigestOf } from './content-digest.ts'
import type { Keyring } from './keyring.ts'
import { isMessageSignature, messageKeyring } from './message-keys.ts'
import type { Method, SoundMethod } from './method.ts'
import { further, type Reason } from './reason.ts'
import { DOUBLED, headerValue, type WebhookRequest } from './request.ts'
import type { MessageSignatureScheme, Place } from './scheme.ts'
import { FIELD_NAME, signatureBase } from './signature-base.ts'
import { MAX_HEADER_LENGTH } from './signature-header.ts'
import {
  bytesOf,
  parseDictionary,
  type BareItem,
  type Dictionary,
  type InnerList,
} from './structured-field.ts'
import { freshness } from './timestamp.ts'

/** More than anybody signs with at a time; each is tried. */
const MAX_SIGNATURES = 8
const DERIVED = ['@method', '@authority', '@scheme', '@target-uri', '@request-target', '@path', '@query']

/** As `messageSignatures`, of schemes that are known to be sound. */
export const soundMessageSignatures: SoundMethod<MessageSignatureScheme> = {
  algorithms: ['http-message-signature'],
  keyring: messageKeyring,
  check: (scheme, keys, request, options) => {
    const unmet = unmetCondition(scheme, keys, request.headers)
    if (unmet !== undefined) return refused(unmet)
    const read = readLabels(request)
    return typeof read === 'string' ? refused(read) : bestOf(scheme, keys, request, read, options)
  },
  signs: (place, scheme) => coversPlace(place, scheme.components),
}

/** HTTP Message Signatures (RFC 9421). The sender says what it signed; the scheme says what it must have. */
export const messageSignatures: Method<MessageSignatureScheme> = /* @__PURE__ */ complaining()

/** A function, so that a bundler can leave it out where nobody complains. */
function complaining(): Method<MessageSignatureScheme> {
  return { ...soundMessageSignatures, complaint: unsoundMessageScheme }
}

interface Labels {
  readonly inputs: Dictionary
  readonly signatures: Dictionary
}

function readLabels({ headers }: WebhookRequest): Labels | Reason {
  const input = headerValue(headers, 'signature-input')
  const signature = headerValue(headers, 'signature')
  if (input === undefined || signature === undefined) return 'missing_header'
  if (input === DOUBLED || signature === DOUBLED) return 'duplicate_header'
  if (Math.max(input.length, signature.length) > MAX_HEADER_LENGTH) return 'malformed_header'
  const inputs = parseDictionary(input)
  const signatures = parseDictionary(signature)
  return inputs && signatures && inputs.size <= MAX_SIGNATURES ? { inputs, signatures } : 'malformed_header'
}

/** Of several signatures one that is accepted is enough; of none, the reason of that which got furthest. */
function bestOf(
  scheme: MessageSignatureScheme,
  keys: Keyring,
  request: WebhookRequest,
  { inputs, signatures }: Labels,
  options: CheckOptions,
): CheckResult {
  let best: CheckResult = refused('missing_header')
  for (const [label, covered] of inputs) {
    const signature = bytesOf(signatures.get(label))
    const result =
      covered.kind === 'inner-list' && signature
        ? checkOne(scheme, keys, request, covered, signature, options)
        : refused('malformed_header')
    if (result.ok) return result
    best = further(best, result)
  }
  return best
}

function checkOne(
  scheme: MessageSignatureScheme,
  keys: Keyring,
  request: WebhookRequest,
  covered: InnerList,
  signature: Uint8Array,
  options: CheckOptions,
): CheckResult {
  const times = readTimes(scheme, covered)
  if (typeof times === 'string') return refused(times)
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
  if (Math.floor(options.nowMs / 1000) > times.expires) return refused('stale')
  const tolerance = options.toleranceSeconds ?? scheme.timestamp.toleranceSeconds
  const age = freshness(times.created * 1000, options.nowMs, tolerance)
  return age === 'fresh' ? { ok: true, secretIndex: matched } : refused(age)
}

/**
 * The seconds of which a signature says that it was made, and is good until. Its algorithm is the receiver's to say: one that
 * names another is refused.
 */
function readTimes(
  { signedWith, tag }: MessageSignatureScheme,
  { parameters }: InnerList,
): { readonly created: number; readonly expires: number } | Reason {
  const created = parameters.get('created')
  const expires = parameters.get('expires') ?? NEVER
  const alg = parameters.get('alg')
  const isOther = alg !== undefined && !isString(alg, signedWith)
  if (isOther || (tag !== undefined && !isString(parameters.get('tag'), tag))) return 'malformed_header'
  if (created === undefined) return 'missing_header'
  return created.kind === 'integer' && expires.kind === 'integer'
    ? { created: created.value, expires: expires.value }
    : 'malformed_timestamp'
}

const NEVER: BareItem = { kind: 'integer', value: Infinity }

function isString(item: BareItem | undefined, text: string): boolean {
  return item?.kind === 'string' && item.value === text
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
  const unknown = components.find((name) => !isComponent(name))
  if (unknown !== undefined) return `requires '${unknown}', which is no component of a request`
  if (origin !== undefined && !isOrigin(origin)) {
    return `has the origin '${origin}', which must be a scheme and a host, such as https://example.com`
  }
  return tag === undefined || isPrintable(tag)
    ? undefined
    : `has the tag ${JSON.stringify(tag)}, which is not printable ASCII`
}

/** A component that a scheme can demand: a field, or one that is derived and takes no parameter. */
export function isComponent(name: unknown): boolean {
  return typeof name === 'string' && (FIELD_NAME.test(name) || DERIVED.includes(name))
}

/** What a string of a structured field can hold: RFC 9651 §3.3.3. */
export function isPrintable(tag: unknown): boolean {
  return typeof tag === 'string' && /^[ -~]*$/.test(tag)
}

/** Scheme and host. */
export function isOrigin(origin: unknown): boolean {
  return typeof origin === 'string' && /^https?:\/\/[^/?#]+$/.test(origin)
}
