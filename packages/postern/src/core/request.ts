import { GrowingBytes } from './growing-bytes.ts'

/**
 * HTTP headers as they came on the wire: names and values in turn, in order, doubles kept, as Node's
 * `IncomingMessage.rawHeaders` has them. Other shapes lose what a verifier must see: an object folds a doubled
 * signature header into `"a, b"`.
 */
export type HeaderList = readonly string[]

/** One HTTP arrival, framework-free. */
export interface WebhookRequest {
  readonly method: string
  /** Path and query as received, or the full public URL where a provider signs it. */
  readonly url: string
  readonly headers: HeaderList
  /** The exact bytes received: never decoded, inflated or re-serialised. */
  readonly body: Uint8Array
  /** Who sent it, as whoever took it says. For logs: nothing is decided by it, and nothing of it is stored. */
  readonly client?: string | undefined
}

/** What `verify` takes: `WebhookRequest`, with the shapes that frameworks have for headers. */
export interface RequestLike {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers:
    | HeaderList
    | Iterable<readonly [string, string]>
    | Readonly<Record<string, string | readonly string[] | undefined>>
  /** The raw bytes. A string is refused: by then the body has been decoded, and two bodies may share one text. */
  readonly body: Uint8Array
}

/** Brings any of the shapes of `RequestLike` into the one the core works on. */
export function toWebhookRequest(request: RequestLike): WebhookRequest {
  if (!(request.body instanceof Uint8Array)) {
    throw new TypeError(
      'The request body must be the raw bytes as received, a Uint8Array: take it before any parser of bodies',
    )
  }
  return {
    method: request.method ?? 'POST',
    url: request.url ?? '',
    headers: toHeaderList(request.headers),
    body: request.body,
  }
}

/** Stands for what must be single and came more than once: which of the two others would show is anybody's guess. */
export const DOUBLED: unique symbol = Symbol('doubled')

/** The one value of a header, named in lower case. Names are compared without regard to case (RFC 9110 §5.1). */
export function headerValue(headers: HeaderList, name: string): string | undefined | typeof DOUBLED {
  const { length } = name
  // In lower case, where it is a letter: a name of the same length is most often told apart by it, for less than `toLowerCase`.
  const last = name.charCodeAt(length - 1) | 0x20
  let found: string | undefined
  for (let index = 0; index < headers.length; index += 2) {
    const candidate = headers[index] as string
    if (candidate.length !== length || (candidate.charCodeAt(length - 1) | 0x20) !== last) continue
    if (candidate !== name && candidate.toLowerCase() !== name) continue
    if (found !== undefined) return DOUBLED
    found = headers[index + 1] ?? ''
  }
  return found
}

function toHeaderList(headers: RequestLike['headers']): HeaderList {
  const list: readonly unknown[] =
    Symbol.iterator in headers
      ? [...headers].flat()
      : Object.entries(headers).flatMap(([name, value]) =>
          [value ?? []].flat().flatMap((single) => [name, single]),
        )
  // Untyped callers hand on numbers, nulls and objects: what is no text is an empty one.
  return list.map((text) => (typeof text === 'string' ? text : ''))
}

/**
 * Takes a Fetch request apart, reading at most `maxBytes` of its body. `Headers` has joined doubled headers with
 * `", "` by then; strict decoding refuses those.
 */
export async function fromFetch(request: Request, maxBytes: number): Promise<WebhookRequest | 'too_large'> {
  const body = await readBounded(request.body, maxBytes)
  if (body === undefined) return 'too_large'
  return { method: request.method, url: request.url, headers: [...request.headers].flat(), body }
}

/** Reads a stream whole, or stops and cancels it as soon as it exceeds the limit. */
export async function readBounded(
  stream: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const received = new GrowingBytes(maxBytes)
  // Leaving the loop cancels the stream.
  for await (const chunk of stream ?? []) if (!received.add(chunk)) return undefined
  return received.bytes()
}
