import type { WebhookEvent } from 'postern'

/** What a filter can ask of an event. */
export interface EventValues {
  readonly event: WebhookEvent
  /** The values of a header, by its name in lower case. */
  headers(name: string): readonly string[]
  /** What stands in the body at a path; `undefined` where nothing does, or the body is not JSON. */
  json(names: readonly string[]): unknown
}

/** The body is parsed once for all filters that ask; it goes with the event's bytes. */
const parsed = new WeakMap<Uint8Array, { readonly value: unknown }>()

export function valuesOf(event: WebhookEvent): EventValues {
  return {
    event,
    headers: (name) => headerValues(event.headers, name),
    json: (names) => valueAt(documentOf(event.body), names),
  }
}

const NONE: readonly string[] = []

/** The values of a header, in the order they were sent. */
export function headerValues(headers: readonly string[], name: string): readonly string[] {
  let values: string[] | undefined
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const candidate = headers[index]
    // Lower case makes a text of each name that it is asked of.
    if (candidate?.length !== name.length || (candidate !== name && candidate.toLowerCase() !== name))
      continue
    const value = headers[index + 1] ?? ''
    if (values === undefined) values = [value]
    else values.push(value)
  }
  return values ?? NONE
}

/** The names of a path: a JSON Pointer (RFC 6901) where it begins with a slash, else parted by dots. */
export function readPath(path: string): readonly string[] {
  if (!path.startsWith('/')) return path.split('.')
  return path
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function documentOf(body: Uint8Array): unknown {
  const known = parsed.get(body)
  if (known !== undefined) return known.value
  const value = parse(body)
  parsed.set(body, { value })
  return value
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown
  } catch {
    return undefined
  }
}

/** Own members only: `constructor` and an array's `length` are nobody's data. */
function valueAt(document: unknown, names: readonly string[]): unknown {
  let value = document
  for (const name of names) {
    if (typeof value !== 'object' || value === null) return undefined
    if (Array.isArray(value) && !/^\d{1,9}$/.test(name)) return undefined
    if (!Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}
