import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import type { JsonBody } from './json-body.ts'
import { standardWebhooksScheme } from './standard-webhooks-scheme.ts'

/**
 * Replicate's webhooks (replicate.com/docs/topics/webhooks): Standard Webhooks. The body is the prediction itself,
 * whose `status` is the only type there is.
 */
export const replicateProvider: Provider = {
  name: 'replicate',
  title: 'Replicate',
  documentation: 'https://replicate.com/docs/topics/webhooks/verify-webhook',
  evidence: { level: 'proven', reason: 'replicate 1.4.0 accepts what is signed here' },
  schemes: [standardWebhooksScheme('replicate-v1', 'webhook')],
  envelopes: [
    {
      name: 'replicate-prediction',
      id: [{ header: 'webhook-id' }],
      type: { json: ['status'] },
      orderingKey: [{ json: ['id'] }],
    },
  ],
  rotation: 'the signature header may hold several signatures, and one that fits is enough',
}

/** Common types; others are accepted and stored all the same. */
export type ReplicateEventType = 'starting' | 'processing' | 'succeeded' | 'failed' | 'canceled'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `status`. */
export type ReplicateEvents = { readonly [Type in ReplicateEventType]: JsonBody }

/** A source for Replicate: the secret is the account's webhook signing secret, which begins with `whsec_`. */
export function replicate(options?: SourceOptions): Source<ReplicateEvents> {
  return defineHmacSource<ReplicateEvents>(replicateProvider, options)
}
