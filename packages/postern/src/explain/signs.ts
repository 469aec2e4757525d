import type {
  Provider,
  Reason,
  Scheme,
  SecretInQuery,
  SignatureScheme,
  StaticSecretScheme,
  WebhookRequest,
} from '../core/index.ts'
import { readPath } from '../core/place.ts'
import { finding, type Finding } from './finding.ts'
import type { Tokens } from './json-text.ts'
import { providersByHeaders } from './repairs/other-provider.ts'
import { UNIT_TEXT } from './repairs/timestamp.ts'
import { fixedUrl, readsUrl } from './repairs/url.ts'
import { headersRead, isSigning, quoted, signatureHeaders, valuesOf, type Subject } from './subject.ts'

/** What points to a cause where nothing that was undone has made the signature verify. */
export function signsOf(
  subject: Subject,
  reason: Reason,
  providers: readonly Provider[],
): readonly Finding[] {
  const { scheme } = subject
  const bySign = reason === 'signature_mismatch' ? bodySigns(subject) : []
  const byMode = MISMATCHES.includes(reason) ? testMode(subject) : []
  const byReason = SIGNS[reason]?.(subject, providers) ?? []
  return [...byReason, ...bySign, ...byMode].map((found) => ({ ...found, scheme: scheme.name }))
}

const MISMATCHES: readonly Reason[] = ['secret_mismatch', 'signature_mismatch']

type Sign = (subject: Subject, providers: readonly Provider[]) => readonly Finding[]

const SIGNS: Partial<Readonly<Record<Reason, Sign>>> = {
  missing_header: missingHeaders,
  missing_content: missingHeaders,
  duplicate_header: ({ scheme, request }) => {
    const { all, oneOf } = headersRead(scheme)
    const doubled = [...oneOf, ...all].filter((name) => valuesOf(request, name).length > 1)
    const what =
      doubled.length === 0 ? 'a field of the signature’s header' : doubled.map(quoted).join(' and ')
    return [finding('header_duplicated', 'likely', `${what} came more than once, with different values`)]
  },
  malformed_header: (subject) => {
    const wrong = wrongValues(subject)
    if (wrong.length > 0) {
      return [
        finding(
          'header_value',
          'likely',
          `${wrong.map(quoted).join(' and ')} has another value than the scheme demands`,
        ),
      ]
    }
    return [finding('signature_prefix', 'likely', formText(subject))]
  },
  bad_encoding: (subject) => [finding('signature_encoding', 'likely', formText(subject))],
  malformed_timestamp: ({ scheme }) => {
    const unit = isSigning(scheme) ? scheme.timestamp?.unit : undefined
    const form = unit === undefined ? 'the scheme’s form' : UNIT_TEXT[unit]
    return [finding('timestamp_form', 'likely', `the time is not in ${form}`)]
  },
  malformed_id: () => [
    finding(
      'header_value',
      'likely',
      'the signed id is empty, or has a character that separates signed parts',
    ),
  ],
  missing_secret: ({ scheme }) => [
    finding(
      'header_missing',
      'likely',
      isInUrl(scheme)
        ? `the URL does not have the secret, as ?${scheme.secret.query}=…`
        : 'the body does not have the secret where the provider puts it',
    ),
  ],
  duplicate_secret: ({ scheme }) => [
    finding(
      'header_duplicated',
      'likely',
      isInUrl(scheme)
        ? `the URL has ?${scheme.secret.query}=… twice`
        : 'the body has the secret’s member twice',
    ),
  ],
  secret_mismatch: ({ rings }) => [
    finding('wrong_secret', 'likely', wrongSecret(rings, 'the secret that was sent is')),
  ],
  signature_mismatch: () => [],
  untrusted_key_url: () => [
    finding(
      'key_untrusted',
      'likely',
      'the address of the key is none of the provider’s; nothing was fetched',
    ),
  ],
  untrusted_certificate: () => [
    finding('key_untrusted', 'likely', 'the certificate is not valid at this time, or not the provider’s'),
  ],
  unknown_key: () => [
    finding('key_untrusted', 'likely', 'the provider has no key of the name that the request gives'),
  ],
  key_unavailable: () => [finding('key_unavailable', 'likely', 'the key to verify with was not fetched')],
  not_covered: () => [
    finding('not_covered', 'likely', 'the signature does not cover all that the source demands'),
  ],
  digest_mismatch: () => [
    finding('body_changed', 'likely', 'the body is not the one whose digest is in the request'),
  ],
  not_for_us: () => [
    finding('not_for_us', 'likely', 'it is for or by another account, topic or audience than the configured'),
  ],
}

