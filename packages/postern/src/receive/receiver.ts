import {
  isAuthentic,
  type Clock,
  type Logger,
  type Reason,
  type Source,
  type WebhookEvent,
  type WebhookRequest,
} from '../core/index.ts'
import { handshakeAnswer, isUnansweredHandshake, methodsOf, openHandshake } from '../core/handshake.ts'
import { verifyRequest, type VerifiedRequest } from '../core/verify.ts'
import { withoutStaticSecrets, withoutStraySecrets } from '../core/without-secrets.ts'
import {
  type Claimed,
  type HasRejectedLog,
  type HasSmallState,
  type NewEvent,
  type Observer,
  type PutLease,
  type PutResult,
  type RefusalReason,
  type Reservation,
  type Store,
} from '../inbox/index.ts'
import { answerTo, DUPLICATE, RECEIVED, type Answer } from './answer.ts'
import { Handshakes } from './handshakes.ts'
import { newEvent, receivedEvent } from './new-event.ts'
import { OnceASecond } from './once-a-second.ts'
import { ANSWER_WITHIN_MS, Recordings } from './recordings.ts'
import { RejectedRecorder } from './rejected-recorder.ts'
import { SecretSightings } from './secret-sightings.ts'
import { HANDLED_MARGIN_MS, senderTimeoutMs } from './sender-timeout.ts'
import { valueWithin } from './value-within.ts'

/** Between the answer and the sender's time limit: the handler may be done, and a slow store not have it yet. */
const ANSWER_MARGIN_MS = 500

const PARSED_BODY =
  'the body was read before the inbox saw it, and senders are answered 503: mount the inbox before any body parser, or behind one that keeps the bytes as they came'

const UNANSWERED =
  "a handshake was refused: the source's option 'handshake' has it answered, though nothing signs it"

export interface ReceiverOptions {
  readonly store: Pick<Store, 'put'> & HasRejectedLog & HasSmallState
  readonly sources: ReadonlyMap<string, Source>
  /** The destinations that an event of this source and type goes to. The event is made where one of them looks at it. */
  readonly destinationsFor: (source: string, type: string, event: () => WebhookEvent) => readonly string[]
  /** The destination that `ack: "handled"` waits for. */
  readonly handledDestination: string
  /** A place to run what is about to be put, so that the put can lease it; `undefined` where none is free. */
  readonly reserve: (destination: string) => Reservation | undefined
  /** Runs a delivery that was leased to its request and settles it; `true` where it succeeded. */
  readonly handle: (claimed: Claimed, withinMs: number) => Promise<boolean>
  readonly log: Logger
  readonly observe: Observer
  readonly now: Clock
}

/** Who sent a request. */
type Sender = Pick<WebhookRequest, 'client'>

/** Turns one request into one answer, framework-free. It never rejects. */
export class Receiver {
  readonly #options: ReceiverOptions
  readonly #recordings = new Recordings((error) => this.#reportStoreError(error))
  readonly #onceASecond: OnceASecond
  readonly #recorder: RejectedRecorder
  readonly #sightings: SecretSightings
  readonly #handshakes: Handshakes
  /** Requests that are being answered. */
  #underWay = 0
  #onIdle: (() => void) | undefined
  /** While true, whatever comes is answered 503. */
  isStopping = false

  constructor(options: ReceiverOptions) {
    this.#options = options
    this.#recorder = new RejectedRecorder(options.store, options.log)
    this.#sightings = new SecretSightings(options.store.state)
    this.#onceASecond = new OnceASecond(options.log)
    this.#handshakes = new Handshakes(options.sources, options.log, ANSWER_WITHIN_MS)
  }

  /** The source of a name; `undefined` where none is configured. */
  source(name: string): Source | undefined {
    return this.#handshakes.source(name)
  }

