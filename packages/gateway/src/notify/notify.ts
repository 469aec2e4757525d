import type {
  DiscordOptions,
  Notification,
  PagerDutyOptions,
  SlackOptions,
  WebhookOptions,
} from './notify-options.ts'

/**
 * Destinations that tell people: readable messages in a channel, an incident, or a small JSON of your own.
 *
 * @example
 * destinations: {
 *   team: notify.slack({ webhookUrl: process.env.SLACK_WEBHOOK_URL, atLeast: 'warning' }),
 *   oncall: notify.pagerduty({ routingKey: process.env.PAGERDUTY_KEY, from: { source: 'vastai' } }),
 * }
 */
export const notify = {
  slack: (options: SlackOptions): Notification => ({ notify: 'slack', ...options }),
  discord: (options: DiscordOptions): Notification => ({ notify: 'discord', ...options }),
  pagerduty: (options: PagerDutyOptions): Notification => ({ notify: 'pagerduty', ...options }),
  webhook: (options: WebhookOptions): Notification => ({ notify: 'webhook', ...options }),
} as const
