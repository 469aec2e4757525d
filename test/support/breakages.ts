import type { Scheme, SignatureScheme } from '../../packages/postern/src/core/index.ts'
import { bodyBreakages } from './body-breakages.ts'
import type { Cause } from '../../packages/postern/src/explain/index.ts'
import {
  isInHeader,
  isSignature,
  schemeCases,
  secretOf,
  signedSample,
  type Arrived,
  type SampleSigning,
  type SchemeCase,
} from './signed-sample.ts'

/** One known way in which a request comes not to verify. */
export interface Breakage {
  readonly name: string
  readonly cause: Cause
  /** Whether the signature verifies once this is undone, so that it must be proven. */
  readonly isProven: boolean
  /** `undefined` where it does not apply to the scheme, or changes nothing of this request. */
  readonly make: (of: SchemeCase, nowMs: number, body: string) => Broken | undefined
}

export interface Broken {
  readonly arrived: Arrived
  /** The secrets that the source has; the case's first where absent. */
  readonly configured?: readonly string[]
  readonly candidates?: readonly string[]
  /** The secret of another source that is configured. */
  readonly another?: string
}

export const breakages: readonly Breakage[] = [
  likely('another secret', 'wrong_secret', (of, sign) => ({
    arrived: sign(),
    configured: [secretOf(of.scheme, 3)],
  })),
  proven('another secret, which is among the candidates', 'wrong_secret', (of, sign) => ({
    arrived: sign(),
    configured: [secretOf(of.scheme, 3)],
    candidates: [secretOf(of.scheme, 4), secretOf(of.scheme, 1)],
  })),
  proven('the secret of another source', 'secret_of_another_source', (of, sign) => ({
    arrived: sign(),
    configured: [secretOf(of.scheme, 3)],
    another: secretOf(of.scheme, 1),
  })),
  likely('a secret of test mode', 'test_mode_secret', (of, sign, body) => {
    const test = withMember(body, 'livemode', false)
    if (test === undefined) return undefined
    return { arrived: sign({ body: test }), configured: [secretOf(of.scheme, 3)] }
  }),
  proven('the secret not decoded', 'secret_not_decoded', (of, sign) => {
    if (!isKeyed(of.scheme) || of.scheme.key.as === 'utf8') return undefined
    const bare = secretOf(of.scheme, 1).replace(of.scheme.key.stripPrefixes?.[0] ?? '', '')
    return { arrived: sign({ scheme: keyedAs(of.scheme, 'utf8'), secret: bare }) }
  }),
  proven('the secret not decoded, with its prefix', 'secret_not_decoded', (of, sign) => {
    if (!isKeyed(of.scheme) || of.scheme.key.as === 'utf8') return undefined
    return { arrived: sign({ scheme: keyedAs(of.scheme, 'utf8') }) }
  }),
  ...(['base64', 'hex'] as const).map((as) =>
    proven(`the secret decoded by mistake, from ${as}`, 'secret_decoded', (of, sign) => {
      if (!isKeyed(of.scheme) || of.scheme.key.as !== 'utf8') return undefined
      const secret = Buffer.alloc(66, 7).toString(as)
      return { arrived: sign({ scheme: keyedAs(of.scheme, as), secret }), configured: [secret] }
    }),
  ),
  ...['\n', '\r\n', ' ', '"'].map((around) =>
    proven(`a secret with ${JSON.stringify(around)} around it`, 'secret_whitespace', (of, sign) => {
      if (!isKeyed(of.scheme) || of.scheme.key.as !== 'utf8') return undefined
      const configured = (around === '"' ? around : '') + secretOf(of.scheme, 1) + around
      return { arrived: sign(), configured: [configured] }
    }),
  ),
  proven('a line break after the secret where it is signed', 'secret_whitespace', (of, sign) =>
    isKeyed(of.scheme) && of.scheme.key.as === 'utf8'
      ? { arrived: sign({ secret: `${secretOf(of.scheme, 1)}\n` }) }
      : undefined,
  ),
  likely('no header of a signature', 'header_missing', (of, sign) => ofHeader(of, sign, () => [], false)),
  proven('a header renamed by a gateway', 'header_renamed', (of, sign) =>
    ofHeader(of, sign, (name, value) => [[`HTTP_${name.replaceAll('-', '_').toUpperCase()}`, value]], true),
  ),
  proven('a header under a name of its own', 'header_renamed', (of, sign) =>
    ofHeader(of, sign, (_, value) => [['x-kept-by-somebody', value]], false),
  ),
  proven('a header that came twice', 'header_duplicated', (of, sign) =>
    ofHeader(
      of,
      sign,
      (name, value) => [
        [name, value],
        [name, value],
      ],
      false,
    ),
  ),
  proven('a header folded into one', 'header_folded', (of, sign) =>
    // What may have several entries has the same one twice then, which verifies.
    mayHaveSeveral(of.scheme)
      ? undefined
      : ofHeader(of, sign, (name, value) => [[name, `${value}, ${value}`]], false),
  ),
  proven('quotes around a header', 'header_folded', (of, sign) =>
    ofHeader(of, sign, (name, value) => [[name, `"${value}"`]], false),
  ),
  ...(['hex', 'base64', 'base64url'] as const).map((encoding) =>
    proven(`the signature in ${encoding}`, 'signature_encoding', (of, sign) => {
      if (!isInHeader(of.scheme) || of.scheme.signature.encoding === encoding) return undefined
      const scheme = { ...of.scheme, signature: { ...of.scheme.signature, encoding } }
      const arrived = sign({ scheme })
      return isWrittenAlike(of.scheme, sign(), arrived) ? undefined : { arrived }
    }),
  ),
  proven('a prefix that is not there', 'signature_prefix', (of, sign) => {
    if (!isInHeader(of.scheme) || of.scheme.signature.prefix === undefined) return undefined
    const { prefix: _, ...signature } = of.scheme.signature
    return { arrived: sign({ scheme: { ...of.scheme, signature } }) }
  }),
  proven('a prefix that the scheme has not', 'signature_prefix', (of, sign) => {
    if (!isInHeader(of.scheme) || of.scheme.signature.prefix !== undefined) return undefined
    const signature = { ...of.scheme.signature, prefix: 'sha256=' }
    return { arrived: sign({ scheme: { ...of.scheme, signature } }) }
  }),
  proven('another hash', 'signature_algorithm', (of, sign) => {
    if (!isSignature(of.scheme) || !of.scheme.algorithm.startsWith('hmac-')) return undefined
    const algorithm = of.scheme.algorithm === 'hmac-sha512' ? 'hmac-sha256' : 'hmac-sha512'
    return { arrived: sign({ scheme: { ...of.scheme, algorithm } }) }
  }),
  proven('the body signed without its time', 'signed_content', (of, sign) =>
    isSignature(of.scheme) && of.scheme.content.includes('timestamp') && of.scheme.content.includes('body')
      ? { arrived: sign({ scheme: { ...of.scheme, content: ['body'] } }) }
      : undefined,
  ),
  ...(['seconds', 'milliseconds', 'rfc3339'] as const).map((unit) =>
    proven(`the time in ${unit}`, 'timestamp_unit', (of, sign) => {
      const timestamp = timeOf(of.scheme)
      if (!isSignature(of.scheme) || timestamp === undefined || timestamp.unit === unit) return undefined
      return { arrived: sign({ scheme: { ...of.scheme, timestamp: { ...timestamp, unit } } }) }
    }),
  ),
  proven('a time that is long ago', 'timestamp_off', (of, _, body, nowMs) =>
    timeOf(of.scheme) === undefined
      ? undefined
      : { arrived: signedSample(of, { nowMs: nowMs - 7200_000, body }) },
  ),
  proven('a time that is still to come', 'timestamp_off', (of, _, body, nowMs) =>
    timeOf(of.scheme) === undefined
      ? undefined
      : { arrived: signedSample(of, { nowMs: nowMs + 7200_000, body }) },
  ),
  ...(
    [
      ['a scheme of http', (url) => url.replace('https:', 'http:')],
      ['a port', (url) => url.replace('.com/', '.com:443/')],
      ['a slash at the end of the path', (url) => url.replace('?', '/?')],
      ['the query in another order', (url) => url.replace(/\?(.*)&(.*)$/, '?$2&$1')],
    ] as const satisfies readonly (readonly [string, (url: string) => string])[]
  ).map(([name, change]) =>
    proven(`a URL with ${name}`, 'url', (of, sign) => {
      if (!isSignature(of.scheme) || !of.scheme.content.includes('url')) return undefined
      // One provider signs now with its port and now without, and both are taken.
      if (of.scheme.derives !== undefined && name === 'a port') return undefined
      const arrived = sign()
      return { arrived: { ...arrived, url: change(arrived.url) } }
    }),
  ),
  likely('a URL without its query', 'url', (of, sign) => {
    if (!isSignature(of.scheme) || !of.scheme.content.includes('url')) return undefined
    const arrived = sign()
    return { arrived: { ...arrived, url: arrived.url.replace(/\?.*$/, '') } }
  }),
  proven('a path in place of a URL', 'url', (of, sign) => {
    if (!isSignature(of.scheme) || !of.scheme.content.includes('url')) return undefined
    const arrived = sign()
    const { host, pathname, search } = new URL(arrived.url)
    return { arrived: { ...arrived, url: pathname + search, headers: [...arrived.headers, ['Host', host]] } }
  }),
  proven('another method', 'method', (of, sign) =>
    isSignature(of.scheme) && of.scheme.content.includes('method')
      ? { arrived: { ...sign(), method: 'GET' } }
      : undefined,
  ),
  proven('a request of another provider', 'other_provider', (of, _, body, nowMs) => {
    const other = schemeCases.find(({ title }) => title === ANOTHER[of.provider.name === 'stripe' ? 1 : 0])
    if (!isKeyed(of.scheme) || other === undefined) return undefined
    return { arrived: signedSample(other, { nowMs, body, secret: secretOf(of.scheme, 1) }) }
  }),
  ...bodyBreakages,
]

