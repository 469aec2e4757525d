import type { AttemptContext, HandlerOptions, WebhookEvent } from 'postern'
import { DEFAULT_CONCURRENCY, type ResolvedDestination } from './destination-options.ts'
import { Messages } from './message.ts'
import { Outlet, type OutletParts } from './outlet.ts'
import type { Sender } from './sender.ts'
import { TokenBucket } from './token-bucket.ts'

/** One HTTP endpoint that gets events as they came: its outlet, and the handler that sends. */
export class Destination implements Sender {
  readonly options: ResolvedDestination
  readonly outlet: Outlet
  readonly #messages: Messages
  readonly #parts: OutletParts

  constructor(options: ResolvedDestination, parts: OutletParts) {
    const { concurrency = DEFAULT_CONCURRENCY, ratePerSecond } = options
    this.options = options
    this.#parts = parts
    const rate = ratePerSecond === undefined ? [] : [new TokenBucket(ratePerSecond, parts.time.monotonicMs())]
    this.outlet = new Outlet(options, concurrency, rate, parts)
    this.#messages = new Messages(options.secrets, options.headers ?? {})
  }

  /** What the worker has to know of it. */
  get handlerOptions(): HandlerOptions {
    const { name, concurrency = DEFAULT_CONCURRENCY } = this.options
    const { workerTimeoutMs, retry, gate } = this.outlet
    return { name, concurrency, timeoutMs: workerTimeoutMs, retry, gate }
  }

  /** One try of one delivery. Throws where it is to be tried again, or never. */
  readonly send = (event: WebhookEvent, attempted: AttemptContext): Promise<void> => {
    const { attempt, deliverySeq } = attempted
    const headers = (): string[] =>
      this.#messages.headers({ event, attempt, deliverySeq }, this.#parts.time.wallMs())
    return this.outlet.send({ headers, body: event.body, attempt: attempted })
  }
}
