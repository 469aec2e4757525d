import { PosternError } from './errors.ts'
import { methodOf, type Method } from './method.ts'
import type { Provider } from './provider.ts'
import { isSignature, type Part, type Place, type Scheme } from './scheme.ts'

/** Refuses schemes that look protected and are not, or that no request can pass. */
export function assertSound(provider: Provider, methods: readonly Method[]): void {
  for (const scheme of provider.schemes) {
    refuseIf(unsoundness(scheme, provider.schemes, methods), provider, scheme)
  }
}

/** Refuses a scheme that something is wrong with. */
export function refuseIf(complaint: string | undefined, provider: Provider, { name }: Scheme): void {
  if (complaint === undefined) return
  throw new PosternError('bad_scheme', `${provider.name}: scheme '${name}' ${complaint}`)
}

/** Name of the secret that a scheme is verified by. */
export function secretNameOf(scheme: Scheme): string {
  return scheme.verifiedBy ?? 'secret'
}

/**
 * Whether a place is inside what a scheme authenticates. Where nothing is signed that is the body: whoever has the secret
 * writes all of it.
 */
export function isSigned(place: Place, scheme: Scheme): boolean {
  if (!isSignature(scheme)) return 'json' in place
  if ('json' in place && scheme.content.includes('body')) return true
  if (scheme.id !== undefined && samePlace(scheme.id.in, place)) return true
  return scheme.content.some((part) => samePlace(part, place))
}

/** Whether what may be a place is that one. */
export function samePlace(left: Part, right: Place): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

function unsoundness(
  scheme: Scheme,
  schemes: readonly Scheme[],
  methods: readonly Method[],
): string | undefined {
  const method = methodOf(scheme, methods)
  if (method === undefined) return `has an unknown algorithm, '${scheme.algorithm}'`
  const complaint = method.complaint(scheme, schemes)
  if (complaint !== undefined) return complaint
  const header = headerNames(scheme).find((name) => name !== name.toLowerCase())
  return header === undefined ? undefined : `names the header '${header}', which must be in lower case`
}

/** Wherever they stand: a scheme is JSON, and places have one form in it. */
function headerNames(scheme: Scheme): readonly string[] {
  const inPlaces = JSON.stringify(scheme).match(/(?<="header":")[^"]+/g) ?? []
  return [...inPlaces, ...Object.keys(scheme.required ?? {})]
}
