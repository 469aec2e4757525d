import { headerValues, type HeaderList, type WebhookRequest } from './request.ts'
import type { Place } from './scheme.ts'

/** What a place may be read from. The body is parsed at most once, and only if some place asks for it. */
export interface Readable {
  readonly headers: HeaderList
  readonly url: string
  /** The parsed body; `undefined` where it is not JSON. */
  readonly json: () => unknown
  /** Fields of the signature header. */
  readonly fields?: ReadonlyMap<string, string>
}

/** Reads one place. A header that came twice is `doubled`: which of the two a proxy or framework shows is anybody's guess. */
export function readPlace(
  place: Place,
  from: Readable,
): { readonly value?: string; readonly doubled?: true } {
  if ('header' in place) {
    const values = headerValues(from.headers, place.header)
    if (values.length > 1) return { doubled: true }
    return present(values[0])
  }
  if ('query' in place) {
    const values = new URLSearchParams(queryOf(from.url)).getAll(place.query)
    return values.length > 1 ? { doubled: true } : present(values[0])
  }
  if ('field' in place) return present(from.fields?.get(place.field))
  return present(textOf(readPath(from.json(), place.json)))
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

/** A `Readable` over a request that parses the body on first use. */
export function readable(request: WebhookRequest, fields?: ReadonlyMap<string, string>): Readable {
  let parsed: { value: unknown } | undefined
  const json = (): unknown => (parsed ??= { value: parseJson(request.body) }).value
  return { headers: request.headers, url: request.url, json, ...(fields && { fields }) }
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

function queryOf(url: string): string {
  const start = url.indexOf('?')
  return start < 0 ? '' : url.slice(start + 1)
}

function present(value: string | undefined): { readonly value?: string } {
  return value === undefined ? {} : { value }
}