const ANOTHER = ['stripe stripe-v1', 'slack slack-v0'] as const

type Make = (
  of: SchemeCase,
  sign: (changed?: Partial<SampleSigning>) => Arrived,
  body: string,
  nowMs: number,
) => Broken | undefined

function proven(name: string, cause: Cause, make: Make): Breakage {
  return breakage(name, cause, true, make)
}

function likely(name: string, cause: Cause, make: Make): Breakage {
  return breakage(name, cause, false, make)
}

function breakage(name: string, cause: Cause, isProven: boolean, make: Make): Breakage {
  return {
    name,
    cause,
    isProven,
    make: (of, nowMs, body) =>
      isSignature(of.scheme)
        ? make(of, (changed = {}) => signedSample(of, { nowMs, body, ...changed }), body, nowMs)
        : undefined,
  }
}

/** Breaks the header of the signature, or every header that is signed. */
function ofHeader(
  of: SchemeCase,
  sign: () => Arrived,
  change: (name: string, value: string) => (readonly [string, string])[],
  isEvery: boolean,
): Broken | undefined {
  if (!isSignature(of.scheme)) return undefined
  const { signature, timestamp, id } = of.scheme
  const places = [...signature.in, ...(isEvery ? [timestamp?.in, id?.in] : [])]
  const names = places.flatMap((place) => (place !== undefined && 'header' in place ? [place.header] : []))
  if (names.length === 0) return undefined
  const arrived = sign()
  const headers = arrived.headers.flatMap(([name, value]) =>
    names.includes(name) ? change(name, value) : [[name, value] as const],
  )
  return { arrived: { ...arrived, headers } }
}

