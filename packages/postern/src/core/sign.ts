import { isSoundId, signedContent } from './check.ts'
import { computeSignature } from './crypto.ts'
import { encode } from './encoding.ts'
import { PosternError } from './errors.ts'
import { readable } from './place.ts'
import type { Place, Scheme } from './scheme.ts'
import { writeSignature } from './signature-header.ts'
import type { KeyedScheme, Source } from './source.ts'
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
}

/**
 * Signs a request as the provider would: the inverse of `verify`, over the same scheme data. Answers the headers to
 * send with the body, without those that were given. Throws `PosternError` where the source has no secret or scheme
 * of that name.
 */
export function sign(source: Source, input: SignInput): Record<string, string> {
  const { scheme, keys } = schemeOf(source, input.scheme)
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
    body: typeof input.body === 'string' ? Buffer.from(input.body, 'utf8') : input.body,
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
  const signature = encode(
    computeSignature(scheme.algorithm, keys.first(), content),
    scheme.signature.encoding,
  )
  headers[signatureHeader(scheme)] = writeSignature(signature, scheme.signature, fields)
  return headers
}

function schemeOf(source: Source, name: string | undefined): KeyedScheme {
  const found = source.schemes.find(({ scheme }) => name === undefined || scheme.name === name)
  if (found === undefined) {
    const known = source.schemes.map(({ scheme }) => scheme.name).join(', ')
    throw new PosternError('bad_scheme', `${source.provider.name} has no scheme '${name}'; it has ${known}`)
  }
  return found
}

function signatureHeader(scheme: Scheme): string {
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
