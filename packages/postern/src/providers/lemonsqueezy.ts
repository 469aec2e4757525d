import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { SECOND_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Lemon Squeezy's webhooks (docs.lemonsqueezy.com/help/webhooks). There is no event id; the body's digest is one.
 *
 * Only others, who cite its page, report three further tries: after some 5, 25 and 125 s.
 */
export const lemonsqueezyProvider: Provider = {
  name: 'lemonsqueezy',
  title: 'Lemon Squeezy',
  documentation: 'https://docs.lemonsqueezy.com/help/webhooks/signing-requests',
  evidence: {
    level: 'reported',
    reason: 'third parties that cite its documentation agree, which was not at hand; no example is published',
  },
  schemes: [
    {
      name: 'lemonsqueezy-signature',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'lemonsqueezy-event',
      id: [],
      type: { json: ['meta', 'event_name'] },
      orderingKey: [{ json: ['data', 'id'] }],
    },
  ],
  retryHorizonMs: 155 * SECOND_MS,
}

/** Common types; others are accepted and stored all the same. */
export type LemonsqueezyEventType =
  | 'order_created'
  | 'order_refunded'
  | 'subscription_created'
  | 'subscription_updated'
  | 'subscription_cancelled'
  | 'subscription_resumed'
  | 'subscription_expired'
  | 'subscription_paused'
  | 'subscription_unpaused'
  | 'subscription_payment_failed'
  | 'subscription_payment_success'
  | 'subscription_payment_recovered'
  | 'license_key_created'
  | 'license_key_updated'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `meta.event_name`. */
export type LemonsqueezyEvents = { readonly [Type in LemonsqueezyEventType]: JsonBody }

/** A source for Lemon Squeezy: the secret is the webhook's signing secret. */
export function lemonsqueezy(options?: SourceOptions): Source<LemonsqueezyEvents> {
  return defineHmacSource<LemonsqueezyEvents>(lemonsqueezyProvider, options)
}
