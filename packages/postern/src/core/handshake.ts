import { computeSignature } from './hmac.ts'
import { encode } from './encoding.ts'
import { isToken, type OpenHandshakes } from './open-handshake.ts'
import { pinnedUrl } from './pinned-url.ts'
import { readable, readPlace, type Readable } from './place.ts'
import type { Handshake, HandshakeMember, HandshakeReply, OpenHandshake } from './provider.ts'
import type { Reason } from './reason.ts'
import type { WebhookRequest } from './request.ts'
import type { Place } from './scheme.ts'
import type { Source } from './source.ts'
import { authenticate } from './verify.ts'

/** Longer than any challenge; what is echoed is somebody else's text. */
const MAX_CHALLENGE_LENGTH = 1024
/** Longer than any handshake's body; nothing has verified it when it is parsed. */
const MAX_OPEN_BODY_BYTES = 16 * 1024

/** What a handshake is to be answered. */
export type HandshakeAnswer =
  | { readonly name: string; readonly kind: 'text'; readonly text: string }
  | { readonly name: string; readonly kind: 'json'; readonly json: Readonly<Record<string, string | number>> }
  | {
      readonly name: string
      readonly kind: 'empty'
      readonly status: 200 | 204
      readonly headers: Readonly<Record<string, string>>
    }
  /** Nothing to say: an address is to be visited, by whoever has been asked to. */
  | { readonly name: string; readonly kind: 'visit'; readonly url: string }

/** The answer to a verified request that is a handshake; `undefined` for an event. */
export function handshakeAnswer(
  source: Source,
  verified: { readonly request: WebhookRequest; readonly scheme: string; readonly secretIndex: number },
): HandshakeAnswer | undefined {
  const { handshakes } = source.provider
  if (handshakes === undefined) return undefined
  const from = readable(verified.request)
  const key = keyOf(source, verified)
  for (const handshake of handshakes) {
    const answer = isMeant(handshake, from) ? answerOf(handshake, from, key) : undefined
    if (answer !== undefined) return answer
  }
  return undefined
}

/** What becomes of a handshake that nothing signs. */
export type OpenHandshakeVerdict =
  | { readonly ok: true; readonly answer: HandshakeAnswer; readonly secret: string | undefined }
  | { readonly ok: false; readonly reason: Reason }

/**
 * Whether an unverified request is a handshake that its source answers, and what; `undefined` where it is none. What it
 * shows is compared before anything is answered.
 */
export function openHandshake(
  source: Source,
  request: WebhookRequest,
  nowMs: number,
): OpenHandshakeVerdict | undefined {
  const { handshake } = source
  if (handshake === undefined || request.body.byteLength > MAX_OPEN_BODY_BYTES) return undefined
  const from = readable(request)
  for (const rule of handshake.rules) {
    if (rule.method !== request.method || !isAsked(rule, from)) continue
    const reason = refusalOf(rule, handshake, source, request, from, nowMs)
    if (reason !== undefined) return { ok: false, reason }
    const secret = rule.secret && challengeAt(rule.secret, from)
    // An answer would say that it is kept.
    if (rule.secret !== undefined && secret === undefined) continue
    const answer = answerOf(rule, from, firstKey(source))
    if (answer !== undefined) return { ok: true, answer, secret }
  }
  return undefined
}

/** Whether an unverified request is a handshake that its source does not answer, since its options do not say so. */
export function isUnansweredHandshake({ provider, handshake }: Source, request: WebhookRequest): boolean {
  if (handshake !== undefined || request.body.byteLength > MAX_OPEN_BODY_BYTES) return false
  const from = readable(request)
  return (
    provider.openHandshakes?.some((rule) => rule.method === request.method && isAsked(rule, from)) === true
  )
}

/** The methods that a source takes: events by POST, and handshakes by what their provider uses. */
export function methodsOf({ handshake }: Source): readonly string[] {
  return ['POST', ...(handshake?.rules.map(({ method }) => method) ?? [])]
}

function isAsked({ when }: OpenHandshake, from: Readable): boolean {
  return when.every((condition) => {
    const found = readPlace(condition.in, from)
    return condition.equals === undefined ? typeof found === 'string' : found === condition.equals
  })
}