/** Of last resort, since it explains every mismatch. */
export function wrongSecretSign({ scheme, rings }: Subject): Finding {
  return finding(
    'wrong_secret',
    'likely',
    wrongSecret(rings, 'everything is in its form, and the signature is by'),
    scheme.name,
  )
}

/** Whether the secret itself is sent, as a parameter of the URL. */
function isInUrl(scheme: Scheme): scheme is StaticSecretScheme & { readonly secret: SecretInQuery } {
  return scheme.algorithm === 'static-secret' && 'query' in scheme.secret
}

function wrongSecret(rings: Subject['rings'], start: string): string {
  const count = rings.reduce((sum, { size }) => sum + size, 0)
  return count === 1
    ? `${start} another secret than the one that was tried`
    : `${start} none of the ${count} secrets that were tried`
}

function missingHeaders({ scheme, request }: Subject, providers: readonly Provider[]): readonly Finding[] {
  const { all, oneOf } = headersRead(scheme)
  const missing = all.filter((name) => valuesOf(request, name).length === 0)
  const noneOf = oneOf.length > 0 && oneOf.every((name) => valuesOf(request, name).length === 0)
  const names = [...(noneOf ? oneOf.slice(0, 1) : []), ...missing]
  const evidence =
    names.length === 0
      ? 'a part of the signed content is not in the request'
      : `the request has no ${names.map(quoted).join(' and no ')}`
  const others = providersByHeaders(request, providers)
  const shown = others.slice(0, 3).join(', ') + (others.length > 3 ? ` and ${others.length - 3} more` : '')
  return [
    finding('header_missing', 'likely', evidence),
    ...(others.length === 0 ? [] : [finding('other_provider', 'likely', `it has the headers of ${shown}`)]),
  ]
}

function wrongValues({ scheme, request }: Subject): readonly string[] {
  return Object.entries(scheme.required ?? {})
    .filter(([name, value]) => valuesOf(request, name)[0] !== value)
    .map(([name]) => name)
}

function formText({ scheme, request }: Subject): string {
  if (!isSigning(scheme)) return 'the header of the secret does not have its form'
  const { prefix, encoding, field } = scheme.signature
  const header = signatureHeaders(scheme).find((name) => valuesOf(request, name).length > 0)
  if (header === undefined) return `the signature in the body is not ${encoding} of the algorithm’s length`
  const length = valuesOf(request, header)[0]?.length ?? 0
  const form = [
    ...(field === undefined ? [] : [`a field ${quoted(field)}`]),
    ...(prefix === undefined ? [] : [`the prefix ${quoted(prefix)}`]),
    `${encoding} of the algorithm’s length`,
  ].join(', ')
  return `${quoted(header)}, ${length} characters long, is not in the scheme’s form: ${form}`
}

function bodySigns({ scheme, request, effort }: Subject): readonly Finding[] {
  if (!isSigning(scheme)) return []
  if (request.body.byteLength === 0) {
    return [finding('body_empty', 'likely', 'the body is empty: something may have read it before')]
  }
  const text = Buffer.from(request.body).toString('utf8')
  return [
    ...lengthSign(request),
    ...textSigns(text),
    ...compressionSign(request),
    ...orderSign(effort.tokens()),
    ...urlSign(scheme),
  ]
}

