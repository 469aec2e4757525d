import type { Encoding, SignatureRule, SignatureScheme, WebhookRequest } from '../../core/index.ts'
import { isHmac } from '../../core/crypto.ts'
import { encode } from '../../core/encoding.ts'
import {
  isSigning,
  quoted,
  signatureHeaders,
  valuesOf,
  withHeader,
  type Repair,
  type Variant,
} from '../subject.ts'

/** Words that senders put before a signature. */
const PREFIX = /^(?:hmac-)?(?:sha-?(?:1|256|512)|v\d{1,2}a?|hmac|sig|signature)[=,: ]\s*/i
const ENCODINGS = ['hex', 'base64', 'base64url'] as const
const HMACS = ['hmac-sha1', 'hmac-sha256', 'hmac-sha512'] as const
/** Longer values are no signature of any algorithm here. */
const LONGEST_VALUE = 4096

/** A signature in another encoding, or encoded twice. */
export const otherEncoding: Repair = function* ({ scheme, request }) {
  if (!isSigning(scheme)) return
  const { signature } = scheme
  for (const encoding of ENCODINGS) {
    if (encoding === signature.encoding) continue
    yield* respelled(
      request,
      signature,
      (text) => {
        const [prefix, bare] = withoutPrefix(text, signature)
        return prefix + reencoded(bare, encoding, signature.encoding)
      },
      {
        cause: 'signature_encoding',
        undoing: `once the signature is read as ${encoding}, not as ${signature.encoding}`,
      },
    )
  }
  yield* respelled(
    request,
    signature,
    (text) => {
      const [prefix, bare] = withoutPrefix(text, signature)
      const inner = Buffer.from(bare, 'base64').toString('latin1')
      return /^[0-9a-f]{40,128}$/i.test(inner) ? prefix + reencoded(inner, 'hex', signature.encoding) : text
    },
    { cause: 'signature_encoding', undoing: 'once the signature is decoded twice: it is the base64 of hex' },
  )
}

/** A signature with another word before it, with none, or with one that the scheme has not; in any encoding. */
export const otherPrefix: Repair = function* ({ scheme, request }) {
  if (!isSigning(scheme)) return
  const { signature } = scheme
  for (const encoding of [signature.encoding, ...ENCODINGS.filter((each) => each !== signature.encoding)]) {
    yield* respelled(
      request,
      signature,
      (text) => {
        const bare = text.replace(signature.prefix ?? '', '').replace(PREFIX, '')
        return (signature.prefix ?? '') + reencoded(bare, encoding, signature.encoding)
      },
      { cause: 'signature_prefix', undoing: prefixUndone(signature, encoding) },
    )
  }
  if (signature.pairSeparator !== undefined) yield* otherFields(request, scheme)
}

function prefixUndone({ prefix, encoding: own }: SignatureRule, encoding: Encoding): string {
  const what =
    prefix === undefined
      ? 'once the word before the signature is cut off, for the scheme has none'
      : `once the signature begins with ${quoted(prefix)}, as the scheme has it`
  return encoding === own ? what : `${what}, and is read as ${encoding}`
}

/** In a list of pairs, the signature under another name. */
function* otherFields(request: WebhookRequest, scheme: SignatureScheme): Iterable<Variant> {
  const { pairSeparator = '=', separator = ',', field } = scheme.signature
  for (const header of signatureHeaders(scheme)) {
    const entries = (valuesOf(request, header)[0] ?? '').slice(0, LONGEST_VALUE).split(separator)
    const names = entries.map((entry) => entry.trim().split(pairSeparator)[0] ?? '')
    for (const name of names.slice(0, 16)) {
      if (name === field || name === '') continue
      yield {
        cause: 'signature_prefix',
        undoing: `once the field ${quoted(name)} is read as the signature, in place of ${quoted(field ?? '')}`,
        scheme: { ...scheme, signature: { ...scheme.signature, field: name } },
      }
    }
  }
}

