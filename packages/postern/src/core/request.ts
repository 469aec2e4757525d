import { GrowingBytes } from './growing-bytes.ts'
import type { Reason } from './reason.ts'

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
  /**
   * The raw bytes. Whatever else stands here is refused as `body_already_parsed`, a string too: by then the body has been decoded,
   * and two bodies may share one text.
   */
  readonly body: Uint8Array
}

/** Brings any of the shapes of `RequestLike` into the one the core works on. */
export function toWebhookRequest(
  { method = 'POST', url = '', headers }: Omit<RequestLike, 'body'>,
  body: Uint8Array,
): WebhookRequest {
  return { method, url, headers: toHeaderList(headers), body }
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

/** Why there are no bytes of a body. */
export type NoBody = Extract<Reason, 'body_too_large' | 'body_already_parsed' | 'client_disconnected'>

/** The bytes of a request, reading at most `maxBytes` of a Fetch body. Never rejects. */
export async function bodyOf(request: RequestLike | Request, maxBytes: number): Promise<Uint8Array | NoBody> {
  const { body } = request
  if ('arrayBuffer' in request && !request.bodyUsed && !request.body?.locked)
    return readBounded(request.body, maxBytes)
  // No throw: behind `express.raw()` any sender brings about `{}`, with another content type.
  if (!(body instanceof Uint8Array)) return 'body_already_parsed'
  return body.byteLength > maxBytes ? 'body_too_large' : body
}

/** Reads a stream whole, or stops and cancels it as soon as it exceeds the limit. Never rejects. */
export function readBounded(
  stream: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array | NoBody> {
  return new Promise((resolve) => {
    // Leaving the loop cancels the stream, and waits for that: of a request that was cloned until the other branch is cancelled too.
    const read = async (): Promise<void> => {
      const received = new GrowingBytes(maxBytes)
      for await (const chunk of stream ?? []) {
        if (!received.add(chunk)) return resolve('body_too_large')
      }
      resolve(received.bytes())
    }
    read().catch(() => resolve('client_disconnected'))
  })
}