function urlSign({ content }: SignatureScheme): readonly Finding[] {
  const evidence =
    'the URL is signed as well, and a server behind a proxy sees another one than the sender called'
  return content.some((part) => readsUrl(part) || fixedUrl(part) !== undefined)
    ? [finding('url', 'likely', evidence)]
    : []
}

function lengthSign(request: WebhookRequest): readonly Finding[] {
  const [announced] = valuesOf(request, 'content-length')
  if (announced === undefined || !/^\d{1,12}$/.test(announced)) return []
  if (Number(announced) === request.body.byteLength) return []
  const evidence = `its content-length says ${announced} bytes, and the body has ${request.body.byteLength}`
  return [finding('body_changed', 'likely', evidence)]
}

function textSigns(text: string): readonly Finding[] {
  if (text.startsWith('[object ')) {
    return [finding('body_reserialised', 'likely', 'the body is the text that an object is printed as')]
  }
  if (!text.includes('\uFFFD')) return []
  return [
    finding(
      'body_charset',
      'likely',
      'the body is no UTF-8, or has U+FFFD in it, which stands for bytes that were lost',
    ),
  ]
}

function compressionSign(request: WebhookRequest): readonly Finding[] {
  const [encoding] = valuesOf(request, 'content-encoding')
  if (encoding === undefined || encoding === 'identity' || isCompressed(request.body)) return []
  return [
    finding('body_decompressed', 'likely', 'the request says that its body is compressed, and it is not'),
  ]
}

/** RFC 1952 §2.3.1. */
function isCompressed(body: Uint8Array): boolean {
  return body[0] === 0x1f && body[1] === 0x8b
}

/** So many names in alphabetical order are no accident. */
const SORTED_NAMES = 3

function orderSign(tokens: Tokens | undefined): readonly Finding[] {
  const count = tokens === undefined ? 0 : sortedNames(tokens)
  if (count < SORTED_NAMES) return []
  const evidence = `all ${count} member names of the body stand in alphabetical order within their objects, as some writers sort them`
  return [finding('body_reserialised', 'likely', evidence)]
}

/** How many names there are, if those of every object are sorted; else 0. Without recursion: a body may be nested as deep as it is long. */
function sortedNames(tokens: Tokens): number {
  const last: string[] = []
  let count = 0
  for (const [index, token] of tokens.entries()) {
    if (token === '{' || token === '[') last.push('')
    else if (token === '}' || token === ']') last.pop()
    else if (tokens[index + 1] === ':') {
      const before = last.at(-1) ?? ''
      if (token < before) return 0
      last[last.length - 1] = token
      count += 1
    }
  }
  return count
}

/** Members by which senders say that an event is of test mode. */
const TEST_MARKS: readonly { readonly path: readonly string[]; readonly is: (value: unknown) => boolean }[] =
  [
    { path: ['livemode'], is: (value) => value === false },
    { path: ['live'], is: isFalseText },
    { path: ['live_mode'], is: (value) => value === false },
    { path: ['test'], is: (value) => value === true },
    { path: ['is_test'], is: (value) => value === true },
    { path: ['testMode'], is: (value) => value === true },
    { path: ['test_mode'], is: (value) => value === true },
    { path: ['meta', 'test_mode'], is: (value) => value === true },
    { path: ['mode'], is: (value) => value === 'test' || value === 'sandbox' },
    { path: ['environment'], is: (value) => value === 'test' || value === 'sandbox' },
  ]

function isFalseText(value: unknown): boolean {
  return value === false || value === 'false'
}

function testMode({ effort }: Subject): readonly Finding[] {
  const parsed = effort.json()
  const mark = TEST_MARKS.find(({ path, is }) => is(readPath(parsed, path)))
  if (mark === undefined) return []
  const evidence = `the body says in ${quoted(mark.path.join('.'))} that it is of test mode`
  return [finding('test_mode_secret', 'likely', evidence)]
}
