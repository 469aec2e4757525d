import { sha256 } from './crypto.ts'
import { readable, readPath, readPlace, textOf, type Readable } from './place.ts'
import type { Envelope } from './provider.ts'
import type { WebhookRequest } from './request.ts'
import type { Place, TimestampRule } from './scheme.ts'
import type { ReadableEnvelope, Source } from './source.ts'
import { parseTimestamp } from './timestamp.ts'

/** The longest id or type, in characters, that is kept as it stands. */
export const MAX_NAME_LENGTH = 255

/** The type of an event that names none, or none that can be kept. */
export const UNKNOWN_TYPE = 'unknown'

/** What an authentic request says of its event. */
export interface ReadEvent {
  /** The provider's id, or `sha256:<hex of the body's digest>` where it gives none that can be kept. */
  readonly id: string
  /** `unsigned` ids are not covered by the signature; `digest` ones are made from the body. */
  readonly idKind: 'signed' | 'unsigned' | 'digest'
  readonly type: string
  /** Milliseconds since the epoch; absent where the provider gives no time that can be read. */
  readonly createdMs?: number
  readonly orderingKey?: string
  readonly data: unknown
  /** SHA-256 of the body. */
  readonly digest: Uint8Array
}

/**
 * Reads id, type and time of an authentic request; `undefined` where the body is not a JSON object or array.
 *
 * Which envelope counts is decided by the body and the signed headers alone, never by the header that carried the
 * signature: a captured request under another scheme's headers is the same event, and must get the same key.
 */
export function readEvent(source: Source, request: WebhookRequest): ReadEvent | undefined {
  const from = readable(request)
  const body = from.json()
  if (typeof body !== 'object' || body === null) return undefined
  const digest = sha256(request.body)
  const { match, envelope } = chooseEnvelope(source.envelopes, from)
  const createdMs = envelope?.created === undefined ? undefined : readTime(envelope.created, from)
  const orderingKey = envelope?.orderingKey === undefined ? undefined : readId(envelope.orderingKey, from)
  return {
    id: match?.id ?? `sha256:${digest.toString('hex')}`,
    idKind: match === undefined ? 'digest' : match.envelope.idSigned ? 'signed' : 'unsigned',
    type: (envelope && nameAt(envelope.type, from)) ?? UNKNOWN_TYPE,
    ...(createdMs !== undefined && { createdMs }),
    ...(orderingKey !== undefined && { orderingKey }),
    data: dataOf(envelope, body),
    digest,
  }
}

/** The `data` of a stored request, read as `readEvent` read it. */
export function readData(source: Source, request: WebhookRequest): unknown {
  const from = readable(request)
  return dataOf(chooseEnvelope(source.envelopes, from).envelope, from.json())
}

function dataOf(envelope: Envelope | undefined, body: unknown): unknown {
  return envelope?.data === undefined ? body : readPath(body, envelope.data)
}

interface Match {
  readonly envelope: ReadableEnvelope
  readonly id: string
}

/** The envelope that gives the id; without an id, the first that gives a type. */
function chooseEnvelope(
  envelopes: readonly ReadableEnvelope[],
  from: Readable,
): { readonly match: Match | undefined; readonly envelope: ReadableEnvelope | undefined } {
  const match = matchEnvelope(envelopes, from)
  return {
    match,
    envelope: match?.envelope ?? envelopes.find(({ type }) => nameAt(type, from) !== undefined),
  }
}

/** The first envelope with a signed id; else the first with any. */
function matchEnvelope(envelopes: readonly ReadableEnvelope[], from: Readable): Match | undefined {
  let unsigned: Match | undefined
  for (const envelope of envelopes) {
    const id = nameAt(envelope.type, from) === undefined ? undefined : readId(envelope.id, from)
    if (id === undefined) continue
    if (envelope.idSigned) return { envelope, id }
    unsigned ??= { envelope, id }
  }
  return unsigned
}

/** An id of one place is that text; of several, their JSON array, so that no two combinations meet in one text. */
function readId(places: readonly Place[], from: Readable): string | undefined {
  const texts = places.map((place) => readPlace(place, from).value)
  if (texts.length === 0 || texts.includes(undefined)) return undefined
  return storableName(texts.length === 1 ? texts[0] : JSON.stringify(texts))
}

function nameAt(place: Place, from: Readable): string | undefined {
  return storableName(readPlace(place, from).value)
}

/**
 * The text, if every store can keep it as it is: not empty, at most 255 characters, well-formed Unicode, without NUL
 * (PostgreSQL refuses it in text) and without U+FFFD, into which any invalid byte of the body was decoded.
 */
function storableName(text: string | undefined): string | undefined {
  if (text === undefined || text === '' || text.length > MAX_NAME_LENGTH) return undefined
  return text.includes('\0') || text.includes('\uFFFD') || !isWellFormed(text) ? undefined : text
}

function isWellFormed(text: string): boolean {
  // A lone surrogate; String.prototype.isWellFormed does this, and is in TypeScript's library from es2024 on.
  return !/[\uD800-\uDFFF]/u.test(text)
}

function readTime(
  rule: { readonly in: Place; readonly unit: TimestampRule['unit'] },
  from: Readable,
): number | undefined {
  if (!('json' in rule.in)) {
    const text = readPlace(rule.in, from).value
    return text === undefined ? undefined : parseTimestamp(text, rule.unit)
  }
  const value = readPath(from.json(), rule.in.json)
  if (typeof value === 'number' && rule.unit !== 'rfc3339') {
    const epochMs = Math.round(rule.unit === 'seconds' ? value * 1000 : value)
    return Number.isSafeInteger(epochMs) && epochMs >= 0 && epochMs < 1e15 ? epochMs : undefined
  }
  const text = textOf(value)
  return text === undefined ? undefined : parseTimestamp(text, rule.unit)
}
