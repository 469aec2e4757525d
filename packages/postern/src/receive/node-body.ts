import type { IncomingMessage } from 'node:http'
import type { BodyBudget } from './body-reading.ts'

/** A request's bytes, or why there are none. */
export type ReadBody =
  | { readonly ok: true; readonly body: Uint8Array }
  | {
      readonly ok: false
      readonly reason: 'body_too_large' | 'body_already_parsed' | 'client_disconnected' | 'overloaded'
    }

/** What body parsers leave on a request: Express's `raw` a Buffer in `body`, several others one in `rawBody`. */
interface MaybeParsed {
  readonly body?: unknown
  readonly rawBody?: unknown
}

/**
 * The exact bytes of a Node request, whoever has read them. Bytes that a parser has inflated are not those that were
 * signed, so a `Content-Encoding` in front of a parser is refused as already parsed.
 */
export function nodeBody(
  request: IncomingMessage & MaybeParsed,
  maxBytes: number,
  budget: BodyBudget,
): Promise<ReadBody> {
  const known = knownBefore(request, maxBytes)
  return known === undefined ? readStream(request, maxBytes, budget) : Promise.resolve(known)
}

/** What can be said of the body without reading it. */
function knownBefore(request: IncomingMessage & MaybeParsed, maxBytes: number): ReadBody | undefined {
  const { rawBody, body } = request
  const parsed = rawBody instanceof Uint8Array ? rawBody : body
  if (parsed instanceof Uint8Array) {
    if (isEncoded(request)) return { ok: false, reason: 'body_already_parsed' }
    return parsed.byteLength > maxBytes ? { ok: false, reason: 'body_too_large' } : { ok: true, body: parsed }
  }
  // Before `destroyed`: Node destroys a request in the turn after its end, and its sender still waits.
  if (request.readableEnded) return { ok: false, reason: 'body_already_parsed' }
  if (request.destroyed) return { ok: false, reason: 'client_disconnected' }
  if (request.readableDidRead) return { ok: false, reason: 'body_already_parsed' }
  if (Number(request.headers['content-length'] ?? 0) > maxBytes)
    return { ok: false, reason: 'body_too_large' }
  return undefined
}

function isEncoded(request: IncomingMessage): boolean {
  const encoding = request.headers['content-encoding']
  return encoding !== undefined && encoding !== 'identity'
}

/**
 * Counts bytes as they come: a chunked body has no length to trust. The listeners are left where they are, since to take
 * them off costs more than to be called once more: a body that has ended takes nothing in.
 */
function readStream(request: IncomingMessage, maxBytes: number, budget: BodyBudget): Promise<ReadBody> {
  return new Promise((resolve) => {
    const finish = (result: ReadBody): void => {
      reading.end()
      resolve(result)
    }
    const reading = budget.begin(maxBytes, () => finish({ ok: false, reason: 'overloaded' }))
    request.on('data', (chunk: unknown) => {
      // Text, where somebody has called `setEncoding`: two bodies may share it.
      if (!(chunk instanceof Uint8Array)) finish({ ok: false, reason: 'body_already_parsed' })
      else if (!reading.add(chunk)) finish({ ok: false, reason: 'body_too_large' })
    })
    request.on('end', () => finish({ ok: true, body: reading.finish() }))
    request.on('close', () => finish({ ok: false, reason: 'client_disconnected' }))
    // An aborted request emits an error first; `close` follows it.
    request.on('error', () => {})
    // A listener does not undo the `pause` of whoever had the request before.
    if (request.isPaused()) request.resume()
  })
}
