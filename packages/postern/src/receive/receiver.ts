import {
  isAuthentic,
  type Clock,
  type LogFields,
  type Logger,
  type Reason,
  type Source,
  type WebhookRequest,
} from '../core/index.ts'
import { verifyRequest, type VerifiedRequest } from '../core/verify.ts'
import { withoutStaticSecrets, withoutStraySecrets } from '../core/without-secrets.ts'
import {
  Deadlines,
  type HasRejectedLog,
  type Observer,
  type PutResult,
  type RefusalReason,
  type Store,
} from '../inbox/index.ts'
import { answerTo, DUPLICATE, RECEIVED, type Answer } from './answer.ts'
import { newEvent, withoutSecrets } from './new-event.ts'

/** The tightest sender waits 3 s; at 2.5 s without a commit the answer is 503. */
const ANSWER_WITHIN_MS = 2500

const PARSED_BODY =
  'the body was read before the inbox saw it, and senders are answered 503: mount the inbox before any body parser, or behind one that keeps the bytes as they came'

export interface ReceiverOptions {
  readonly store: Pick<Store, 'put'> & HasRejectedLog
  readonly sources: ReadonlyMap<string, Source>
  /** The destinations that an event of this source and type goes to. */
  readonly destinationsFor: (source: string, type: string) => readonly string[]
  readonly log: Logger
  readonly observe: Observer
  readonly now: Clock
}

/** Turns one request into one answer, framework-free. It never rejects. */
export class Receiver {
  readonly #options: ReceiverOptions
  readonly #deadlines = new Deadlines(ANSWER_WITHIN_MS)
  /** When each of the messages below was last logged. */
  readonly #reportedMs = new Map<string, number>()
  /** While true, whatever comes is answered 503. */
  isStopping = false

  constructor(options: ReceiverOptions) {
    this.#options = options
  }

  /** The source of a name; `undefined` where none is configured. */
  source(name: string): Source | undefined {
    return this.#options.sources.get(name)
  }

  /** Records a refusal and answers it. */
  refuse(source: string, reason: Reason | RefusalReason, request?: WebhookRequest): Answer {
    const configured = this.source(source)
    const answer = answerTo(reason, configured?.provider.answers)
    if (reason === 'body_already_parsed') this.#reportOnceASecond('warn', PARSED_BODY, { source })
    this.#options.observe({
      kind: 'rejected',
      source,
      reason,
      status: answer.status,
      ...(request !== undefined && { request: withoutStraySecrets(configured?.schemes ?? [], request) }),
    })
    return answer
  }

  /** Verifies, records, answers. */
  async receive(name: string, request: WebhookRequest): Promise<Answer> {
    try {
      return await this.#receive(name, request)
    } catch (error) {
      this.#options.log.error('a request could not be answered', { source: name, error })
      return this.refuse(name, 'internal_error', request)
    }
  }

  async #receive(name: string, request: WebhookRequest): Promise<Answer> {
    const startedMs = performance.now()
    const source = this.source(name)
    if (source === undefined) return this.refuse(name, 'unknown_source')
    if (this.isStopping) return this.refuse(name, 'stopping')
    if (request.body.byteLength > source.maxBodyBytes) return this.refuse(name, 'body_too_large')
    const verified = verifyRequest(request, source, this.#options.now())
    if (!verified.ok) return this.#refuseUnverified(name, source, verified.reason, request)

    const event = newEvent(
      name,
      source,
      verified.request,
      verified,
      this.#options.destinationsFor(name, verified.read.type),
    )
    const result = await this.#withinDeadline(this.#options.store.put([event]))
    if (result === undefined) return this.refuse(name, 'store_unavailable', request)
    const [put] = result
    if (put === undefined || put.outcome === 'failed') {
      this.#reportStoreError(put?.error)
      return this.refuse(name, 'store_unavailable', request)
    }
    this.#observeAccepted(name, verified, put, event.destinations.length, performance.now() - startedMs)
    return put.outcome === 'duplicate' ? DUPLICATE : RECEIVED
  }

  /** What is authentic is kept whole before the refusal is answered, since its sender may never send it again. */
  async #refuseUnverified(
    name: string,
    source: Source,
    reason: Reason,
    request: WebhookRequest,
  ): Promise<Answer> {
    if (!isAuthentic(reason)) return this.refuse(name, reason, request)
    const { method, url, headers, body } = withoutStaticSecrets(source.schemes, request)
    const kept = await this.#withinDeadline(
      this.#options.store.rejected
        .record({
          source: name,
          reason,
          method,
          url,
          headers: withoutSecrets(headers),
          body,
        })
        .then(() => true),
    )
    return this.refuse(name, kept === undefined ? 'store_unavailable' : reason, request)
  }

  /** The value, or `undefined` once the store failed or the sender will wait no longer. A late commit stays: the retry is its duplicate. */
  #withinDeadline<T>(work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve) => {
      const deadline = this.#deadlines.set(() => {
        resolve(undefined)
        this.#reportStoreError(new Error(`no commit within ${ANSWER_WITHIN_MS} ms`))
      })
      work.then(
        (value) => {
          deadline.met()
          resolve(value)
        },
        (error: unknown) => {
          deadline.met()
          resolve(undefined)
          this.#reportStoreError(error)
        },
      )
    })
  }

  #reportStoreError(error: unknown): void {
    this.#reportOnceASecond('error', 'the store could not record a request; senders are answered 503', {
      error,
    })
  }

  /** A full disk under load would otherwise fill the log as well. */
  #reportOnceASecond(level: 'warn' | 'error', message: string, fields: LogFields): void {
    const nowMs = performance.now()
    if (nowMs - (this.#reportedMs.get(message) ?? -Infinity) < 1000) return
    this.#reportedMs.set(message, nowMs)
    this.#options.log[level](message, fields)
  }

  #observeAccepted(
    name: string,
    verified: VerifiedRequest & { readonly ok: true },
    put: Exclude<PutResult, { readonly outcome: 'failed' }>,
    destinations: number,
    durationMs: number,
  ): void {
    this.#options.observe({
      kind: 'accepted',
      source: name,
      outcome: put.outcome,
      eventSeq: put.eventSeq,
      id: verified.read.id,
      type: verified.read.type,
      verifiedBy: verified.scheme,
      secretIndex: verified.secretIndex,
      deliveries: put.outcome === 'stored' ? destinations : 0,
      durationMs,
    })
  }
}
