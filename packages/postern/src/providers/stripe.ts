import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { DAY_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Stripe's webhooks (docs.stripe.com/webhooks/signature): `t=<time>,v1=<signature>` over `<time>.<body>`. Entries of
 * other names, such as `v0` of test events, are not looked at.
 *
 * Every retry has a new time and signature, under the same event id. Live events are tried for 3 days, and can be sent
 * again by hand for 30.
 */
export const stripeProvider: Provider = {
  name: 'stripe',
  title: 'Stripe',
  documentation: 'https://docs.stripe.com/webhooks/signature',
  evidence: {
    level: 'proven',
    reason: "the official SDKs' test vector verifies, and stripe 23.1.0 agrees in both directions",
  },
  schemes: [
    {
      name: 'stripe-v1',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: {
        in: [{ header: 'stripe-signature' }],
        separator: ',',
        pairSeparator: '=',
        field: 'v1',
        encoding: 'hex',
      },
      timestamp: { in: { field: 't' }, unit: 'seconds', toleranceSeconds: 300 },
      content: ['timestamp', { literal: '.' }, 'body'],
    },
  ],
  envelopes: [
    {
      name: 'stripe-event',
      id: [{ json: ['id'] }],
      type: { json: ['type'] },
      created: { in: { json: ['created'] }, unit: 'seconds' },
      orderingKey: [{ json: ['data', 'object', 'id'] }],
    },
  ],
  retryHorizonMs: 30 * DAY_MS,
  rotation:
    'while a secret is rolled, for up to 24 h, the header holds a v1 of each; one that fits is enough',
  undocumented: ['the time limit for an answer'],
}

/** Common types; others are accepted and stored all the same. */
export type StripeEventType =
  | 'account.updated'
  | 'charge.failed'
  | 'charge.refunded'
  | 'charge.succeeded'
  | 'checkout.session.completed'
  | 'checkout.session.expired'
  | 'customer.created'
  | 'customer.deleted'
  | 'customer.updated'
  | 'customer.subscription.created'
  | 'customer.subscription.deleted'
  | 'customer.subscription.updated'
  | 'invoice.created'
  | 'invoice.finalized'
  | 'invoice.paid'
  | 'invoice.payment_failed'
  | 'payment_intent.created'
  | 'payment_intent.payment_failed'
  | 'payment_intent.succeeded'
  | 'payout.failed'
  | 'payout.paid'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `type`. */
export type StripeEvents = { readonly [Type in StripeEventType]: JsonBody }

/** A source for Stripe: the secret is the endpoint's signing secret; `whsec_` is a part of it. */
export function stripe(options?: SourceOptions): Source<StripeEvents> {
  return defineHmacSource<StripeEvents>(stripeProvider, options)
}
