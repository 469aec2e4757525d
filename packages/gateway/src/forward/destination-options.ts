import type { RetrySchedule } from 'postern'
import type { BreakerSettings } from './circuit-breaker.ts'
import type { Filter } from './filter.ts'
import type { HeaderRules } from './forwarded-headers.ts'
import type { RetryOn } from './outcome.ts'

/** What every destination that is reached over HTTP can be told, whatever is sent there. */
export interface DeliveryOptions {
  /** Which events it gets: those that one of the routes names. Default: all of them. */
  readonly from?: Route | readonly Route[]
  /** From the start of a request to the head of its answer, connecting included. Default 15 s, the least that Standard Webhooks advises. */
  readonly timeoutMs?: number
  /** When a failed delivery is tried again; what it leaves out is as the gateway's own `retry` has it. */
  readonly retry?: Partial<Omit<RetrySchedule, 'giveUpAfterMs'>>
  /** No try comes later than this after the first, as far as the schedule's own waits go; what waits behind a pause or an outage does not count. */
  readonly giveUpAfterMs?: number
  /** Statuses that are worth another try, such as `['5xx', 429]`; others are final. Default: every status but 2xx and 410. No answer at all is always tried again. */
  readonly retryOn?: RetryOn
  /** Networks outside the public internet that it may stand in, such as `10.0.0.0/8`. */
  readonly allowNetworks?: readonly string[]
  /** Certificate authorities in PEM, in place of the system's. */
  readonly ca?: string
  /** When it counts as down, and how it is probed; `false` for never. Default: 10 failures in a row, probes after 5 s to 60 s. */
  readonly breaker?: Partial<BreakerSettings> | false
}

/** An HTTP endpoint that events are sent on to, with deliveries, attempts and retries of its own. */
export interface DestinationOptions extends DeliveryOptions {
  /** https. With http only into a network of `allowNetworks`. */
  readonly url: string
  /**
   * The key that its requests are signed with (Standard Webhooks, `whsec_…`), or several while one is being rotated, newest
   * first: all of them sign. Default: the environment's `<NAME>_DESTINATION_SECRET` and `<NAME>_DESTINATION_SECRET_2`.
   */
  readonly secret?: string | readonly (string | undefined)[] | undefined
  /** Which received headers it gets beside `content-type` and `content-encoding`, and which of its own. Default: none. */
  readonly headers?: HeaderRules
  /** Requests under way at once, on each node. Default 16. */
  readonly concurrency?: number
  /** The most requests a second, on each node. Default: no bound. */
  readonly ratePerSecond?: number
}

/** Some of the events of one source, or of all. */
export interface Route {
  /** A source's name; default `*`, all of them. */
  readonly source?: string
  /** Event types: one, several, `*`, or `instance.*` for all that begin with `instance.`. Default `*`. */
  readonly type?: string | readonly string[]
  readonly where?: Filter
}

/** Where a destination is, and what it is called. */
export interface ResolvedDelivery extends DeliveryOptions {
  readonly name: string
  readonly url: string
}

/** A destination with all that it needs. */
export interface ResolvedDestination extends Omit<DestinationOptions, 'secret'>, ResolvedDelivery {
  /** At least one. */
  readonly secrets: readonly string[]
}

export const DEFAULT_TIMEOUT_MS = 15_000
export const DEFAULT_CONCURRENCY = 16
/** The worker's own deadline comes after ours, which says what it was that took so long. */
export const WORKER_GRACE_MS = 2000
