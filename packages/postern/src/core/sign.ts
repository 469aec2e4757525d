import { PosternError } from './errors.ts'
import type { KeyedScheme } from './method.ts'
import { isSignature, type Scheme, type StaticSecretScheme } from './scheme.ts'
import { signCertified } from './sign-certified.ts'
import type { SignedRequest, SignInput } from './sign-input.ts'
import { signMessageRequest } from './sign-message.ts'
import { secretNameOf } from './sound-scheme.ts'
import type { Source } from './source.ts'
import { writeStaticSecret } from './static-secret.ts'
import { writeSignatures } from './write-signature.ts'

/**
 * Signs a request as the provider would: the inverse of `verify`, over the same scheme data. Answers the headers to
 * send with the body, without those that were given. Throws `PosternError` where the source has no secret or scheme
 * of that name, or puts something into the body or the URL, which `signRequest` writes.
 */
export function sign(source: Source, input: SignInput): Record<string, string> {
  const { headers, body, url } = signRequest(source, input)
  if (Buffer.compare(body, bytesOf(input.body)) !== 0 || url !== (input.url ?? '')) {
    throw new PosternError(
      'bad_scheme',
      `${source.provider.name} sends its secret or signature in the body or the URL; use signRequest, which answers them too`,
    )
  }
  return { ...headers }
}

/**
 * Signs a request as the provider would, and puts a static secret where the provider puts it: one scheme for each
 * secret of the source. Throws `PosternError` where the source has no secret or scheme of that name.
 *
 * What the provider writes into its JSON has to be there already, with any value: a signature, a secret. A time or an id
 * that stands there is signed as it is.
 */
export function signRequest(source: Source, input: SignInput): SignedRequest {
  let request: SignedRequest = { headers: {}, body: bytesOf(input.body), url: input.url ?? '' }
  // What is signed is what is sent: secrets go into the body before anything is computed over it.
  for (const { scheme, keys } of schemesToSpeak(source, input.scheme).toSorted(staticFirst)) {
    const key = keys.first()
    if (key === undefined) throw new PosternError('no_secret', 'The source has no signing secret')
    const written =
      scheme.algorithm === 'static-secret'
        ? writeStaticSecret(scheme, key, request)
        : signedBy(scheme, key, input, request)
    request = { ...written, headers: { ...request.headers, ...scheme.required, ...written.headers } }
  }
  return request
}

function signedBy(
  scheme: Exclude<Scheme, StaticSecretScheme>,
  key: Uint8Array,
  input: SignInput,
  request: SignedRequest,
): SignedRequest {
  if (isSignature(scheme)) return writeSignatures(scheme, key, input, request)
  if (scheme.algorithm === 'rsa-certificate') return signCertified(scheme, key, input, request)
  if (scheme.algorithm === 'http-message-signature') return signMessageRequest(scheme, key, input, request)
  throw new PosternError('bad_scheme', `Cannot sign with '${scheme.name}': its issuer makes the tokens`)
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

function bytesOf(body: Uint8Array | string): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body) : body
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
