import { signWithRsa } from './certificate.ts'
import { certifiedContent } from './certified-content.ts'
import { encode } from './encoding.ts'
import { PosternError } from './errors.ts'
import { parseJson, readable } from './place.ts'
import type { CertificateScheme, Place } from './scheme.ts'
import type { SignedRequest, SignInput } from './sign-input.ts'
import { formatTimestamp } from './timestamp.ts'

/**
 * Signs with the key of a certificate, and puts the signature where the provider puts it. The address of the certificate,
 * and whatever else stands in the request, is the caller's to put there.
 */
export function signCertified(
  scheme: CertificateScheme,
  key: Uint8Array,
  input: SignInput,
  request: SignedRequest,
): SignedRequest {
  if (input.privateKey === undefined) throw unsignable(scheme, 'without its private key')
  const timestamp = formatTimestamp(input.nowMs, scheme.timestamp.unit)
  const timed = place(scheme.timestamp.in, timestamp, { ...request, headers: { ...scheme.required } })
  const headers = Object.entries({ ...timed.headers, ...input.headers }).flat()
  const from = readable({ method: 'POST', url: request.url, headers, body: timed.body })
  const configured = Buffer.from(key).toString('utf8')
  const content = certifiedContent(scheme.content, { from, timestamp, configured, body: timed.body })
  if (content === undefined) throw unsignable(scheme, 'since a part of its signed content was not given')
  const signature = signWithRsa(input.privateKey, scheme.digest, content)
  return place(scheme.signature.at, encode(signature, scheme.signature.encoding), timed)
}

function place(at: Place, value: string, request: SignedRequest): SignedRequest {
  if ('header' in at) return { ...request, headers: { ...request.headers, [at.header]: value } }
  const [name] = 'json' in at ? at.json : []
  if (name === undefined) return request
  const members = { ...(parseJson(request.body) as object), [name]: value }
  return { ...request, body: Buffer.from(JSON.stringify(members)) }
}

function unsignable({ name }: CertificateScheme, why: string): PosternError {
  return new PosternError('bad_scheme', `Cannot sign with '${name}' ${why}`)
}
