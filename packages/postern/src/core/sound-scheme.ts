import { SIGNATURE_BYTES } from './crypto.ts'
import { PosternError } from './errors.ts'
import type { Provider } from './provider.ts'
import type { Place, Scheme, SignatureScheme, StaticSecretScheme } from './scheme.ts'

/** Refuses schemes that look protected and are not, or that no request can pass. */
export function assertSound(provider: Provider): void {
  for (const scheme of provider.schemes) {
    const complaint = unsoundness(scheme) ?? mixedSecret(scheme, provider.schemes)
    if (complaint !== undefined) {
      throw new PosternError('bad_scheme', `${provider.name}: scheme '${scheme.name}' ${complaint}`)
    }
  }
}

/** Name of the secret that a scheme is verified by. */
export function secretNameOf(scheme: Scheme): string {
  return scheme.verifiedBy ?? 'secret'
}

/**
 * Whether a place is inside what a scheme authenticates. Under a static secret that is the body: nothing is signed, and
 * whoever has the secret writes all of it.
 */
export function isSigned(place: Place, scheme: Scheme): boolean {
  if (scheme.algorithm === 'static-secret') return 'json' in place
  if ('json' in place) return scheme.content.includes('body')
  if (scheme.id !== undefined && samePlace(scheme.id.in, place)) return true
  return scheme.content.some(
    (part) => typeof part === 'object' && !('literal' in part) && samePlace(part, place),
  )
}

function samePlace(left: Place, right: Place): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

function unsoundness(scheme: Scheme): string | undefined {
  const complaint = scheme.algorithm === 'static-secret' ? unsoundSecret(scheme) : unsoundSignature(scheme)
  if (complaint !== undefined) return complaint
  const header = headerNames(scheme).find((name) => name !== name.toLowerCase())
  return header === undefined ? undefined : `names the header '${header}', which must be in lower case`
}

/** Every request shows a static secret to whatever it passes through; whoever saw one could then sign as well. */
function mixedSecret(scheme: Scheme, schemes: readonly Scheme[]): string | undefined {
  if (scheme.algorithm !== 'static-secret') return undefined
  const name = secretNameOf(scheme)
  const signing = schemes.find((other) => other.algorithm !== 'static-secret' && secretNameOf(other) === name)
  return (
    signing &&
    `sends the secret itself, and must have another than '${signing.name}' signs with: set its verifiedBy`
  )
}

function unsoundSecret({ secret }: StaticSecretScheme): string | undefined {
  if ('json' in secret) return secret.json.length === 0 ? 'has no place for a secret' : undefined
  if (!TOKEN.test(secret.header)) return `has a secret in '${secret.header}', which no header is called`
  const word = secret.authScheme
  return word === undefined || TOKEN.test(word) ? undefined : `has an authScheme that is no word, '${word}'`
}

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

function unsoundSignature(scheme: SignatureScheme): string | undefined {
  const { timestamp, id, content } = scheme
  if (SIGNATURE_BYTES[scheme.algorithm] === undefined)
    return `has an unknown algorithm, '${scheme.algorithm}'`
  if (scheme.signature.in.length === 0) return 'has no place for a signature'
  if (content.length === 0) return 'signs nothing'
  if (timestamp !== undefined && !content.includes('timestamp') && !isSigned(timestamp.in, scheme)) {
    return 'has a timestamp that is not part of the signed content, so anyone could renew it'
  }
  if (timestamp === undefined && content.includes('timestamp')) return 'signs a timestamp that stands nowhere'
  if (id !== undefined && !content.includes('id')) return 'has an id that is not signed'
  const separator = id === undefined ? undefined : literalAfterId(content)
  if (separator !== undefined && !id?.forbid?.includes(separator)) {
    return `must forbid '${separator}' in its ids: one with it could shift the boundary to the next signed part`
  }
  return undefined
}

function literalAfterId(content: SignatureScheme['content']): string | undefined {
  const next = content[content.indexOf('id') + 1]
  return typeof next === 'object' && 'literal' in next ? next.literal[0] : undefined
}

function headerNames(scheme: Scheme): readonly string[] {
  const places =
    scheme.algorithm === 'static-secret'
      ? [scheme.secret]
      : [...scheme.signature.in, scheme.timestamp?.in, scheme.id?.in, ...scheme.content]
  const inPlaces = places.flatMap((each) =>
    typeof each === 'object' && 'header' in each ? [each.header] : [],
  )
  return [...inPlaces, ...Object.keys(scheme.required ?? {})]
}
