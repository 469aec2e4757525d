import { sameSecret } from './crypto.ts'
import { decodeStrictly, encode } from './encoding.ts'
import { PosternError } from './errors.ts'
import { findInEach, findMember, replaceRanges, stringAt } from './json-member.ts'
import { Keyring } from './keyring.ts'
import type { Reason } from './reason.ts'
import { readable, readPlace } from './place.ts'
import { DOUBLED, headerValue, type HeaderList, type WebhookRequest } from './request.ts'
import type {
  SecretInBody,
  SecretInEach,
  SecretInHeader,
  SecretInQuery,
  StaticSecretScheme,
} from './scheme.ts'
import { MAX_HEADER_LENGTH } from './signature-header.ts'

/** Which of the keys the secret is that a request carries. */
export function matchSecret(
  keys: Keyring,
  read: ReadSecret,
): { readonly ok: true; readonly secretIndex: number } | { readonly ok: false; readonly reason: Reason } {
  if ('reason' in read) return { ok: false, reason: read.reason }
  let matched: number | undefined
  keys.forEach((key, index) => {
    if (sameSecret(key, read.sent)) matched ??= index
  })
  return matched === undefined ? { ok: false, reason: 'secret_mismatch' } : { ok: true, secretIndex: matched }
}

/** Puts the secret where the scheme has it: into a header, the URL, or the body. */
export function writeStaticSecret(
  { secret }: StaticSecretScheme,
  key: Uint8Array,
  { url, body }: { readonly url: string; readonly body: Uint8Array },
): {
  readonly headers: Readonly<Record<string, string>>
  readonly url: string
  readonly body: Uint8Array
} {
  if ('query' in secret) return { headers: {}, url: withParameter(secret, key, url), body }
  if ('each' in secret) return { headers: {}, url, body: withMembers(secret, key, body) }
  if ('json' in secret) return { headers: {}, url, body: withMember(secret, key, body) }
  const word = secret.authScheme === undefined ? '' : `${secret.authScheme} `
  const written = secret.encoding === undefined ? secretText(key) : encode(key, secret.encoding)
  return { headers: { [secret.header]: word + written }, url, body }
}

/** The keys of a static secret. Refuses what no request can carry, which would be found out only at the first one. */
export function staticKeyring(secrets: readonly string[], { secret: place }: StaticSecretScheme): Keyring {
  const isText = !('header' in place) || place.encoding !== undefined
  const form = isText ? UNBROKEN_TEXT : HEADER_TEXT
  if (!secrets.every((secret) => form.test(secret))) {
    throw new PosternError(
      'bad_secret',
      `A secret that is sent as it is must not begin or end with white space, nor hold ${isText ? 'control characters' : 'anything but printable ASCII'}; a file or a variable often leaves a line break at its end`,
    )
  }
  return new Keyring(secrets, { as: 'utf8' })
}

/** A field value of a header: RFC 9110 §5.5 without its obsolete bytes, which clients write in different encodings. */
const HEADER_TEXT = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/
const UNBROKEN_TEXT = /^(?!\s)[^\p{Cc}]*(?<!\s)$/u

/** What a request carries; a value whatever that is, never a throw. */
export type ReadSecret = { readonly sent: Uint8Array } | { readonly reason: Reason }

export function readHeader(place: SecretInHeader, headers: HeaderList): ReadSecret {
  const text = headerValue(headers, place.header)
  if (text === undefined) return { reason: 'missing_header' }
  if (text === DOUBLED) return { reason: 'duplicate_header' }
  if (text.length > MAX_HEADER_LENGTH) return { reason: 'malformed_header' }
  const written = place.authScheme === undefined ? text : afterWord(text, place.authScheme)
  if (written === undefined) return { reason: 'malformed_header' }
  if (place.encoding === undefined) return { sent: Buffer.from(written, 'utf8') }
  const sent = decodeStrictly(written, place.encoding)
  return sent === undefined ? { reason: 'bad_encoding' } : { sent }
}

/** RFC 9110 §11.4: the word, at least one space, and the rest. */
function afterWord(text: string, word: string): string | undefined {
  if (text.slice(0, word.length).toLowerCase() !== word.toLowerCase()) return undefined
  const rest = text.slice(word.length)
  return rest.startsWith(' ') ? rest.replace(/^ +/, '') : undefined
}

export function readMember(place: SecretInBody, body: Uint8Array): ReadSecret {
  const [range, second] = findMember(body, place.json) ?? []
  if (range === undefined) return { reason: 'missing_secret' }
  if (second !== undefined) return { reason: 'duplicate_secret' }
  const text = stringAt(body, range)
  return text === undefined ? { reason: 'missing_secret' } : { sent: Buffer.from(text, 'utf8') }
}

/** One secret for each element; why not, where an element has none, or more than one. */
export function readEachMember(place: SecretInEach, body: Uint8Array): readonly ReadSecret[] {
  const elements = findInEach(body, place.each, place.member)
  if (elements === undefined || elements.length === 0) return [{ reason: 'missing_secret' }]
  return elements.map(([range, second]) => {
    if (range === undefined) return { reason: 'missing_secret' }
    if (second !== undefined) return { reason: 'duplicate_secret' }
    const text = stringAt(body, range)
    return text === undefined ? { reason: 'missing_secret' } : { sent: Buffer.from(text, 'utf8') }
  })
}

export function readParameter({ query }: SecretInQuery, request: WebhookRequest): ReadSecret {
  const text = readPlace({ query }, readable(request))
  if (text === DOUBLED) return { reason: 'duplicate_secret' }
  return text === undefined ? { reason: 'missing_secret' } : { sent: Buffer.from(text, 'utf8') }
}

function withMember(place: SecretInBody, key: Uint8Array, body: Uint8Array): Uint8Array {
  const ranges = findMember(body, place.json)
  if (ranges?.length !== 1) {
    throw new PosternError(
      'bad_scheme',
      `The body to send must be JSON and have the member ${place.json.join('.')} once, with any value: the secret takes its place`,
    )
  }
  return replaceRanges(body, ranges, Buffer.from(JSON.stringify(secretText(key))))
}

function withMembers(place: SecretInEach, key: Uint8Array, body: Uint8Array): Uint8Array {
  const ranges = findInEach(body, place.each, place.member)
  if (!ranges?.every((found) => found.length === 1) || ranges.length === 0) {
    throw new PosternError(
      'bad_scheme',
      `The body to send must be JSON and have ${place.member.join('.')} once in each element of ${place.each.join('.')}, with any value: the secret takes its place`,
    )
  }
  return replaceRanges(body, ranges.flat(), Buffer.from(JSON.stringify(secretText(key))))
}

function withParameter({ query }: SecretInQuery, key: Uint8Array, url: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${query}=${encodeURIComponent(secretText(key))}`
}

/** A secret as text. */
export function secretText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('utf8')
}
