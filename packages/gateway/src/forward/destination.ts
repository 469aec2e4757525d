import {
  NotNowError,
  type AttemptContext,
  type HandlerOptions,
  type RetrySchedule,
  type WebhookEvent,
} from 'postern'
import { CircuitBreaker, DEFAULT_BREAKER, type BreakerState } from './circuit-breaker.ts'
import { DEFAULT_CONCURRENCY, DEFAULT_TIMEOUT_MS, type ResolvedDestination } from './destination-options.ts'
import { DestinationGate } from './destination-gate.ts'
import type { Resolve } from './guarded-connect.ts'
import type { AttemptEnd } from './limit.ts'
import { Messages } from './message.ts'
import { networksOf } from './networks.ts'
import { outcomeOf } from './outcome.ts'
import { Target } from './target.ts'
import type { Time } from './time.ts'
import { TokenBucket } from './token-bucket.ts'

export interface DestinationParts {
  readonly time: Time
  /** In [0, 1). */
  readonly random: () => number
  /** Default: as the system does. */
  readonly resolve?: Resolve | undefined
}

/** How it is with a destination, on this node. */
export type DestinationState = 'open' | 'paused' | 'down' | 'probing' | 'resting'

/** What is given back because the gate has closed is due again then; closed, the gate keeps it back. */
const NOT_NOW_MS = 1000
/** The worker's own deadline comes after ours, which says what it was that took so long. */
const WORKER_GRACE_MS = 2000

/** One HTTP endpoint: its gate, its connections, and the handler that sends. */
export class Destination {
  readonly options: ResolvedDestination
  readonly gate: DestinationGate
  readonly #breaker: CircuitBreaker | undefined
  readonly #messages: Messages
  readonly #target: Target
  readonly #parts: DestinationParts

  constructor(options: ResolvedDestination, parts: DestinationParts) {
    const {
      concurrency = DEFAULT_CONCURRENCY,
      timeoutMs = DEFAULT_TIMEOUT_MS,
      breaker,
      ratePerSecond,
    } = options
    this.options = options
    this.#parts = parts
    this.#breaker =
      breaker === false ? undefined : new CircuitBreaker({ ...DEFAULT_BREAKER, ...breaker }, parts.random)
    const bucket =
      ratePerSecond === undefined ? undefined : new TokenBucket(ratePerSecond, parts.time.monotonicMs())
    const limits = [this.#breaker, bucket].filter((limit) => limit !== undefined)
    this.gate = new DestinationGate(limits, parts.time)
    this.#messages = new Messages(options.secrets, options.headers ?? {})
    this.#target = new Target({
      url: new URL(options.url),
      connections: concurrency,
      timeoutMs,
      allowNetworks: networksOf(options.allowNetworks ?? []),
      ...(options.ca !== undefined && { ca: options.ca }),
      ...(parts.resolve !== undefined && { resolve: parts.resolve }),
    })
  }

  /** What the worker has to know of it. */
  get handlerOptions(): HandlerOptions {
    const { name, concurrency = DEFAULT_CONCURRENCY, timeoutMs = DEFAULT_TIMEOUT_MS } = this.options
    return { name, concurrency, timeoutMs: timeoutMs + WORKER_GRACE_MS, retry: this.#retry, gate: this.gate }
  }

  get state(): DestinationState {
    if (this.gate.isPaused) return 'paused'
    if (this.#breaker?.isResting(this.#parts.time.monotonicMs()) === true) return 'resting'
    return STATES[this.#breaker?.state ?? 'closed']
  }

  /** One try of one delivery. Throws where it is to be tried again, or never. */
  readonly send = async (event: WebhookEvent, context: AttemptContext): Promise<void> => {
    const end = this.gate.begin()
    if (end === undefined) throw new NotNowError(NOT_NOW_MS, `${this.options.name} takes nothing just now`)
    // Ended even by a bug: a probe that never ended would keep its destination closed for ever.
    let ended: AttemptEnd = { target: 'unknown' }
    try {
      const { error, end: shown } = await this.#exchange(event, context)
      // Broken off from our side, by a stop or a lost lease: it says nothing of the target.
      if (!context.signal.aborted) ended = shown
      if (error !== undefined) throw error
    } finally {
      end(ended)
    }
  }

  async close(): Promise<void> {
    this.gate.close()
    await this.#target.close()
  }

  async #exchange(
    event: WebhookEvent,
    { attempt, deliverySeq, signal }: AttemptContext,
  ): Promise<ReturnType<typeof outcomeOf>> {
    const { time, random } = this.#parts
    const headers = this.#messages.headers({ event, attempt, deliverySeq }, time.wallMs())
    const sent = await this.#target.post(headers, event.body, signal)
    return outcomeOf(sent, { retryOn: this.options.retryOn, nowMs: time.wallMs(), random })
  }

  get #retry(): Partial<RetrySchedule> {
    const { retry, giveUpAfterMs } = this.options
    return { ...retry, ...(giveUpAfterMs !== undefined && { giveUpAfterMs }) }
  }
}

const STATES: Readonly<Record<BreakerState, DestinationState>> = {
  closed: 'open',
  open: 'down',
  probing: 'probing',
}
