import { computeSignature } from './hmac.ts'
import { encode } from './encoding.ts'
import { readable, readPlace, type Readable } from './place.ts'
import type { Handshake, HandshakeMember } from './provider.ts'
import type { WebhookRequest } from './request.ts'
import type { Place } from './scheme.ts'
import type { Source } from './source.ts'

/** Longer than any challenge; what is echoed is somebody else's text. */
const MAX_CHALLENGE_LENGTH = 1024

/** What a handshake is to be answered. */
export type HandshakeAnswer =
  | { readonly name: string; readonly kind: 'text'; readonly text: string }
  | { readonly name: string; readonly kind: 'json'; readonly json: Readonly<Record<string, string | number>> }
  | { readonly name: string; readonly kind: 'empty' }

/** The answer to a verified request that is a handshake; `undefined` for an event. */
export function handshakeAnswer(
  source: Source,
  verified: { readonly request: WebhookRequest; readonly scheme: string; readonly secretIndex: number },
): HandshakeAnswer | undefined {
  const handshakes = source.provider.handshakes ?? []
  if (handshakes.length === 0) return undefined
  const from = readable(verified.request)
  const key = keyOf(source, verified)
  for (const handshake of handshakes) {
    const answer = isMeant(handshake, from) ? answerOf(handshake, from, key) : undefined
    if (answer !== undefined) return answer
  }
  return undefined
}

function isMeant({ when }: Handshake, from: Readable): boolean {
  if (readPlace(when.in, from) !== when.equals) return false
  return when.unless === undefined || readPlace(when.unless, from) === undefined
}

function answerOf(
  { name, reply }: Handshake,
  from: Readable,
  key: Uint8Array | undefined,
): HandshakeAnswer | undefined {
  if ('status' in reply) return { name, kind: 'empty' }
  if ('text' in reply) {
    const text = challengeAt(reply.text, from)
    return text === undefined ? undefined : { name, kind: 'text', text }
  }
  const json = membersOf(reply.json, from, key)
  return json === undefined ? undefined : { name, kind: 'json', json }
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

function valueOf(
  member: HandshakeMember,
  from: Readable,
  key: Uint8Array | undefined,
): string | number | undefined {
  if (typeof member === 'number') return member
  if (!('hmac' in member)) return challengeAt(member, from)
  const text = challengeAt(member.hmac, from)
  if (text === undefined || key === undefined) return undefined
  return encode(computeSignature('hmac-sha256', key, [text]), member.encoding)
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
