import type { BodyBudget } from './body-reading.ts'
import type { ReadBody } from './node-body.ts'

/** The exact bytes of a Fetch request. */
export async function fetchBody(request: Request, maxBytes: number, budget: BodyBudget): Promise<ReadBody> {
  if (request.bodyUsed || request.body?.locked) return { ok: false, reason: 'body_already_parsed' }
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes)
    return { ok: false, reason: 'body_too_large' }
  if (request.body === null) return { ok: true, body: new Uint8Array() }
  return readStream(request.body, maxBytes, budget)
}

async function readStream(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  budget: BodyBudget,
): Promise<ReadBody> {
  const reader = stream.getReader()
  let mustGiveWay = false
  const reading = budget.begin(maxBytes, () => {
    mustGiveWay = true
    // Ends the read that is waiting, with `done`.
    cancel(reader)
  })
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (mustGiveWay) return { ok: false, reason: 'overloaded' }
      if (done) return { ok: true, body: reading.finish() }
      // Text, say, of a stream that an app has put in place of the sender's.
      if (!((value as unknown) instanceof Uint8Array)) {
        cancel(reader)
        return { ok: false, reason: 'body_already_parsed' }
      }
      if (!reading.add(value)) {
        cancel(reader)
        return { ok: false, reason: 'body_too_large' }
      }
    }
  } catch {
    return { ok: false, reason: 'client_disconnected' }
  } finally {
    reading.end()
  }
}

/** Not waited for: a stream may take as long as it likes to end, or fail at it. */
function cancel(reader: ReadableStreamDefaultReader<Uint8Array>): void {
  reader.cancel().catch(() => {})
}