function refusalOf(
  rule: OpenHandshake,
  { tokens, origins }: OpenHandshakes,
  source: Source,
  request: WebhookRequest,
  from: Readable,
  nowMs: number,
): Reason | undefined {
  if (rule.token !== undefined) {
    const sent = readPlace(rule.token, from)
    if (typeof sent !== 'string') return 'missing_secret'
    if (!isToken(tokens, sent)) return 'secret_mismatch'
  }
  if (rule.origin !== undefined && origins !== undefined) {
    const origin = readPlace(rule.origin, from)
    if (!origins.some((allowed) => allowed === origin)) return 'secret_mismatch'
  }
  if (rule.isAuthenticated !== true) return undefined
  const authenticated = authenticate(request, source, nowMs)
  return authenticated.ok ? undefined : authenticated.reason
}

function isMeant({ when }: Handshake, from: Readable): boolean {
  if (readPlace(when.in, from) !== when.equals) return false
  return when.unless === undefined || readPlace(when.unless, from) === undefined
}

function answerOf(
  { name, reply }: { readonly name: string; readonly reply: HandshakeReply },
  from: Readable,
  key: Uint8Array | undefined,
): HandshakeAnswer | undefined {
  if ('status' in reply) return { name, kind: 'empty', status: reply.status, headers: {} }
  if ('text' in reply) {
    const text = challengeAt(reply.text, from)
    return text === undefined ? undefined : { name, kind: 'text', text }
  }
  if ('headers' in reply) {
    const headers = headersOf(reply.headers, from)
    return headers && { name, kind: 'empty', status: 200, headers }
  }
  if ('visit' in reply) {
    const address = readPlace(reply.visit, from)
    const url = typeof address === 'string' ? pinnedUrl(address, reply, 'with-query') : undefined
    return url === undefined ? undefined : { name, kind: 'visit', url }
  }
  const json = membersOf(reply.json, from, key)
  return json === undefined ? undefined : { name, kind: 'json', json }
}

/** What is visible and ASCII: anything else is no value of a header, and would be refused where it is written. */
const HEADER_VALUE = /^[\x21-\x7e]{1,256}$/

function headersOf(
  wanted: Readonly<Record<string, string | Place>>,
  from: Readable,
): Readonly<Record<string, string>> | undefined {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(wanted)) {
    const text = typeof value === 'string' ? value : challengeAt(value, from)
    if (text === undefined || !HEADER_VALUE.test(text)) return undefined
    headers[name] = text
  }
  return headers
}

function membersOf(
  wanted: Readonly<Record<string, HandshakeMember>>,
  from: Readable,
  key: Uint8Array | undefined,
): Readonly<Record<string, string | number>> | undefined {
  const members: Record<string, string | number> = {}
  for (const [name, member] of Object.entries(wanted)) {
    const value = valueOf(member, from, key)
    if (value === undefined) return undefined
    members[name] = value
  }
  return members
}

/**
 * What may be signed for whoever asks. The same key signs bodies: a token that could be one would be a signature for it
 * (X computes both alike), and no JSON object or array is made of these.
 */
const SIGNABLE = /^[\w+/=.~-]{1,256}$/

function valueOf(
  member: HandshakeMember,
  from: Readable,
  key: Uint8Array | undefined,
): string | number | undefined {
  if (typeof member === 'number') return member
  if (!('hmac' in member)) return challengeAt(member, from)
  const text = challengeAt(member.hmac, from)
  if (text === undefined || key === undefined || !SIGNABLE.test(text)) return undefined
  return (member.prefix ?? '') + encode(computeSignature('hmac-sha256', key, [text]), member.encoding)
}

function challengeAt(place: Place, from: Readable): string | undefined {
  const text = readPlace(place, from)
  return typeof text === 'string' && text !== '' && text.length <= MAX_CHALLENGE_LENGTH ? text : undefined
}

/** The key that verified the request. */
function keyOf(
  source: Source,
  { scheme: name, secretIndex }: { readonly scheme: string; readonly secretIndex: number },
): Uint8Array | undefined {
  let found: Uint8Array | undefined
  source.schemes
    .find(({ scheme }) => scheme.name === name)
    ?.keys.forEach((key, index) => {
      if (index === secretIndex) found = key
    })
  return found
}

/** The newest key: there is no signature to tell another by. */
function firstKey({ schemes: [first] }: Source): Uint8Array | undefined {
  return first?.keys.first()
}
