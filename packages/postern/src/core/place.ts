import { DOUBLED, headerValue, type HeaderList, type WebhookRequest } from './request.ts'
import type { Place } from './scheme.ts'

/** Fields of a signature header by name; `DOUBLED` where one came twice, since it is open then which one was signed. */
export type Fields = ReadonlyMap<string, string | typeof DOUBLED>

/** What a place may be read from. The body is parsed at most once, and only if some place asks for it. */
export interface Readable {
  readonly headers: HeaderList
  readonly url: string
  /** The parsed body; `undefined` where it is not JSON. */
  readonly json: () => unknown
  /** Fields of the signature header. */
  readonly fields: Fields | undefined
}

/** A string found at a place. */
export type Found = string | undefined | typeof DOUBLED

/** Reads one place. */
export function readPlace(place: Place, from: Readable): Found {
  if ('header' in place) return headerValue(from.headers, place.header)
  if ('json' in place) return textOf(readPath(from.json(), place.json))
  if ('field' in place) return from.fields?.get(place.field)
  const start = from.url.indexOf('?')
  if (start < 0) return undefined
  const values = new URLSearchParams(from.url.slice(start + 1)).getAll(place.query)
  return values.length > 1 ? DOUBLED : values[0]
}

/** Whether what was found is a text, and not an empty one. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** Follows own properties only, so that `__proto__` and `constructor` lead nowhere. */
export function readPath(value: unknown, path: readonly string[]): unknown {
  let current = value
  for (const name of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined
    current = (current as Record<string, unknown>)[name]
  }
  return current
}

/**
 * A string, or a whole number that JSON carries exactly. Larger numbers lose digits in parsing, so that two ids could
 * become one; they count as absent.
 */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return Number.isSafeInteger(value) ? String(value) : undefined
}

/** Reads a body; `undefined` where it is not in the form that is read. */
export type ParseBody = (body: Uint8Array) => unknown

/** A `Readable` over a request that parses the body on first use. */
export function readable(request: WebhookRequest, fields?: Fields, parse: ParseBody = parseJson): Readable {
  let isParsed = false
  let parsed: unknown
  const json = (): unknown => {
    if (!isParsed) parsed = parse(request.body)
    isParsed = true
    return parsed
  }
  return { headers: request.headers, url: request.url, json, fields }
}

/** Parses a JSON body; `undefined` where it is none. Invalid UTF-8 is read as U+FFFD, as browsers do; the stored bytes stay exact. */
export function parseJson(body: Uint8Array): unknown {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  try {
    // RFC 8259 §8.1 lets a reader ignore a byte order mark.
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text) as unknown
  } catch {
    return undefined
  }
}
