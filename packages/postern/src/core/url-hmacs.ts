import { check, matchingKey, type Derive, type MatchingKey } from './check.ts'
import { constantTimeEqual, sha256 } from './crypto.ts'
import { parseForm, sortedForm } from './form.ts'
import { Keyring } from './keyring.ts'
import type { Method } from './method.ts'
import { parseJson } from './place.ts'
import type { DerivedPart, Part, SignatureScheme } from './scheme.ts'
import { isSigned, samePlace } from './sound-scheme.ts'
import { unsoundSignature } from './sound-signature.ts'
import { urlSpellings } from './url-spellings.ts'

/**
 * HMACs over a URL, which senders spell in several ways, and a form after it; or, where the URL ends in the digest of the
 * body, over the URL alone.
 *
 * The signature itself can be the id of an event, where there is one in the one spelling of base64: it stands for all that
 * is signed, and nobody else can make another.
 */
export const urlHmacs: Method<SignatureScheme> = {
  algorithms: ['hmac-sha1', 'hmac-sha256', 'hmac-sha512'],
  takes: ({ derives }) => derives === 'url-and-form',
  complaint: unsoundSignature,
  signs: (place, scheme) => {
    const { in: places, encoding, separator } = scheme.signature
    const isOneText = encoding === 'base64' && separator === undefined && places.length === 1
    return (
      'json' in place || isSigned(place, scheme) || (isOneText && places.every((at) => samePlace(at, place)))
    )
  },
  keyring: (secrets, { key }) => new Keyring(secrets, key),
  check(scheme, keys, request, options) {
    const result = check(scheme, keys, request, options, matchingSpelling, deriveUrl)
    const isWhole = scheme.content.every((part) => !isFormOrDigest(part) || holdsDigest(part, request))
    return result.ok && !isWhole ? { ok: false, reason: 'signature_mismatch' } : result
  },
  parse: (body) => parseJson(body) ?? parseForm(body),
}

/** The URL that is signed, and the form; nothing in place of a body whose digest is in the URL. */
export const deriveUrl: Derive = (part, { url, body }) => {
  if (part.derived === 'public-url') return part.base + queryOf(url)
  if (part.derived !== 'form-or-digest') return undefined
  const digest = digestIn(part, url)
  return digest === 'none' ? sortedForm(body) : digest && ''
}

/** The URL with the digest of a body at its end. */
export function withDigest(part: Part, url: string, body: Uint8Array): string {
  if (!isFormOrDigest(part)) return url
  return `${url}${url.includes('?') ? '&' : '?'}${part.digestIn}=${sha256(body).toString('hex')}`
}

const matchingSpelling: MatchingKey = (scheme, keys, signatures, [url, ...rest]) => {
  let matched: ReturnType<MatchingKey> = 'bad_encoding'
  for (const spelling of urlSpellings(String(url))) {
    if (typeof matched === 'string') matched = matchingKey(scheme, keys, signatures, [spelling, ...rest])
  }
  return matched
}

type FormOrDigest = DerivedPart & { readonly derived: 'form-or-digest' }

function isFormOrDigest(part: Part): part is FormOrDigest {
  return typeof part === 'object' && 'derived' in part && part.derived === 'form-or-digest'
}

/** Whether the digest in the URL, if there is one, is that of the body. */
function holdsDigest(part: FormOrDigest, { url, body }: { url: string; body: Uint8Array }): boolean {
  const digest = digestIn(part, url)
  return digest === 'none' || constantTimeEqual(sha256(body), Buffer.from(String(digest), 'hex'))
}

/**
 * The digest that a URL ends in; `undefined` where it stands elsewhere, comes twice or is none.
 *
 * At the end only: in a form that was signed, whoever wrote one of its values could have written the parameter, and the
 * request of the form sent again as a URL would be signed for any body.
 */
function digestIn({ digestIn: name }: FormOrDigest, url: string): string | undefined {
  const query = queryOf(url)
  const [before, digest, ...more] = query.split(`${name}=`)
  if (!query.includes(name)) return 'none'
  const isLast = more.length === 0 && /[?&]$/.test(String(before)) && /^[0-9a-f]{64}$/i.test(String(digest))
  return isLast ? digest : undefined
}

function queryOf(url: string): string {
  return /\?.*/s.exec(url)?.[0] ?? ''
}
