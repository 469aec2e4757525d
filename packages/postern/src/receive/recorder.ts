import { MAX_NAME_LENGTH, readEvent, UNKNOWN_TYPE, type ReadEvent } from '../core/envelope.ts'
import { PosternError, type Source, type WebhookEvent, type WebhookRequest } from '../core/index.ts'
import type { Observer, PutResult, Store } from '../inbox/index.ts'
import { newEvent, receivedEvent } from './new-event.ts'

/** Something that happened and that no request told: read from a queue, or from an API. */
export interface Recording {
  /**
   * What it is remembered by, with the source: the same text whenever the same thing is recorded, 1 to 255 characters. A
   * webhook of that source with this id is the same event.
   */
  readonly id: string
  /** Who says so, and how you know: `[a-z0-9_-]{1,64}`. Kept as `verifiedBy`, after `record:`. */
  readonly witness: string
  /** The exact bytes, as they are to be kept. */
  readonly body: Uint8Array | string
  /** Where absent, read from the body by the source's envelopes. */
  readonly type?: string
}

/**
 * What became of an event that `record` was given; it is on stable storage. Of a duplicate, `eventSeq` is the event that
 * was first.
 */
export interface Recorded {
  /** As of a request: `conflict` where the id was seen with another body. */
  readonly outcome: 'stored' | 'duplicate' | 'conflict'
  readonly eventSeq: number
}

export interface RecorderOptions {
  readonly store: Pick<Store, 'put'>
  readonly sources: ReadonlyMap<string, Source>
  readonly destinationsFor: (source: string, type: string, event: () => WebhookEvent) => readonly string[]
  readonly observe: Observer
}

const WITNESS = /^[a-z0-9_-]{1,64}$/
/** As in `core/envelope.ts`: what not every store can keep. */
const UNSTORABLE = /[\0\uFFFD\uD800-\uDFFF]/u

/**
 * Records an event that came by no request, once, with its deliveries. Fulfils once it is on stable storage; rejects with
 * `PosternError` for misuse (`bad_event`), and where the store could not record it: nothing is known of the outcome then, and
 * doing it again under the same id is safe.
 */
export async function recordEvent(
  { store, sources, destinationsFor, observe }: RecorderOptions,
  name: string,
  recording: Recording,
): Promise<Recorded> {
  const startedMs = performance.now()
  const source = sources.get(name)
  if (source === undefined) throw unsound(`there is no source '${name}'`)
  const request = requestOf(recording)
  assertSound(recording, request, source)
  const read = readRecording(recording, request, source)
  const verifiedBy = `record:${recording.witness}`
  const destinations = destinationsFor(name, read.type, () => receivedEvent(name, { read, request }))
  const event = newEvent(name, source, request, { read, scheme: verifiedBy }, destinations)
  const put = recorded(await store.put([event]))
  const isDispatched =
    put.outcome === 'stored' || (put.outcome === 'conflict' && event.onConflict === 'dispatch')
  observe({
    kind: 'accepted',
    source: name,
    outcome: put.outcome,
    eventSeq: put.eventSeq,
    id: read.id,
    type: read.type,
    verifiedBy,
    secretIndex: undefined,
    deliveries: isDispatched ? destinations.length : 0,
    durationMs: performance.now() - startedMs,
  })
  return { outcome: put.outcome, eventSeq: put.eventSeq }
}

function requestOf({ body }: Recording): WebhookRequest {
  if (typeof body !== 'string' && !(body instanceof Uint8Array))
    throw unsound('the body must be text or bytes')
  return { method: 'POST', url: '', headers: [], body: typeof body === 'string' ? Buffer.from(body) : body }
}

/** The id is the caller's word, as one inside signed bytes would be the sender's: remembered by it alone. */
function readRecording({ id, type }: Recording, request: WebhookRequest, source: Source): ReadEvent {
  const read = readEvent(source, request)
  return {
    id,
    idKind: 'signed',
    type: type ?? read?.type ?? UNKNOWN_TYPE,
    createdMs: read?.createdMs,
    orderingKey: read?.orderingKey,
    data: read?.data,
  }
}

function assertSound({ id, witness, type }: Recording, { body }: WebhookRequest, source: Source): void {
  if (typeof witness !== 'string' || !WITNESS.test(witness))
    throw unsound(`the witness must match ${WITNESS.source}`)
  for (const [what, text] of [
    ['id', id],
    ['type', type ?? UNKNOWN_TYPE],
  ] as const) {
    // A vendor's API has numbers for ids, and a number and its text would be two events in one store and one in another.
    if (typeof text !== 'string') throw unsound(`the ${what} must be text`)
    if (text === '' || text.length > MAX_NAME_LENGTH || UNSTORABLE.test(text)) {
      throw unsound(
        `the ${what} must have 1 to ${MAX_NAME_LENGTH} characters, in well-formed Unicode without NUL`,
      )
    }
  }
  if (body.byteLength > source.maxBodyBytes) {
    throw unsound(
      `the body is longer than the source takes (${body.byteLength} of ${source.maxBodyBytes} bytes)`,
    )
  }
}

function recorded([put]: readonly PutResult[]): Exclude<PutResult, { readonly outcome: 'failed' }> {
  if (put === undefined || put.outcome === 'failed') {
    throw new PosternError('store_unavailable', 'The store could not record an event', { cause: put?.error })
  }
  return put
}

function unsound(problem: string): PosternError {
  return new PosternError('bad_event', `Cannot record: ${problem}`)
}
