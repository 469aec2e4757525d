import { findInEach, findMember, replaceRanges } from './json-member.ts'
import type { Keyring } from './keyring.ts'
import { parseJson } from './place.ts'
import type { HeaderList, WebhookRequest } from './request.ts'
import type { Scheme, SecretInBody, SecretInEach, SecretInQuery, StaticSecretScheme } from './scheme.ts'
import { secretText } from './static-secret.ts'
import { holdsSecret } from './stray-secret.ts'

/** What stands in a stored body where the secret was. */
const CUT_OUT = '[redacted]'
const CUT_OUT_BYTES: Uint8Array = /* @__PURE__ */ Buffer.from('"[redacted]"')

/** Longer refused bodies are not shown: searching a hostile megabyte for secrets takes up to 0.3 s, which anybody could ask for. */
const MAX_SHOWN_BYTES = 65_536

/**
 * The request without the secrets that these schemes carry, genuine or not: headers dropped, members of the body
 * replaced, every other byte as it came. A body that must have one and cannot be read for it is dropped whole.
 */
export function withoutStaticSecrets(
  schemes: readonly { readonly scheme: Scheme }[],
  request: WebhookRequest,
): WebhookRequest {
  let kept = request
  for (const { scheme } of schemes) {
    if (scheme.algorithm === 'static-secret') kept = withoutSecret(kept, scheme.secret)
    // A token is a secret for as long as it lasts.
    if (scheme.algorithm === 'jwt') kept = withoutSecret(kept, scheme.token)
  }
  return kept
}

function withoutSecret(request: WebhookRequest, secret: StaticSecretScheme['secret']): WebhookRequest {
  if ('header' in secret) return { ...request, headers: withoutHeader(request.headers, secret.header) }
  if ('query' in secret) return { ...request, url: withoutParameter(request.url, secret) }
  const body = 'each' in secret ? withoutMembers(request.body, secret) : withoutMember(request.body, secret)
  return { ...request, body }
}

/**
 * A refused request as it may be shown: also without whatever else has a configured static secret in it. A sender that
 * was set up wrongly puts it into another header, another member or the URL.
 */
export function withoutStraySecrets(
  schemes: readonly { readonly scheme: Scheme; readonly keys: Keyring }[],
  request: WebhookRequest,
): WebhookRequest {
  if (!schemes.some(({ scheme }) => scheme.algorithm === 'static-secret'))
    return withoutStaticSecrets(schemes, request)
  const shown = request.body.byteLength > MAX_SHOWN_BYTES ? { ...request, body: new Uint8Array() } : request
  let { url, headers, body } = withoutStaticSecrets(schemes, shown)
  const spellings = spellingsOf(url)
  for (const { scheme, keys } of schemes) {
    if (scheme.algorithm !== 'static-secret') continue
    keys.forEach((key) => {
      headers = withoutHeadersOf(headers, key)
      if (spellings.some((bytes) => holdsSecret(bytes, key))) url = CUT_OUT
      if (holds(body, key)) body = new Uint8Array()
    })
  }
  return { ...request, url, headers, body }
}

/** The body with something else in the secret's place; an empty one where it cannot be read for it. */
export function withoutMember(body: Uint8Array, place: SecretInBody): Uint8Array {
  const ranges = findMember(body, place.json)
  return ranges === undefined ? new Uint8Array() : replaceRanges(body, ranges, CUT_OUT_BYTES)
}

/** The body with something else in the secret's place in each element; an empty one where it cannot be read for it. */
export function withoutMembers(body: Uint8Array, { each, member }: SecretInEach): Uint8Array {
  const ranges = findInEach(body, each, member)
  return ranges === undefined ? new Uint8Array() : replaceRanges(body, ranges.flat(), CUT_OUT_BYTES)
}

/** The URL with something else in the place of a parameter's value, however often it comes and its name is escaped. */
export function withoutParameter(url: string, { query: name }: SecretInQuery): string {
  const start = url.indexOf('?')
  if (start < 0) return url
  const pairs = url.slice(start + 1).split('&')
  const kept = pairs.map((pair) => (new URLSearchParams(pair).has(name) ? `${name}=${CUT_OUT}` : pair))
  return `${url.slice(0, start)}?${kept.join('&')}`
}

/** The headers without one, named in lower case. */
export function withoutHeader(headers: HeaderList, name: string): HeaderList {
  const kept: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    const candidate = headers[index] as string
    if (candidate.toLowerCase() !== name) kept.push(candidate, headers[index + 1] ?? '')
  }
  return kept
}

/** A URL as it came, and what it stands for: clients differ in what they escape and how, and forms write a space as `+`. */
function spellingsOf(url: string): readonly Uint8Array[] {
  return [Buffer.from(url), unescaped(url), unescaped(url.replaceAll('+', ' '))]
}

function unescaped(url: string): Uint8Array {
  const bytes = Buffer.from(url).toString('latin1')
  return Buffer.from(
    bytes.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  )
}

/** Also without a header that has the secret as its name: HTTP cuts that at a colon, and may make small letters of it. */
function withoutHeadersOf(headers: HeaderList, key: Uint8Array): HeaderList {
  const kept: string[] = []
  const secret = Buffer.from(inSmallLetters(secretText(key)))
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    const value = headers[index + 1] ?? ''
    if (!holdsText(inSmallLetters(`${name}:${value}`), secret)) kept.push(name, value)
  }
  return kept
}

/** Of ASCII only: `toLowerCase` makes of some letters one that depends on what stands around them. */
function inSmallLetters(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** As bytes, or escaped in JSON. */
function holds(body: Uint8Array, key: Uint8Array): boolean {
  if (holdsSecret(body, key)) return true
  const parsed = body.includes(BACKSLASH) ? parseJson(body) : undefined
  const escaped = Buffer.from(JSON.stringify(secretText(key)).slice(1, -1))
  return parsed !== undefined && holdsText(JSON.stringify(parsed), escaped)
}

const BACKSLASH = 0x5c

function holdsText(text: string, secret: Uint8Array): boolean {
  return holdsSecret(Buffer.from(text), secret)
}
