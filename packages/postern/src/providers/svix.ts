import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { standardWebhooksScheme } from './standard-webhooks-scheme.ts'
import { SVIX_RETRY_HORIZON_MS } from './svix-retry-horizon.ts'

/**
 * Any sender behind Svix, under its own header names (docs.svix.com, "Verifying webhooks manually"): Standard
 * Webhooks' scheme with `svix-` in place of `webhook-`. The example there has a key of 18 bytes, fewer than the 24 of
 * Standard Webhooks.
 *
 * Svix asks for an answer within 15 s, though its open server waits 30, and tries again for more than a day.
 */
export const svixProvider: Provider = {
  name: 'svix',
  title: 'Svix',
  documentation: 'https://docs.svix.com/receiving/verifying-payloads/how-manual',
  evidence: {
    level: 'proven',
    reason: 'the example of its documentation verifies, and svix 1.99.1 agrees in both directions',
  },
  schemes: [standardWebhooksScheme('svix-v1', 'svix', { minBytes: 16 })],
  envelopes: [{ name: 'svix-event', id: [{ header: 'svix-id' }], type: { json: ['type'] } }],
  retryHorizonMs: SVIX_RETRY_HORIZON_MS,
  senderTimeoutMs: 15_000,
  rotation: 'the signature header may hold several signatures, and one that fits is enough',
}

/** A source for Svix: the secret is the endpoint's secret: base64, with or without `whsec_`. */
export function svix(options?: SourceOptions): Source {
  return defineHmacSource(svixProvider, options)
}
