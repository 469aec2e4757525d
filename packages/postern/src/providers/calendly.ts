import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { HOUR_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Calendly's webhooks (developer.calendly.com, "Webhook signatures"): Stripe's form, under a header of its own. There
 * is no event id; the body's digest is one.
 *
 * Calendly waits 15 s, and tries again for 24 hours (developer.calendly.com, "Webhook Timeouts" and "Webhook
 * Errors").
 */
export const calendlyProvider: Provider = {
  name: 'calendly',
  title: 'Calendly',
  documentation: 'https://developer.calendly.com/api-docs/4c305798a61d3-webhook-signatures',
  evidence: {
    level: 'reported',
    reason: 'third parties that cite its documentation agree, which was not at hand; no example is published',
  },
  schemes: [
    {
      name: 'calendly-v1',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: {
        in: [{ header: 'calendly-webhook-signature' }],
        separator: ',',
        pairSeparator: '=',
        field: 'v1',
        encoding: 'hex',
      },
      timestamp: { in: { field: 't' }, unit: 'seconds', toleranceSeconds: 180 },
      content: ['timestamp', { literal: '.' }, 'body'],
    },
  ],
  envelopes: [
    {
      name: 'calendly-event',
      id: [],
      type: { json: ['event'] },
      created: { in: { json: ['created_at'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['payload', 'uri'] }],
    },
  ],
  retryHorizonMs: 24 * HOUR_MS,
  senderTimeoutMs: 15_000,
}

/** Common types; others are accepted and stored all the same. */
export type CalendlyEventType =
  | 'invitee.created'
  | 'invitee.canceled'
  | 'invitee_no_show.created'
  | 'invitee_no_show.deleted'
  | 'routing_form_submission.created'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `event`. */
export type CalendlyEvents = { readonly [Type in CalendlyEventType]: JsonBody }

/** A source for Calendly: the secret is the webhook subscription's signing key. */
export function calendly(options?: SourceOptions): Source<CalendlyEvents> {
  return defineHmacSource<CalendlyEvents>(calendlyProvider, options)
}
