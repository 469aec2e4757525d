import { isSoundId, signedContent } from './check.ts'
import { isHmac } from './crypto.ts'
import { computeSignature } from './hmac.ts'
import { encode } from './encoding.ts'
import { PosternError } from './errors.ts'
import type { KeyedScheme } from './method.ts'
import { readable } from './place.ts'
import { digestOf, signWith } from './public-key.ts'
import type { Place, SignatureScheme } from './scheme.ts'
import { writeSignature } from './signature-header.ts'
import { secretNameOf } from './sound-scheme.ts'
import type { Source } from './source.ts'
import { writeStaticSecret } from './static-secret.ts'
import { formatTimestamp } from './timestamp.ts'

/** What is to be signed. */
export interface SignInput {
  readonly body: Uint8Array | string
  /** Milliseconds since the epoch that the request claims. */
  readonly nowMs: number
  /** Which of the source's schemes to speak; the first where absent. */
  readonly scheme?: string
  /** The message id, where the scheme signs one. */
  readonly id?: string
  readonly method?: string
  readonly url?: string
  /** Further headers that the scheme's content names. */
  readonly headers?: Readonly<Record<string, string>>
  /** In PEM, where the source has the public key only. */
  readonly privateKey?: string
}

/** What is sent beside the headers that were given. */
export interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>
  /** The body that was given, except where the provider puts its secret into it. */
  readonly body: Uint8Array
}

/**
 * Signs a request as the provider would: the inverse of `verify`, over the same scheme data. Answers the headers to
 * send with the body, without those that were given. Throws `PosternError` where the source has no secret or scheme
 * of that name, or sends its secret in the body, which `signRequest` writes.
 */
export function sign(source: Source, input: SignInput): Record<string, string> {
  const { headers, body } = signRequest(source, input)
  if (Buffer.compare(body, bytesOf(input.body)) !== 0) {
    throw new PosternError(
      'bad_scheme',
      `${source.provider.name} sends its secret in the body; use signRequest, which answers the body too`,
    )
  }
  return { ...headers }
}

/**
 * Signs a request as the provider would, and puts a static secret where the provider puts it: one scheme for each
 * secret of the source. Throws `PosternError` where the source has no secret or scheme of that name.
 */
export function signRequest(source: Source, input: SignInput): SignedRequest {
  let headers: Readonly<Record<string, string>> = {}
  let body = bytesOf(input.body)
  // What is signed is what is sent: secrets go into the body before anything is computed over it.
  for (const { scheme, keys } of schemesToSpeak(source, input.scheme).toSorted(staticFirst)) {
    if (scheme.algorithm !== 'static-secret') {
      headers = { ...headers, ...signatureHeaders(scheme, keys.first(), { ...input, body }) }
      continue
    }
    const written = writeStaticSecret(scheme, keys.first(), body)
    headers = { ...headers, ...scheme.required, ...written.headers }
    body = written.body
  }
  return { headers, body }
}

function staticFirst({ scheme: left }: KeyedScheme, { scheme: right }: KeyedScheme): number {
  return Number(right.algorithm === 'static-secret') - Number(left.algorithm === 'static-secret')
}

/** One scheme of each secret that is configured: the one named, or the first. */
function schemesToSpeak(source: Source, name: string | undefined): readonly KeyedScheme[] {
  const named = schemeOf(source, name)
  const spoken = new Map([[secretNameOf(named.scheme), named]])
  for (const keyed of source.schemes) {
    const secretName = secretNameOf(keyed.scheme)
    if (keyed.keys.size > 0 && !spoken.has(secretName)) spoken.set(secretName, keyed)
  }
  return [...spoken.values()]
}

function signatureHeaders(
  scheme: SignatureScheme,
  key: Uint8Array,
  input: SignInput & { readonly body: Uint8Array },
): Record<string, string> {
  const headers: Record<string, string> = { ...scheme.required }
  const fields = new Map<string, string>()
  const timestamp = scheme.timestamp && formatTimestamp(input.nowMs, scheme.timestamp.unit)
  if (scheme.timestamp !== undefined && timestamp !== undefined) {
    place(scheme.timestamp.in, timestamp, headers, fields)
  }
  if (scheme.id !== undefined && input.id !== undefined && !isSoundId(input.id, scheme.id)) {
    throw new PosternError(
      'bad_scheme',
      `Cannot sign with '${scheme.name}': its ids must not contain ${scheme.id.forbid}`,
    )
  }
  if (scheme.id !== undefined && input.id !== undefined) place(scheme.id.in, input.id, headers, fields)

  const request = {
    method: input.method ?? 'POST',
    url: input.url ?? '',
    headers: Object.entries({ ...headers, ...input.headers }).flat(),
    body: input.body,
  }
  const content = signedContent(scheme.content, request, readable(request, fields), {
    timestamp,
    id: input.id,
  })
  if (content === undefined) {
    throw new PosternError(
      'bad_scheme',
      `Cannot sign with '${scheme.name}': a part of its signed content was not given`,
    )
  }
  const signature = encode(signatureOf(scheme, key, content, input.privateKey), scheme.signature.encoding)
  headers[signatureHeader(scheme)] = writeSignature(signature, scheme.signature, fields)
  return headers
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

function bytesOf(body: Uint8Array | string): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body, 'utf8') : body
}

/** The scheme of a name; without one, the first that has a key, and else the first. */
function schemeOf(source: Source, name: string | undefined): KeyedScheme {
  const found =
    name === undefined
      ? (source.schemes.find(({ keys }) => keys.size > 0) ?? source.schemes[0])
      : source.schemes.find(({ scheme }) => scheme.name === name)
  if (found === undefined) {
    const known = source.schemes.map(({ scheme }) => scheme.name).join(', ')
    throw new PosternError('bad_scheme', `${source.provider.name} has no scheme '${name}'; it has ${known}`)
  }
  return found
}

function signatureHeader(scheme: SignatureScheme): string {
  const first = scheme.signature.in[0]
  if (first === undefined)
    throw new PosternError('bad_scheme', `'${scheme.name}' has no place for a signature`)
  return first.header
}

/** Puts a value where the scheme reads it. What stands in the body or the query is the caller's to put there. */
function place(at: Place, value: string, headers: Record<string, string>, fields: Map<string, string>): void {
  if ('header' in at) headers[at.header] = value
  if ('field' in at) fields.set(at.field, value)
}
