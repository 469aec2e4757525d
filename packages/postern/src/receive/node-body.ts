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
export async function nodeBody(
  request: IncomingMessage & MaybeParsed,
  maxBytes: number,
  budget: BodyBudget,
): Promise<ReadBody> {
  const parsed = [request.rawBody, request.body].find((value) => value instanceof Uint8Array)
  if (parsed !== undefined) {
    if (isEncoded(request)) return { ok: false, reason: 'body_already_parsed' }
    return parsed.byteLength > maxBytes ? { ok: false, reason: 'body_too_large' } : { ok: true, body: parsed }
  }
  if (request.destroyed) return { ok: false, reason: 'client_disconnected' }
  if (request.readableDidRead || request.readableEnded) return { ok: false, reason: 'body_already_parsed' }
  if (Number(request.headers['content-length'] ?? 0) > maxBytes)
    return { ok: false, reason: 'body_too_large' }
  return readStream(request, maxBytes, budget)
}

function isEncoded(request: IncomingMessage): boolean {
  const encoding = request.headers['content-encoding']
  return encoding !== undefined && encoding !== 'identity'
}

/** Counts bytes as they come: a chunked body has no length to trust. */
function readStream(request: IncomingMessage, maxBytes: number, budget: BodyBudget): Promise<ReadBody> {
  return new Promise((resolve) => {
    const finish = (result: ReadBody): void => {
      request.off('data', onData).off('end', onEnd).off('close', onClose)
      reading.end()
      resolve(result)
    }
    const reading = budget.begin(maxBytes, () => finish({ ok: false, reason: 'overloaded' }))
    const onData = (chunk: Buffer): void => {
      if (!reading.add(chunk)) finish({ ok: false, reason: 'body_too_large' })
    }
    const onEnd = (): void => finish({ ok: true, body: reading.finish() })
    const onClose = (): void => finish({ ok: false, reason: 'client_disconnected' })
    request.on('data', onData).on('end', onEnd).on('close', onClose)
    // An aborted request emits an error first; `close` follows it.
    request.on('error', () => {})
  })
}
