import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { HOUR_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'
import { standardWebhooksScheme } from './standard-webhooks-scheme.ts'

/**
 * Polar's webhooks (polar.sh/docs/integrate/webhooks): Standard Webhooks, but the key is the secret's own text: its
 * SDK encodes it to base64 before that of Standard Webhooks decodes it again (polarsource/polar#13256).
 *
 * Polar waits 10 s, and tries up to 10 times, with at most 20 minutes between (`polarsource/polar`, "Delivery" and
 * its source).
 */
export const polarProvider: Provider = {
  name: 'polar',
  title: 'Polar',
  documentation: 'https://polar.sh/docs/integrate/webhooks/delivery',
  evidence: {
    level: 'proven',
    reason:
      '@polar-sh/sdk 0.49.0 accepts what is signed here, and standardwebhooks 1.1.1, called as it calls it, agrees in both directions',
  },
  schemes: [standardWebhooksScheme('polar-v1', 'webhook', { as: 'utf8' })],
  envelopes: [
    {
      name: 'polar-event',
      id: [{ header: 'webhook-id' }],
      type: { json: ['type'] },
      created: { in: { json: ['timestamp'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['data', 'id'] }],
    },
  ],
  retryHorizonMs: 3 * HOUR_MS,
  senderTimeoutMs: 10_000,
  rotation: 'the signature header may hold several signatures, and one that fits is enough',
}

/** Common types; others are accepted and stored all the same. */
export type PolarEventType =
  | 'checkout.created'
  | 'checkout.updated'
  | 'customer.created'
  | 'customer.updated'
  | 'customer.deleted'
  | 'customer.state_changed'
  | 'order.created'
  | 'order.paid'
  | 'order.updated'
  | 'order.refunded'
  | 'subscription.created'
  | 'subscription.updated'
  | 'subscription.active'
  | 'subscription.canceled'
  | 'subscription.uncanceled'
  | 'subscription.revoked'
  | 'refund.created'
  | 'refund.updated'
  | 'product.created'
  | 'product.updated'
  | 'benefit_grant.created'
  | 'benefit_grant.updated'
  | 'benefit_grant.revoked'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `type`. */
export type PolarEvents = { readonly [Type in PolarEventType]: JsonBody }

/** A source for Polar: the secret is the endpoint's secret. */
export function polar(options?: SourceOptions): Source<PolarEvents> {
  return defineHmacSource<PolarEvents>(polarProvider, options)
}
