import type { EventMap, Source, WebhookEvent } from '../core/index.ts'
import type { DestinationLimits } from './limits.ts'

/** What a handler is given beside the event; `settleIn` only where the store can settle inside a transaction of the user's. */
export type HandlerContext<Effect = never, Tx = never> = AttemptContext<Effect> &
  ([Tx] extends [never] ? unknown : SettlingContext<Tx>)

/** What a handler is given beside the event: which try this is, when to stop, and a way to write together with its success. */
export interface AttemptContext<Effect = never> {
  /**
   * Aborted at the handler's deadline, when its lease is lost, and when a stop runs out of patience. Nothing can end a handler that
   * does not heed it: it runs on, and its retries, or the next of its ordering key, run beside it.
   */
  readonly signal: AbortSignal
  /** 1 for the first try. */
  readonly attempt: number
  /** The delivery's number in the store: the same for each of its tries, also after a redrive; a replay has another. */
  readonly deliverySeq: number
  /** Adds a write that the store commits together with the delivery's success, or not at all. */
  readonly tx: (effect: Effect) => void
}

/** What a handler is given as well where its store can settle inside a transaction of the user's. */
export interface SettlingContext<Tx> {
  /**
   * Settles the delivery as succeeded inside a transaction that the handler has opened: both are committed together, or
   * neither is, so that what the handler writes there happens exactly once. Once for each transaction, best as its last
   * statement: from then on it holds the delivery's lock, and its lease is no longer prolonged.
   *
   * Rejects, so that the transaction is rolled back: with `LeaseLostError` where the deadline has passed or another worker
   * has the delivery; with a `PosternError` (`cannot_settle`) where `tx` is no open transaction, where `tx(effect)` is used as
   * well, or where another handler of the same delivery has yet to run. Handlers without a name share one delivery: give one
   * that settles a name of its own, or register it last.
   */
  readonly settleIn: (tx: Tx) => Promise<void>
}

/**
 * The user's work for one event. Fulfilling means done; a throw or rejection means it is tried again later, up to the
 * schedule's last attempt. Throw `NonRetryableError` to give up at once, `RetryAfterError` to choose the wait.
 *
 * It runs at least once: a crash between the work and its record runs it again.
 */
export type Handler<Type extends string = string, Data = unknown, Effect = never, Tx = never> = (
  event: WebhookEvent<Type, Data>,
  context: HandlerContext<Effect, Tx>,
) => unknown

/** A handler and what it is for; made by `on`. */
export interface Registration<Effect = never, Tx = never> {
  readonly source: string
  /** An event type, the beginning of some with `.*` after it, or `*` for all of them. */
  readonly type: string
  /** The destination: `handlers` for all that are not named. */
  readonly destination: string
  readonly handler: Handler<string, never, Effect, Tx>
  readonly limits?: DestinationLimits
  readonly when?: (event: WebhookEvent) => boolean
}

/** What beside its source and type a handler can be registered with; limits only together with a name. */
export interface HandlerOptions extends DestinationLimits {
  /**
   * Makes the handler a destination of its own, with its own deliveries, attempts, retries and limits: `[a-z0-9_-]{1,64}`, and not
   * digits alone, since numbers are deliveries'.
   */
  readonly name?: string
  /**
   * Which events of its source and type it gets. Asked before an event is recorded, so it must be fast; a throw counts as
   * yes. An event that is delivered to its destination all the same, as by a replay, it gets without being asked.
   */
  readonly when?: (event: WebhookEvent) => boolean
}

/** The destination of all handlers without a name. Those that match an event run one after another, as one attempt. */
export const UNNAMED_DESTINATION = 'handlers'

/** The event types of a source; any other string is accepted as well, since vendors' lists grow. */
export type EventsOf<S> = S extends Source<infer Events> ? Events : EventMap

/** The `data` that a handler of a type gets. */
export type DataOf<Events, Type> = Type extends keyof Events ? Events[Type] : unknown

/**
 * Registers a handler, typed by the sources: `on('vastai', 'outbid', async (event, { signal }) => …)`. The type may be `*`, or
 * `instance.*` for all that begin with `instance.`. Throws for what can match nothing (`bad_config`).
 */
export type On<Sources extends Readonly<Record<string, Source>>, Effect = never, Tx = never> = <
  Name extends keyof Sources & string,
  Type extends (keyof EventsOf<Sources[Name]> & string) | '*' | (string & {}),
>(
  source: Name,
  type: Type,
  handler: Handler<Type extends '*' ? string : Type, DataOf<EventsOf<Sources[Name]>, Type>, Effect, Tx>,
  options?: HandlerOptions,
) => Registration<Effect, Tx>

/** Thrown by a handler: trying again would not help, so the delivery is dead at once. */
export class NonRetryableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'NonRetryableError'
  }
}

/**
 * Thrown by `settleIn`: the lease is no longer this attempt's, since its deadline has passed or another worker has taken the
 * delivery. Let it roll the transaction back: somebody else does the work.
 */
export class LeaseLostError extends Error {
  constructor(message = 'the delivery is no longer leased to this attempt', options?: ErrorOptions) {
    super(message, options)
    this.name = 'LeaseLostError'
  }
}

/**
 * Thrown by a handler: this was no try. The delivery is given back as it was, and is due again after this wait. For what stands
 * behind a gate that has closed since the delivery was claimed.
 */
export class NotNowError extends Error {
  readonly afterMs: number

  constructor(afterMs: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'NotNowError'
    this.afterMs = afterMs
  }
}

/** Thrown by a handler: try again after this wait instead of the schedule's, as an upstream's `Retry-After` asks. */
export class RetryAfterError extends Error {
  readonly afterMs: number

  constructor(afterMs: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RetryAfterError'
    this.afterMs = afterMs
  }
}
