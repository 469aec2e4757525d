import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import type { JsonBody } from './json-body.ts'
import { standardWebhooksScheme } from './standard-webhooks-scheme.ts'
import { SVIX_RETRY_HORIZON_MS } from './svix-retry-horizon.ts'

/**
 * Resend's webhooks (resend.com/docs, "Managing webhooks"): sent by Svix, whose library it asks its users to verify
 * with.
 *
 * It tries again as Svix does, and any message can be sent again by hand (resend.com/docs, "Retries and Replays").
 */
export const resendProvider: Provider = {
  name: 'resend',
  title: 'Resend',
  documentation: 'https://resend.com/docs/dashboard/webhooks/introduction',
  evidence: {
    level: 'proven',
    reason:
      'svix 1.99.1, which its documentation names, agrees in both directions, and resend 6.38.0 accepts what is signed here',
  },
  schemes: [standardWebhooksScheme('resend-v1', 'svix', { minBytes: 16 })],
  envelopes: [
    {
      name: 'resend-event',
      id: [{ header: 'svix-id' }],
      type: { json: ['type'] },
      created: { in: { json: ['created_at'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['data', 'email_id'] }],
    },
  ],
  retryHorizonMs: SVIX_RETRY_HORIZON_MS,
  rotation: 'the signature header may hold several signatures, and one that fits is enough',
}

/** Common types; others are accepted and stored all the same. */
export type ResendEventType =
  | 'email.sent'
  | 'email.delivered'
  | 'email.delivery_delayed'
  | 'email.complained'
  | 'email.bounced'
  | 'email.opened'
  | 'email.clicked'
  | 'email.failed'
  | 'email.received'
  | 'contact.created'
  | 'contact.updated'
  | 'contact.deleted'
  | 'domain.created'
  | 'domain.updated'
  | 'domain.deleted'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `type`. */
export type ResendEvents = { readonly [Type in ResendEventType]: JsonBody }

/** A source for Resend: the secret is the webhook's signing secret, which begins with `whsec_`. */
export function resend(options?: SourceOptions): Source<ResendEvents> {
  return defineHmacSource<ResendEvents>(resendProvider, options)
}
