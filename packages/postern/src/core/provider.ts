import type { Scheme, Place, TimestampRule } from './scheme.ts'

/** Who sends, as data: how its requests are authenticated and where things stand in them. JSON-serialisable. */
export interface Provider {
  /** Lower-case, as in a path: `[a-z0-9_-]{1,64}`. */
  readonly name: string
  readonly title: string
  /** The provider's own page about its webhooks, where it has one. */
  readonly documentation?: string
  /** Any of them may authenticate a request. */
  readonly schemes: readonly Scheme[]
  /** Tried in order; the first whose id places are in the body or in signed headers gives id, type and time. */
  readonly envelopes: readonly Envelope[]
  /** How long the provider retries or can be asked to redeliver, in days, where it is longer than a week. */
  readonly redeliveryDays?: number
  /** The provider's time limit for an answer. */
  readonly senderTimeoutMs?: number
}

/** Where id, type, time and ordering key stand in a provider's requests. */
export interface Envelope {
  readonly name: string
  /** Several places make one id together. */
  readonly id: readonly Place[]
  readonly type: Place
  readonly created?: { readonly in: Place; readonly unit: TimestampRule['unit'] }
  readonly orderingKey?: readonly Place[]
  /** Where the handler's `data` stands in the JSON body; the whole body where absent. */
  readonly data?: readonly string[]
}
