import { constantTimeEqualText, isHmac, SIGNATURE_BYTES } from './crypto.ts'
import { signatureText } from './hmac.ts'
import type { Keyring } from './keyring.ts'
import { readable, readPlace, type Readable } from './place.ts'
import type { Reason } from './reason.ts'
import { DOUBLED, headerValue, type HeaderList, type WebhookRequest } from './request.ts'
import type { DerivedPart, Part, Scheme, SignatureScheme, SignedIdRule } from './scheme.ts'
import { decodeSignature, readSignatures } from './signature-header.ts'
import { DEFAULT_TOLERANCE_SECONDS, freshness, parseTimestamp } from './timestamp.ts'

/** What a check needs beside the request. */
export interface CheckOptions {
  readonly nowMs: number
  /** Wins over the scheme's own tolerance. 0 means 0. */
  readonly toleranceSeconds?: number | undefined
}

export type CheckResult =
  | {
      readonly ok: true
      /** Index of the secret that matched, in the order given. */
      readonly secretIndex: number
    }
  | { readonly ok: false; readonly reason: Reason }

/**
 * Whether a request is authentic and fresh under one scheme of signatures and its keys. Synchronous and total: any bytes give a
 * result, none a throw.
 *
 * The signature comes first and freshness second, so that `stale` says of a request that it is the provider's.
 */
export function check(
  scheme: SignatureScheme,
  keys: Keyring,
  request: WebhookRequest,
  options: CheckOptions,
  match: MatchingKey = matchingKey,
  derive?: Derive,
  whole: Readable = readable(request),
): CheckResult {
  const unmet = unmetCondition(scheme, keys, request.headers)
  if (unmet !== undefined) return refused(unmet)
  const read = readSignatures(whole, scheme.signature)
  if (!read.ok) return read

  const from = read.fields === undefined ? whole : { ...whole, fields: read.fields }
  const texts = readTexts(scheme, from)
  if (typeof texts === 'string') return refused(texts)
  const content = signedContent(scheme.content, request, from, texts, derive)
  if (content === undefined) return refused('missing_content')

  const secretIndex = match(scheme, keys, read.signatures, content)
  if (typeof secretIndex === 'string') return refused(secretIndex)
  if (texts.epochMs === undefined) return { ok: true, secretIndex }
  const tolerance =
    options.toleranceSeconds ?? scheme.timestamp?.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS
  const age = freshness(texts.epochMs, options.nowMs, tolerance)
  return age === 'fresh' ? { ok: true, secretIndex } : refused(age)
}

/** The signed bytes of a request in their parts; `undefined` where one of them is absent. */
export function signedContent(
  parts: readonly Part[],
  request: WebhookRequest,
  from: Readable,
  texts: Pick<SignedTexts, 'timestamp' | 'id'>,
  derive?: Derive,
): (string | Uint8Array)[] | undefined {
  const content: (string | Uint8Array)[] = []
  for (const part of parts) {
    const bytes =
      typeof part === 'object' && 'derived' in part
        ? derive?.(part, request, from)
        : contentOf(part, request, from, texts)
    if (bytes === undefined) return undefined
    content.push(bytes)
  }
  return content
}

/** Makes a part that does not stand in a request as such; `undefined` where it cannot be made. Never throws. */
export type Derive = (
  part: DerivedPart,
  request: WebhookRequest,
  from: Readable,
) => string | Uint8Array | undefined

function contentOf(
  part: Exclude<Part, DerivedPart>,
  request: WebhookRequest,
  from: Readable,
  texts: Pick<SignedTexts, 'timestamp' | 'id'>,
): string | Uint8Array | undefined {
  if (part === 'body') return request.body
  if (part === 'timestamp') return texts.timestamp
  if (part === 'id') return texts.id
  if (part === 'url') return request.url
  if (part === 'method') return request.method
  if ('literal' in part) return part.literal
  const found = readPlace(part, from)
  return found === DOUBLED ? undefined : found
}

/**
 * Tries every signature against every key, without stopping at the first that fits; answers the key's index, or whether
 * there was a signature at all. They come as they are written, and one that is not in the canonical form fits no key.
 */
export type MatchingKey = (
  scheme: SignatureScheme,
  keys: Keyring,
  signatures: readonly string[],
  content: readonly (string | Uint8Array)[],
) => number | 'signature_mismatch' | 'bad_encoding'

/** Of an HMAC. */
export const matchingKey: MatchingKey = ({ algorithm, signature }, keys, signatures, content) => {
  if (!isHmac(algorithm)) return 'signature_mismatch'
  const { encoding } = signature
  let matched: number | undefined
  keys.forEach((key, index) => {
    const expected = signatureText(algorithm, key, content, encoding)
    for (const sent of signatures) {
      // Hex may be in either case (RFC 4648 §8).
      const text = encoding === 'hex' ? sent.toLowerCase() : sent
      if (constantTimeEqualText(expected, text)) matched ??= index
    }
  })
  if (matched !== undefined) return matched
  return mismatch(signatures.some((sent) => decodeSignature(sent, encoding, SIGNATURE_BYTES[algorithm])))
}

/** Why no key fits. */
export function mismatch(isAnyDecoded: boolean): 'signature_mismatch' | 'bad_encoding' {
  return isAnyDecoded ? 'signature_mismatch' : 'bad_encoding'
}

/** What comes before any secret is looked at: that there is one, and the headers that must have exact values. */
export function unmetCondition(scheme: Scheme, keys: Keyring, headers: HeaderList): Reason | undefined {
  if (keys.size === 0) return 'no_secret'
  if (scheme.required === undefined) return undefined
  for (const [name, required] of Object.entries(scheme.required)) {
    const value = headerValue(headers, name)
    if (typeof value !== 'string') return lackOf(value)
    if (value !== required) return 'malformed_header'
  }
  return undefined
}

/** Texts that stand in a request and are signed with it. */
interface SignedTexts {
  readonly timestamp: string | undefined
  readonly epochMs: number | undefined
  readonly id: string | undefined
}

/** Reads the time and the id that a scheme has; a reason where one is not as it must be. */
function readTexts({ timestamp: time, id: signedId }: SignatureScheme, from: Readable): SignedTexts | Reason {
  let timestamp: string | undefined
  let epochMs: number | undefined
  let id: string | undefined
  if (time !== undefined) {
    const found = readPlace(time.in, from)
    if (typeof found !== 'string') return lackOf(found)
    timestamp = found
    epochMs = parseTimestamp(timestamp, time.unit)
    if (epochMs === undefined) return 'malformed_timestamp'
  }
  if (signedId !== undefined) {
    const found = readPlace(signedId.in, from)
    if (typeof found !== 'string') return lackOf(found)
    id = found
    if (!isSoundId(id, signedId)) return 'malformed_id'
  }
  return { timestamp, epochMs, id }
}

/** Whether an id leaves no doubt where it ends in the signed content. */
export function isSoundId(id: string, rule: SignedIdRule): boolean {
  for (const character of rule.forbid ?? '') if (id.includes(character)) return false
  return id !== ''
}

/** Why what must be single was not found. */
export function lackOf(found: undefined | typeof DOUBLED): Reason {
  return found === DOUBLED ? 'duplicate_header' : 'missing_header'
}

export function refused(reason: Reason): { readonly ok: false; readonly reason: Reason } {
  return { ok: false, reason }
}