/** Another hash, with whatever word stands before it. */
export const otherAlgorithm: Repair = function* ({ scheme, request }) {
  if (!isSigning(scheme) || !isHmac(scheme.algorithm)) return
  const [header = ''] = signatureHeaders(scheme)
  const [, word] = /^([a-z0-9-]{2,12}=)/i.exec(valuesOf(request, header)[0] ?? '') ?? []
  for (const algorithm of HMACS.filter((each) => each !== scheme.algorithm)) {
    for (const encoding of ENCODINGS) {
      for (const prefix of new Set([scheme.signature.prefix, word])) {
        const { prefix: _, ...rule } = scheme.signature
        const signature = { ...rule, encoding, ...(prefix !== undefined && { prefix }) }
        yield {
          cause: 'signature_algorithm',
          undoing: `once it is taken for ${algorithm}, in ${encoding}: the scheme signs by ${scheme.algorithm}`,
          scheme: { ...scheme, algorithm, signature },
        }
      }
    }
  }
}

/** Other parts than the scheme's, or in another order: what hand-written signers sign most often. */
export const otherContent: Repair = function* ({ scheme }) {
  if (!isSigning(scheme)) return
  const hasTime = scheme.timestamp !== undefined
  const time = ['timestamp', { literal: '.' }, 'body'] as const
  const contents = [
    { what: 'the body alone', content: ['body'] as const },
    ...(hasTime
      ? [
          { what: 'time, a full stop and the body', content: time },
          { what: 'time and the body with nothing between them', content: ['timestamp', 'body'] as const },
          { what: 'the body and the time', content: ['body', 'timestamp'] as const },
          { what: 'time, a colon and the body', content: ['timestamp', { literal: ':' }, 'body'] as const },
        ]
      : []),
    ...(scheme.id !== undefined && hasTime
      ? [{ what: 'id, time and the body', content: ['id', 'timestamp', 'body'] as const }]
      : []),
  ]
  for (const { what, content } of contents) {
    if (JSON.stringify(content) === JSON.stringify(scheme.content)) continue
    yield {
      cause: 'signed_content',
      undoing: `over ${what}: the scheme signs ${partsText(scheme)}`,
      scheme: { ...scheme, content },
    }
  }
}

function partsText({ content }: SignatureScheme): string {
  return content
    .map((part) => {
      if (typeof part === 'string') return part
      return 'literal' in part ? quoted(part.literal) : 'a place of the request'
    })
    .join(', ')
}

/** The request with each signature spelled anew, where that changes any. */
function* respelled(
  request: WebhookRequest,
  rule: SignatureRule,
  respell: (text: string) => string,
  what: Pick<Variant, 'cause' | 'undoing'>,
): Iterable<Variant> {
  let after = request
  for (const place of rule.in) {
    if (!('header' in place)) continue
    const { header } = place
    const values = valuesOf(request, header)
    const [value = ''] = values
    if (values.length !== 1 || value.length > LONGEST_VALUE) continue
    const spelled = eachSignature(value, rule, respell)
    if (spelled !== value) after = withHeader(after, header, spelled)
  }
  if (after !== request) yield { ...what, request: after }
}

function eachSignature(value: string, rule: SignatureRule, respell: (text: string) => string): string {
  const { separator, pairSeparator, field } = rule
  const entries = separator === undefined ? [value] : value.split(separator).map((entry) => entry.trim())
  return entries
    .map((entry) => {
      if (pairSeparator === undefined) return respell(entry)
      const start = `${field}${pairSeparator}`
      return entry.startsWith(start) ? start + respell(entry.slice(start.length)) : entry
    })
    .join(separator ?? '')
}

function withoutPrefix(
  text: string,
  { prefix = '' }: SignatureRule,
): readonly [prefix: string, bare: string] {
  return text.startsWith(prefix) ? [prefix, text.slice(prefix.length)] : ['', text]
}

/** Read leniently, since nothing comes of a wrong reading but a trial. */
function reencoded(text: string, from: Encoding, to: Encoding): string {
  const bytes = Buffer.from(text, from)
  return bytes.byteLength === 0 ? text : encode(bytes, to)
}
