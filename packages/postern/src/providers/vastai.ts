import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { templateEnvelope, templateScheme, type TemplateEvents } from './template.ts'

/**
 * Vast.ai notification webhooks (docs.vast.ai/guides/reference/notification-webhooks, read 2026-08-07), and beside
 * them the template's scheme on the same path.
 *
 * `X-Vast-Event-Id` and `X-Vast-Delivery-Attempt` are not signed, so the id is the body's `event_id`. Vast.ai waits
 * 10 s, and takes every 4xx but 408 and 429 as final.
 */
export const vastaiProvider: Provider = {
  name: 'vastai',
  title: 'Vast.ai',
  documentation: 'https://docs.vast.ai/guides/reference/notification-webhooks',
  evidence: { level: 'documented', reason: 'its documentation has the construction and one sample' },
  schemes: [
    {
      name: 'vast-signature-256',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-vast-signature-256' }], prefix: 'sha256=', encoding: 'hex' },
      timestamp: { in: { header: 'x-vast-timestamp' }, unit: 'seconds', toleranceSeconds: 300 },
      content: ['timestamp', { literal: '.' }, 'body'],
    },
    templateScheme('vastai'),
  ],
  envelopes: [
    {
      name: 'notification',
      id: [{ json: ['event_id'] }],
      type: { json: ['notif_type'] },
      created: { in: { json: ['timestamp'] }, unit: 'seconds' },
    },
    templateEnvelope,
  ],
  senderTimeoutMs: 10_000,
}

/** Vast.ai's notification, as its documentation has it. What happened to which instance is in the texts only. */
export interface VastNotification {
  readonly event_id: string
  readonly user_id: number
  readonly notif_type: string
  readonly subject: string
  readonly message: string
  /** Unix time in seconds, with a fraction. */
  readonly timestamp: number
}

/** The types that Vast.ai's own text names (`X-Vast` payloads carry them without the `client:` or `host:` prefix). */
export type VastNotificationType =
  | 'billing_failed'
  | 'instance_created'
  | 'instance_offline'
  | 'instance_online'
  | 'instance_started'
  | 'instance_stopped'
  | 'low_credit'
  | 'machine_error'
  | 'machine_offline'
  | 'maintenance_scheduled'
  | 'outbid'
  | 'payment_receipt'
  | 'upcoming_downtime'
  | 'webhook_test'

/**
 * What handlers get as `data`, by type: the whole body of Vast.ai's own notifications, whose type is `notif_type`; of the
 * template's, its `data`.
 */
export type VastaiEvents = TemplateEvents & { readonly [Type in VastNotificationType]: VastNotification }

/** A source for Vast.ai: `VASTAI_WEBHOOK_SECRET` is the `webhook_secret` shown once when the webhook was made. */
export function vastai(options?: SourceOptions): Source<VastaiEvents> {
  return defineHmacSource<VastaiEvents>(vastaiProvider, options)
}