/** Not where a comma also separates the fields of one signature: then a field comes twice. */
function mayHaveSeveral(scheme: Scheme): boolean {
  if (!isSignature(scheme)) return false
  const { separator, pairSeparator } = scheme.signature
  return separator !== undefined && !(separator === ',' && pairSeparator !== undefined)
}

function isKeyed(scheme: Scheme): scheme is SignatureScheme {
  return isSignature(scheme) && (scheme.algorithm.startsWith('hmac-') || scheme.algorithm === 'sha256')
}

/** The scheme with its secret read in another way, and no demands on it. */
function keyedAs(scheme: SignatureScheme, as: SignatureScheme['key']['as']): SignatureScheme {
  return { ...scheme, key: { as } }
}

/** The time that a signer writes; one in the body is the sample's. */
function timeOf(scheme: Scheme): SignatureScheme['timestamp'] {
  if (!isSignature(scheme) || scheme.timestamp === undefined || 'json' in scheme.timestamp.in)
    return undefined
  return scheme.timestamp
}

function withMember(body: string, name: string, value: unknown): string | undefined {
  // A form has none.
  if (!body.startsWith('{')) return undefined
  const parsed: unknown = JSON.parse(body)
  return JSON.stringify({ ...(parsed as object), [name]: value })
}

/**
 * Whether a signature in another encoding reads as one in the scheme's own. ECDSA signs anew each time, so that two
 * requests cannot tell: one in twenty of its signatures has no character by which base64url differs from base64.
 */
function isWrittenAlike(scheme: SignatureScheme, own: Arrived, other: Arrived): boolean {
  if (JSON.stringify(own.headers) === JSON.stringify(other.headers)) return true
  const [place] = scheme.signature.in
  if (scheme.algorithm !== 'ecdsa-p256-sha256' || place === undefined || !('header' in place)) return false
  const [text = ''] = other.headers
    .filter(([name]) => name.toLowerCase() === place.header)
    .map(([, value]) => value)
  return (
    scheme.signature.encoding !== 'hex' &&
    text.length % 4 === 0 &&
    !/[-_+/=]/.test(text) &&
    !/^[0-9a-f]*$/.test(text)
  )
}
