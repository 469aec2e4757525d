import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { HOUR_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Razorpay's webhooks (razorpay.com/docs/webhooks). `x-razorpay-event-id` is not signed.
 *
 * Razorpay waits 5 s, and tries again for 24 hours (`razorpay/markdown-docs`, "Best Practices").
 */
export const razorpayProvider: Provider = {
  name: 'razorpay',
  title: 'Razorpay',
  documentation: 'https://razorpay.com/docs/webhooks/validate-test/',
  evidence: {
    level: 'proven',
    reason: "the official SDK's test vector verifies, and razorpay 2.9.8 accepts what is signed here",
  },
  schemes: [
    {
      name: 'razorpay-signature',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-razorpay-signature' }], encoding: 'hex' },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'razorpay-event',
      id: [{ header: 'x-razorpay-event-id' }],
      type: { json: ['event'] },
      created: { in: { json: ['created_at'] }, unit: 'seconds' },
    },
  ],
  retryHorizonMs: 24 * HOUR_MS,
  senderTimeoutMs: 5000,
}

/** Common types; others are accepted and stored all the same. */
export type RazorpayEventType =
  | 'payment.authorized'
  | 'payment.captured'
  | 'payment.failed'
  | 'order.paid'
  | 'refund.created'
  | 'refund.processed'
  | 'refund.failed'
  | 'subscription.activated'
  | 'subscription.charged'
  | 'subscription.cancelled'
  | 'invoice.paid'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `event`. */
export type RazorpayEvents = { readonly [Type in RazorpayEventType]: JsonBody }

/** A source for Razorpay: the secret is the webhook's secret, not the API key's. */
export function razorpay(options?: SourceOptions): Source<RazorpayEvents> {
  return defineHmacSource<RazorpayEvents>(razorpayProvider, options)
}
