import type { DeliveryOptions, ResolvedDelivery, Route } from '../forward/index.ts'
import type { Severity } from './severity.ts'

/** What every notification can be told, beside what it has in common with a destination over HTTP. */
export interface NotifyOptions extends DeliveryOptions {
  /** Events of less weight are not told. Default `info`, all of them; for PagerDuty, which wakes people, `warning`. */
  readonly atLeast?: Severity
  /** Messages in any 60 seconds, on each node; what is more comes in one that sums it up. Default 10, at most 60. */
  readonly perMinute?: number
  /** How much some events weigh, where that is not as `docs/notify.md` says; the first that fits counts. */
  readonly severity?: readonly SeverityOverride[]
}

/** Events of a route, and what they weigh. */
export interface SeverityOverride extends Route {
  readonly is: Severity
}

/** Messages in a Slack channel, by an incoming webhook. Beyond `perMinute` they come in one that sums them up. */
export interface SlackOptions extends NotifyOptions {
  /** Of an incoming webhook; whoever has it can post, so keep it in the environment. */
  readonly webhookUrl: string | undefined
}

/** Messages in a Discord channel, by its webhook. Beyond `perMinute` they come in one that sums them up. */
export interface DiscordOptions extends NotifyOptions {
  /** Of a channel's webhook; whoever has it can post, so keep it in the environment. */
  readonly webhookUrl: string | undefined
}

/** Incidents at PagerDuty (Events API v2), each resolved by the event that says that its trouble is over. */
export interface PagerDutyOptions extends NotifyOptions {
  /** The integration key of a service (Events API v2): 32 characters; keep it in the environment. */
  readonly routingKey: string | undefined
  /** Default: `https://events.pagerduty.com/v2/enqueue`; in the EU region `https://events.eu.pagerduty.com/v2/enqueue`. */
  readonly url?: string
}

/** Each message as a small JSON object, for a chat or a pager that has no form of its own here. */
export interface WebhookOptions extends NotifyOptions {
  /** Where it is posted: https. With http only into a network of `allowNetworks`. */
  readonly url: string | undefined
  /** Signs by Standard Webhooks (`whsec_…`); without it nothing is signed. */
  readonly secret?: string | undefined
  /** Headers of your own, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A notification as `notify` makes it: data, told from a destination over HTTP by `notify`. */
export type Notification =
  | ({ readonly notify: 'slack' } & SlackOptions)
  | ({ readonly notify: 'discord' } & DiscordOptions)
  | ({ readonly notify: 'pagerduty' } & PagerDutyOptions)
  | ({ readonly notify: 'webhook' } & WebhookOptions)

export type NotifyKind = Notification['notify']

/** A notification with all that it needs. */
export interface ResolvedNotification extends NotifyOptions, ResolvedDelivery {
  readonly notify: NotifyKind
  readonly routingKey?: string
  readonly secret?: string
  readonly headers?: Readonly<Record<string, string>>
}

export const DEFAULT_PER_MINUTE = 10
export const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue'
