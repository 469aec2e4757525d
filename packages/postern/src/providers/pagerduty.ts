import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { HOUR_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * PagerDuty's webhooks, version 3 (developer.pagerduty.com/docs/webhooks/webhook-signatures). The secret looks like
 * base64, and is the key as it stands.
 *
 * PagerDuty waits 5 s, for custom incident actions 16, and tries again for up to 48 hours
 * (`PagerDuty/developer-docs`, "Behavior").
 */
export const pagerdutyProvider: Provider = {
  name: 'pagerduty',
  title: 'PagerDuty',
  documentation: 'https://developer.pagerduty.com/docs/webhooks/webhook-signatures/',
  evidence: { level: 'proven', reason: "the official Go client's test vectors verify" },
  schemes: [
    {
      name: 'pagerduty-v1',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: {
        in: [{ header: 'x-pagerduty-signature' }],
        separator: ',',
        prefix: 'v1=',
        encoding: 'hex',
      },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'pagerduty-event',
      id: [{ json: ['event', 'id'] }],
      type: { json: ['event', 'event_type'] },
      created: { in: { json: ['event', 'occurred_at'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['event', 'data', 'id'] }],
    },
  ],
  retryHorizonMs: 48 * HOUR_MS,
  senderTimeoutMs: 5000,
  rotation: 'the header may hold several signatures; one that fits is enough',
}

/** Common types; others are accepted and stored all the same. */
export type PagerdutyEventType =
  | 'incident.acknowledged'
  | 'incident.annotated'
  | 'incident.delegated'
  | 'incident.escalated'
  | 'incident.priority_updated'
  | 'incident.reassigned'
  | 'incident.reopened'
  | 'incident.resolved'
  | 'incident.responder.added'
  | 'incident.status_update_published'
  | 'incident.triggered'
  | 'incident.unacknowledged'
  | 'service.created'
  | 'service.updated'
  | 'service.deleted'
  | 'pagey.ping'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `event.event_type`. */
export type PagerdutyEvents = { readonly [Type in PagerdutyEventType]: JsonBody }

/** A source for PagerDuty: the secret is the webhook subscription's secret. */
export function pagerduty(options?: SourceOptions): Source<PagerdutyEvents> {
  return defineHmacSource<PagerdutyEvents>(pagerdutyProvider, options)
}
