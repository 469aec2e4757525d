import { contentDigest } from './content-digest.ts'
import { encode } from './encoding.ts'
import { PosternError } from './errors.ts'
import { signMessage } from './message-keys.ts'
import type { MessageSignatureScheme } from './scheme.ts'
import type { SignedRequest, SignInput } from './sign-input.ts'
import { signatureBase } from './signature-base.ts'
import type { BareItem, InnerList } from './structured-field.ts'
import { writeInnerList } from './made-up-field-text.ts'

/** Signs what the scheme requires, as RFC 9421 §3.1 says, with the digest of the body where that is required. */
export function signMessageRequest(
  scheme: MessageSignatureScheme,
  key: Uint8Array,
  input: SignInput,
  unsigned: SignedRequest,
): SignedRequest {
  const digest = scheme.components.includes('content-digest')
    ? { 'content-digest': contentDigest(unsigned.body) }
    : {}
  const headers = Object.entries({ ...input.headers, ...scheme.required, ...digest }).flat()
  const request = { ...unsigned, method: input.method ?? 'POST', headers }
  const covered = coveredBy(scheme, Math.floor(input.nowMs / 1000))
  const written = writeInnerList(covered)
  if (written === undefined) {
    throw new PosternError(
      'bad_scheme',
      `Cannot sign with '${scheme.name}': its tag or a component is not printable ASCII`,
    )
  }
  const base = signatureBase(request, covered, scheme.origin)
  if (base === undefined) {
    throw new PosternError('bad_scheme', `Cannot sign with '${scheme.name}': a component was not given`)
  }
  const signature = signMessage(scheme.signedWith, key, base, input.privateKey)
  return {
    ...unsigned,
    headers: {
      ...scheme.required,
      ...digest,
      'signature-input': `sig=${written}`,
      signature: `sig=:${encode(signature, 'base64')}:`,
    },
  }
}

function coveredBy({ components, tag }: MessageSignatureScheme, created: number): InnerList {
  const parameters: [string, BareItem][] = [['created', { kind: 'integer', value: created }]]
  if (tag !== undefined) parameters.push(['tag', { kind: 'string', value: tag }])
  return {
    kind: 'inner-list',
    items: components.map((value) => ({
      kind: 'item',
      item: { kind: 'string', value },
      parameters: new Map(),
    })),
    parameters: new Map(parameters),
  }
}