  /** Records a refusal and answers it: of a request that is not to be shown, with its sender alone. */
  refuse(source: string, reason: Reason | RefusalReason, told: WebhookRequest | Sender = {}): Answer {
    const configured = this.source(source)
    const answer = answerTo(reason, configured?.provider.answers, configured && methodsOf(configured))
    if (reason === 'body_already_parsed') this.#onceASecond.say('warn', PARSED_BODY, { source })
    this.#options.observe({
      kind: 'rejected',
      source,
      reason,
      status: answer.status,
      ...(told.client !== undefined && { client: told.client }),
      ...('body' in told && { request: withoutStraySecrets(configured?.schemes ?? [], told) }),
    })
    return answer
  }

  /** Refuses what comes from now on; fulfils once everything that came before is answered. */
  async stop(): Promise<void> {
    this.isStopping = true
    this.#handshakes.stop()
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
  }

  /** Verifies, records, answers. */
  async receive(name: string, request: WebhookRequest): Promise<Answer> {
    const startedMs = performance.now()
    const sender = { client: request.client }
    this.#begin()
    try {
      const source = this.source(name)
      if (source === undefined) return this.refuse(name, 'unknown_source', sender)
      if (this.isStopping) return this.refuse(name, 'stopping', sender)
      if (request.body.byteLength > source.maxBodyBytes) return this.refuse(name, 'body_too_large', sender)
      const nowMs = this.#options.now()
      if (source.handshake !== undefined) {
        const open = openHandshake(source, request, nowMs)
        if (open !== undefined)
          return await this.#shakeHands(name, this.#handshakes.open(name, source, open), sender)
      }
      if (request.method !== 'POST') return this.refuse(name, 'method_not_allowed', sender)
      // An await costs every request what only those pay whose keys are fetched.
      const checked = source.checkFirst && (await source.checkFirst(source, request, nowMs))
      const verified = verifyRequest(request, source, nowMs, checked)
      if (!verified.ok) return await this.#refuseUnverified(name, source, verified.reason, request)
      const handshake = handshakeAnswer(source, verified)
      if (handshake !== undefined)
        return await this.#shakeHands(name, this.#handshakes.verified(name, source, handshake), sender)

      if (this.#recordings.isFull) return this.refuse(name, 'overloaded', sender)
      const arrival = this.#arrivalOf(name, source, verified, startedMs)
      const waited = source.checkFirst === undefined ? 'at_once' : 'for_a_key'
      const result = await this.#recordings.withinDeadline(arrival.putting, request.body, waited)
      if (result === undefined) {
        if (arrival.isAwaited)
          void this.#runLate(arrival.putting, senderTimeoutMs(source) - HANDLED_MARGIN_MS)
        return this.refuse(name, 'store_unavailable', request)
      }
      const [put] = result
      if (put === undefined || put.outcome === 'failed') {
        this.#reportStoreError(put?.error)
        return this.refuse(name, 'store_unavailable', request)
      }
      this.#observeAccepted(name, verified, put, arrival)
      this.#sightings.saw(name, source, verified.scheme, verified.secretIndex, this.#options.now())
      const refusal = arrival.isAwaited ? await this.#refusalOfHandled(source, put, arrival) : undefined
      if (refusal !== undefined) return this.refuse(name, refusal, request)
      return put.outcome === 'duplicate' ? DUPLICATE : RECEIVED
    } catch (error) {
      this.#options.log.error('a request could not be answered', { source: name, error })
      return this.refuse(name, 'internal_error', request)
    } finally {
      this.#end()
    }
  }

  #begin(): void {
    this.#underWay += 1
  }

  #end(): void {
    this.#underWay -= 1
    if (this.#underWay === 0) this.#onIdle?.()
  }

  /** Answers a handshake without its request where that is refused: what it shows may be half of a token. */
  async #shakeHands(
    name: string,
    shaking: Promise<Answer | Reason | RefusalReason>,
    sender: Sender,
  ): Promise<Answer> {
    const answer = await shaking
    return typeof answer === 'string' ? this.refuse(name, answer, sender) : answer
  }

  /** Puts the event of a verified request, with a lease where its deliveries can run without being claimed. */
  #arrivalOf(
    name: string,
    source: Source,
    verified: VerifiedRequest & { readonly ok: true },
    startedMs: number,
  ): Arrival {
    const destinations = this.#options.destinationsFor(name, verified.read.type, () =>
      receivedEvent(name, verified),
    )
    const isAwaited = source.ack === 'handled' && destinations.includes(this.#options.handledDestination)
    const place = isAwaited ? undefined : this.#reserve(destinations)
    const lease = isAwaited ? this.#leaseForItself(source) : place?.lease
    const event = newEvent(name, source, verified.request, verified, destinations, lease)
    const putting = place === undefined ? this.#options.store.put([event]) : this.#putInPlace(event, place)
    return { startedMs, event, isAwaited, putting }
  }

  /** Puts an event whose delivery has a place: leased with the put, it runs without being claimed. */
  async #putInPlace(event: NewEvent, place: Reservation): Promise<PutResult[]> {
    // Also where its answer is given without it: what it leases late has to be run, or given back by a stop.
    this.#begin()
    let leased: Claimed | undefined
    try {
      const results = await this.#options.store.put([event])
      leased = leasedBy(results)
      return results
    } finally {
      if (leased === undefined) place.release()
      else place.begin(leased)
      this.#end()
    }
  }

  #reserve(destinations: readonly string[]): Reservation | undefined {
    for (const destination of destinations) {
      const place = this.#options.reserve(destination)
      if (place !== undefined) return place
    }
    return undefined
  }

  /** For a request whose sender waits for the handler: as long as it waits, so that after a crash its retry finds the lease ended. */
  #leaseForItself(source: Source): PutLease {
    return { destination: this.#options.handledDestination, leaseMs: senderTimeoutMs(source) }
  }

  /** What a commit leases to a request that was answered without it is run all the same, or its lease would only have to end. */
  async #runLate(putting: Promise<readonly PutResult[]>, withinMs: number): Promise<void> {
    this.#begin()
    try {
      const leased = leasedBy(await putting)
      if (leased !== undefined) await this.#options.handle(leased, withinMs)
    } catch {
      // The failure of the store was reported when the request was answered.
    } finally {
      this.#end()
    }
  }

  /** Waits as long as the sender does; why it has to come again, if it has to. */
  #refusalOfHandled(
    source: Source,
    put: StoredResult,
    { startedMs, event }: Arrival,
  ): Promise<RefusalReason | undefined> {
    const leftMs = senderTimeoutMs(source) - (performance.now() - startedMs)
    const handled = this.#handled(put, isDispatched(put, event), leftMs)
    return valueWithin(handled, leftMs - ANSWER_MARGIN_MS, 'in_progress')
  }

  /** Waits for the handler of what was leased to this request; why the sender has to come again, if it has to. */
  async #handled(put: StoredResult, isWaiting: boolean, leftMs: number): Promise<RefusalReason | undefined> {
    if (put.leased !== undefined) {
      const hasSucceeded = await this.#options.handle(put.leased, leftMs - HANDLED_MARGIN_MS)
      return hasSucceeded ? undefined : 'handler_failed'
    }
    // A conflict that is held until an operator says so has nothing that its sender could wait for.
    if (put.outcome !== 'duplicate') return isWaiting ? 'in_progress' : undefined
    const mine = put.deliveries.filter(({ destination }) => destination === this.#options.handledDestination)
    const isOver = mine.some(({ state }) => state === 'succeeded') || mine.at(-1)?.state === 'cancelled'
    return mine.length === 0 || isOver ? undefined : 'in_progress'
  }

  /** What is authentic is kept whole before the refusal is answered, since its sender may never send it again. */
  async #refuseUnverified(
    name: string,
    source: Source,
    reason: Reason,
    request: WebhookRequest,
  ): Promise<Answer> {
    if (!isAuthentic(reason)) {
      if (reason === 'signature_mismatch' || reason === 'no_secret') this.#handshakes.lookAgain(name)
      if (isUnansweredHandshake(source, request)) {
        // It may have brought a secret, which is for no log.
        this.#onceASecond.say('warn', UNANSWERED, { source: name })
        return this.refuse(name, reason)
      }
      this.#recorder.note(name, reason, withoutStraySecrets(source.schemes, request))
      return this.refuse(name, reason, request)
    }
    if (this.#recordings.isFull) return this.refuse(name, 'overloaded', { client: request.client })
    const shown = withoutStaticSecrets(source.schemes, request)
    const keeping = this.#recorder.keep(name, reason, shown).then(() => true)
    const kept = await this.#recordings.withinDeadline(keeping, request.body)
    return this.refuse(name, kept === undefined ? 'store_unavailable' : reason, request)
  }

  #reportStoreError(error: unknown): void {
    this.#onceASecond.say('error', 'the store could not record a request; senders are answered 503', {
      error,
    })
  }

  #observeAccepted(
    name: string,
    { read, scheme, secretIndex }: VerifiedRequest & { readonly ok: true },
    put: StoredResult,
    { event, startedMs }: Arrival,
  ): void {
    this.#options.observe({
      kind: 'accepted',
      source: name,
      outcome: put.outcome,
      eventSeq: put.eventSeq,
      id: read.id,
      type: read.type,
      verifiedBy: scheme,
      secretIndex,
      deliveries: isDispatched(put, event) ? event.destinations.length : 0,
      durationMs: performance.now() - startedMs,
    })
  }
}

/** A verified request on its way into the store. */
interface Arrival {
  /** By the monotonic clock. */
  readonly startedMs: number
  readonly event: NewEvent
  /** Its sender waits for the handler. */
  readonly isAwaited: boolean
  readonly putting: Promise<PutResult[]>
}

type StoredResult = Exclude<PutResult, { readonly outcome: 'failed' }>

/** What the put of one event has leased. */
function leasedBy([put]: readonly PutResult[]): Claimed | undefined {
  return put === undefined || put.outcome === 'failed' ? undefined : put.leased
}

function isDispatched({ outcome }: PutResult, { onConflict }: NewEvent): boolean {
  return outcome === 'stored' || (outcome === 'conflict' && onConflict === 'dispatch')
}
