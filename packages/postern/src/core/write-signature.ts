import { deriveCanonical } from './canonical-hmacs.ts'
import { isSoundId, signedContent, type Derive } from './check.ts'
import { isHmac } from './crypto.ts'
import { encode } from './encoding.ts'
import { PosternError } from './errors.ts'
import { computeSignature } from './hmac.ts'
import { deriveJoined, itemOf } from './item-hmacs.ts'
import { findInEach, findMember, replaceRanges } from './json-member.ts'
import { readable, readPath, textOf, type Readable } from './place.ts'
import { digestOf, signWith } from './public-key.ts'
import type { WebhookRequest } from './request.ts'
import type { Place, SignatureScheme } from './scheme.ts'
import type { SignedRequest, SignInput } from './sign-input.ts'
import { writeSignature } from './signature-header.ts'
import { formatTimestamp } from './timestamp.ts'
import { deriveUrl, withDigest } from './url-hmacs.ts'

/** A request with its signature, or with one for each of its items. */
export function writeSignatures(
  scheme: SignatureScheme,
  key: Uint8Array,
  input: SignInput,
  { body, url: given }: SignedRequest,
): SignedRequest {
  const url = input.headers?.['content-type'] === 'application/json' ? digested(scheme, given, body) : given
  const unsigned = { headers: { ...scheme.required }, body, url }
  const signing = { scheme, key, input }
  const whole = readable(requestOf(input, unsigned))
  if (scheme.each === undefined) return withSignature(signing, unsigned, whole, undefined)
  const items = readPath(whole.json(), scheme.each)
  if (!Array.isArray(items) || items.length === 0) throw unsignable(scheme)
  return items.reduce<SignedRequest>(
    (signed, item: unknown, index) => withSignature(signing, signed, itemOf(whole, item), index),
    unsigned,
  )
}

interface Signing {
  readonly scheme: SignatureScheme
  readonly key: Uint8Array
  readonly input: SignInput
}

function withSignature(
  { scheme, key, input }: Signing,
  unsigned: SignedRequest,
  from: Readable,
  index: number | undefined,
): SignedRequest {
  const headers: Record<string, string> = { ...unsigned.headers, ...listOf(scheme, input) }
  const fields = new Map<string, string>()
  const texts = { timestamp: timeOf(scheme, input, from), id: idOf(scheme, input, from) }
  if (texts.timestamp !== undefined) place(scheme.timestamp?.in, texts.timestamp, headers, fields)
  if (texts.id !== undefined) place(scheme.id?.in, texts.id, headers, fields)

  const request = requestOf(input, { ...unsigned, headers })
  const readFrom = { ...from, headers: request.headers, fields }
  const content = signedContent(scheme.content, request, readFrom, texts, derive)
  if (content === undefined) throw unsignable(scheme)
  const encoded = encode(signatureOf(scheme, key, content, input.privateKey), scheme.signature.encoding)
  const signature = writeSignature(encoded, scheme.signature, fields)
  const [at] = scheme.signature.in
  if (at === undefined) throw new PosternError('bad_scheme', `'${scheme.name}' has no place for a signature`)
  return 'header' in at
    ? { ...unsigned, headers: { ...headers, [at.header]: signature } }
    : { ...unsigned, headers, body: withMember(scheme, unsigned.body, at.json, index, signature) }
}

const derive: Derive = (part, request, from) =>
  deriveUrl(part, request, from) ?? deriveJoined(part, request, from) ?? deriveCanonical(part, request, from)

function requestOf(input: SignInput, { headers, body, url }: SignedRequest): WebhookRequest {
  const all = Object.entries({ ...headers, ...input.headers })
  return { method: input.method ?? 'POST', url, headers: all.flat(), body }
}

/** The URL with the digest of the body, where the scheme has one in it. */
function digested({ content }: SignatureScheme, url: string, body: Uint8Array): string {
  return content.reduce<string>((at, part) => withDigest(part, at, body), url)
}

/** The header that lists the signed ones, where it was not given. */
function listOf({ content }: SignatureScheme, { headers }: SignInput): Readonly<Record<string, string>> {
  const listed = content.flatMap((part) =>
    typeof part === 'object' && 'derived' in part && part.derived === 'listed-headers'
      ? [[part.listedIn, headers?.[part.listedIn] ?? part.must.join(',')] as const]
      : [],
  )
  return Object.fromEntries(listed)
}

/** What stands in the body is signed as it is. */
function timeOf({ timestamp }: SignatureScheme, { nowMs }: SignInput, from: Readable): string | undefined {
  return timestamp && (textIn(timestamp.in, from) ?? formatTimestamp(nowMs, timestamp.unit))
}

function idOf({ name, id: rule }: SignatureScheme, input: SignInput, from: Readable): string | undefined {
  const id = rule && (textIn(rule.in, from) ?? input.id)
  if (id !== undefined && rule !== undefined && !isSoundId(id, rule)) {
    throw new PosternError(
      'bad_scheme',
      `Cannot sign with '${name}': its ids must not contain ${rule.forbid}`,
    )
  }
  return id
}

function textIn(at: Place, from: Readable): string | undefined {
  return 'json' in at ? textOf(readPath(from.json(), at.json)) : undefined
}

/** Puts a value where the scheme reads it. What stands in the body or the query is the caller's to put there. */
function place(
  at: Place | undefined,
  value: string,
  headers: Record<string, string>,
  fields: Map<string, string>,
): void {
  if (at === undefined) return
  if ('header' in at) headers[at.header] = value
  if ('field' in at) fields.set(at.field, value)
}

/** The body with a signature in its place, or in its place in one of the items. */
function withMember(
  { name, each }: SignatureScheme,
  body: Uint8Array,
  member: readonly string[],
  index: number | undefined,
  signature: string,
): Uint8Array {
  const ranges = each === undefined ? findMember(body, member) : findInEach(body, each, member)?.[index ?? 0]
  if (ranges?.length !== 1) {
    throw new PosternError(
      'bad_scheme',
      `Cannot sign with '${name}': the body must have the member ${member.join('.')} once, with any value: the signature takes its place`,
    )
  }
  return replaceRanges(body, ranges, Buffer.from(JSON.stringify(signature)))
}

function signatureOf(
  { name, algorithm }: SignatureScheme,
  key: Uint8Array,
  content: readonly (string | Uint8Array)[],
  privateKey: string | undefined,
): Uint8Array {
  if (isHmac(algorithm)) return computeSignature(algorithm, key, content)
  if (algorithm === 'sha256') return digestOf(key, content)
  if (privateKey !== undefined) return signWith(privateKey, algorithm, content)
  throw new PosternError(
    'bad_scheme',
    `Cannot sign with '${name}' without its private key: the source has the public one`,
  )
}

function unsignable({ name }: SignatureScheme): PosternError {
  return new PosternError(
    'bad_scheme',
    `Cannot sign with '${name}': a part of its signed content was not given`,
  )
}
