import { constantTimeEqualText, isHmac } from './crypto.ts'
import { signatureText } from './hmac.ts'
import type { Keyring } from './keyring.ts'
import { readable, readPlace, type Readable } from './place.ts'
import type { Reason } from './reason.ts'
import { DOUBLED, headerValue, type HeaderList, type WebhookRequest } from './request.ts'
import type { DerivedPart, Part, Place, Scheme, SignatureScheme, SignedIdRule } from './scheme.ts'
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
  const timestamp = readTimestamp(scheme, from)
  if ('reason' in timestamp) return refused(timestamp.reason)
  const id = readSignedId(scheme, from)
  if ('reason' in id) return refused(id.reason)
  const texts = { timestamp: timestamp.text, id: id.text }
  const content = signedContent(scheme.content, request, from, texts, derive)
  if (content === undefined) return refused('missing_content')

  const secretIndex = match(scheme, keys, read.signatures, content)
  if (secretIndex === undefined) {
    const isAnyDecoded = read.signatures.some((written) => decodeSignature(written, scheme))
    return refused(isAnyDecoded ? 'signature_mismatch' : 'bad_encoding')
  }
  if (timestamp.epochMs === undefined) return { ok: true, secretIndex }
  const tolerance =
    options.toleranceSeconds ?? scheme.timestamp?.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS
  const age = freshness(timestamp.epochMs, options.nowMs, tolerance)
  return age === 'fresh' ? { ok: true, secretIndex } : refused(age)
}

/** The signed bytes of a request in their parts; `undefined` where one of them is absent. */
export function signedContent(
  parts: readonly Part[],
  request: WebhookRequest,
  from: Readable,
  texts: { readonly timestamp: string | undefined; readonly id: string | undefined },
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
  texts: { readonly timestamp: string | undefined; readonly id: string | undefined },
): string | Uint8Array | undefined {
  if (part === 'body') return request.body
  if (part === 'timestamp' || part === 'id') return texts[part]
  if (part === 'url' || part === 'method') return request[part]
  if ('literal' in part) return part.literal
  const found = readPlace(part, from)
  return found === DOUBLED ? undefined : found
}

/**
 * Tries every signature against every key, without stopping at the first that fits; answers the key's index. Signatures come
 * as they are written, and one that is not written in the canonical form fits no key.
 */
export type MatchingKey = (
  scheme: SignatureScheme,
  keys: Keyring,
  signatures: readonly string[],
  content: readonly (string | Uint8Array)[],
) => number | undefined

export const matchingKey: MatchingKey = ({ algorithm, signature }, keys, signatures, content) => {
  if (!isHmac(algorithm)) return undefined
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
  return matched
}

/** What comes before any secret is looked at: that there is one, and the headers that must have exact values. */
export function unmetCondition(scheme: Scheme, keys: Keyring, headers: HeaderList): Reason | undefined {
  if (keys.size === 0) return 'no_secret'
  if (scheme.required === undefined) return undefined
  for (const [name, required] of Object.entries(scheme.required)) {
    const value = headerValue(headers, name)
    if (value === undefined) return 'missing_header'
    if (value === DOUBLED) return 'duplicate_header'
    if (value !== required) return 'malformed_header'
  }
  return undefined
}

type ReadText = { readonly text: string | undefined; readonly epochMs?: number } | { readonly reason: Reason }

function readTimestamp(scheme: SignatureScheme, from: Readable): ReadText {
  if (scheme.timestamp === undefined) return NO_TEXT
  const read = readNeeded(scheme.timestamp.in, from)
  if ('reason' in read) return read
  const epochMs = parseTimestamp(read.text, scheme.timestamp.unit)
  return epochMs === undefined ? { reason: 'malformed_timestamp' } : { text: read.text, epochMs }
}

function readSignedId(scheme: SignatureScheme, from: Readable): ReadText {
  if (scheme.id === undefined) return NO_TEXT
  const read = readNeeded(scheme.id.in, from)
  return 'reason' in read || isSoundId(read.text, scheme.id) ? read : { reason: 'malformed_id' }
}

/** Whether an id leaves no doubt where it ends in the signed content. */
export function isSoundId(id: string, rule: SignedIdRule): boolean {
  for (const character of rule.forbid ?? '') if (id.includes(character)) return false
  return id !== ''
}

function readNeeded(place: Place, from: Readable): { readonly text: string } | { readonly reason: Reason } {
  const found = readPlace(place, from)
  if (found === DOUBLED) return { reason: 'duplicate_header' }
  return found === undefined ? { reason: 'missing_header' } : { text: found }
}

const NO_TEXT = { text: undefined }

function refused(reason: Reason): { readonly ok: false; readonly reason: Reason } {
  return { ok: false, reason }
}
