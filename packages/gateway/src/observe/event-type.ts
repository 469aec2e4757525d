import type { Place, Provider, WebhookRequest } from 'postern'

/** Longer types are shown by nobody and match no sample. */
const MAX_TYPE_LENGTH = 100

/**
 * The type that a request claims, as its provider's envelopes place it; `undefined` where there is none. Of a refused
 * request nothing is verified: it is a hint for whoever tries out, no more.
 */
export function claimedType(provider: Provider, request: WebhookRequest): string | undefined {
  const body = parse(request.body)
  for (const { type } of provider.envelopes) {
    const value = type && valueAt(type, body, request)
    if (typeof value === 'string' && value !== '' && value.length <= MAX_TYPE_LENGTH) return value
  }
  return undefined
}

function valueAt(place: Place, body: unknown, request: WebhookRequest): unknown {
  if ('json' in place) return at(body, place.json)
  return 'header' in place ? header(request, place.header) : undefined
}

/** Whether a signed copy of the body could be read as an event. */
export function isReadable(body: Uint8Array): boolean {
  const value = parse(body)
  return typeof value === 'object' && value !== null
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as unknown
  } catch {
    return undefined
  }
}

function at(value: unknown, path: readonly string[]): unknown {
  let current = value
  for (const name of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined
    current = Reflect.get(current, name) as unknown
  }
  return current
}

function header({ headers }: WebhookRequest, name: string): string | undefined {
  const index = headers.findIndex((text, position) => position % 2 === 0 && text.toLowerCase() === name)
  return index < 0 ? undefined : headers[index + 1]
}
