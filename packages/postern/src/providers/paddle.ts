import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { DAY_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Paddle Billing's webhooks (developer.paddle.com/webhooks): `ts=<time>;h1=<signature>` over `<time>:<body>`. Paddle
 * Classic signs otherwise and is none of this.
 *
 * The SDK's tolerance is 5 s, which is kept here: set `toleranceSeconds` where your clocks differ more. Paddle waits 5
 * s, and tries live events 60 times in 3 days.
 */
export const paddleProvider: Provider = {
  name: 'paddle',
  title: 'Paddle Billing',
  documentation: 'https://developer.paddle.com/webhooks/signature-verification',
  evidence: {
    level: 'proven',
    reason:
      "the official SDK's test vectors verify, and @paddle/paddle-node-sdk 3.10.0 accepts what is signed here",
  },
  schemes: [
    {
      name: 'paddle-h1',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: {
        in: [{ header: 'paddle-signature' }],
        separator: ';',
        pairSeparator: '=',
        field: 'h1',
        encoding: 'hex',
      },
      timestamp: { in: { field: 'ts' }, unit: 'seconds', toleranceSeconds: 5 },
      content: ['timestamp', { literal: ':' }, 'body'],
    },
  ],
  envelopes: [
    {
      name: 'paddle-event',
      id: [{ json: ['event_id'] }],
      type: { json: ['event_type'] },
      created: { in: { json: ['occurred_at'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['data', 'id'] }],
    },
  ],
  retryHorizonMs: 3 * DAY_MS,
  senderTimeoutMs: 5000,
  rotation: 'the header may hold several h1; one that fits is enough',
}

/** Common types; others are accepted and stored all the same. */
export type PaddleEventType =
  | 'address.created'
  | 'customer.created'
  | 'customer.updated'
  | 'product.created'
  | 'product.updated'
  | 'price.created'
  | 'price.updated'
  | 'subscription.activated'
  | 'subscription.canceled'
  | 'subscription.created'
  | 'subscription.past_due'
  | 'subscription.paused'
  | 'subscription.resumed'
  | 'subscription.updated'
  | 'transaction.billed'
  | 'transaction.canceled'
  | 'transaction.completed'
  | 'transaction.created'
  | 'transaction.paid'
  | 'transaction.past_due'
  | 'transaction.payment_failed'
  | 'transaction.ready'
  | 'transaction.updated'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `event_type`. */
export type PaddleEvents = { readonly [Type in PaddleEventType]: JsonBody }

/** A source for Paddle Billing: the secret is the notification destination's secret key. */
export function paddle(options?: SourceOptions): Source<PaddleEvents> {
  return defineHmacSource<PaddleEvents>(paddleProvider, options)
}
