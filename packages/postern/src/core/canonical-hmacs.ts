import { check, matchingKey, type Derive } from './check.ts'
import { Keyring } from './keyring.ts'
import type { Method } from './method.ts'
import { headerValue, type HeaderList } from './request.ts'
import type { Place, SignatureScheme } from './scheme.ts'
import { isSigned } from './sound-scheme.ts'
import { unsoundSignature } from './sound-signature.ts'

/** More than any provider lists; beyond it a sender is spending our time. */
const MAX_LISTED = 64

/** HMACs over a request in a canonical form, in which the sender lists the headers that it has signed. */
export const canonicalHmacs: Method<SignatureScheme> = {
  algorithms: ['hmac-sha1', 'hmac-sha256', 'hmac-sha512'],
  takes: ({ derives }) => derives === 'listed-headers',
  complaint: (scheme) => {
    const { timestamp, content } = scheme
    const isListedTime = timestamp !== undefined && signsHeader(timestamp.in, scheme)
    return unsoundSignature(isListedTime ? { ...scheme, content: [...content, 'timestamp'] } : scheme)
  },
  signs: signsHeader,
  keyring: (secrets, { key }) => new Keyring(secrets, key),
  check: (scheme, keys, request, options) =>
    check(scheme, keys, request, options, matchingKey, deriveCanonical),
}

/** A header that has to be listed is signed. */
function signsHeader(place: Place, scheme: SignatureScheme): boolean {
  return isSigned(place, scheme) || scheme.content.some((part) => isListed(part, place))
}

function isListed(part: SignatureScheme['content'][number], place: Place): boolean {
  return (
    typeof part === 'object' &&
    'derived' in part &&
    part.derived === 'listed-headers' &&
    'header' in place &&
    part.must.includes(place.header)
  )
}

/** The path, and the headers that are listed. */
export const deriveCanonical: Derive = (part, { url, headers }) => {
  if (part.derived === 'escaped-path') return escapedPath(part.of ?? url)
  return part.derived === 'listed-headers' ? listedHeaders(part, headers) : undefined
}

/**
 * The listed headers as `name:value`, with `;` between them; `undefined` where one is listed that is not there, or twice,
 * and where one is not listed that must be: what the sender leaves out anybody could change.
 */
function listedHeaders(
  { listedIn, must }: { readonly listedIn: string; readonly must: readonly string[] },
  headers: HeaderList,
): string | undefined {
  const listed = headerValue(headers, listedIn)
  if (typeof listed !== 'string') return undefined
  const names = listed.split(',', MAX_LISTED + 1)
  const isSound = names.length <= MAX_LISTED && new Set(names).size === names.length
  if (!isSound || !must.every((name) => names.includes(name))) return undefined
  const lines: string[] = []
  for (const name of names) {
    const value = headerValue(headers, name)
    if (typeof value !== 'string') return undefined
    lines.push(`${name}:${value.trim()}`)
  }
  return lines.join(';')
}

/**
 * The path and the query, escaped as they are once more; without scheme and host, which are not signed. `undefined` where
 * there are two question marks: the official library signs nothing after the second.
 */
function escapedPath(url: string): string | undefined {
  const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  const [pathname = '', query, ...others] = path.split('?')
  // Unpaired surrogates have no escape; no URL on the wire has any.
  if (others.length > 0 || /\p{Cs}/u.test(path)) return undefined
  return encodeURI(query ? `${pathname}?${encodeURIComponent(query)}` : pathname)
}
