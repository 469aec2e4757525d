import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { standardWebhooksScheme } from './standard-webhooks-scheme.ts'

/**
 * Any sender that follows Standard Webhooks 1.0.0 with a symmetric key (`v1`).
 *
 * Ids with a dot are refused: one could shift the boundary to the time, and with it to a body of the sender's choice.
 */
export const standardWebhooksProvider: Provider = {
  name: 'standardwebhooks',
  title: 'Standard Webhooks',
  documentation: 'https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md',
  evidence: {
    level: 'proven',
    reason:
      'the test vectors of the official libraries verify, and standardwebhooks 1.1.1 agrees in both directions',
  },
  schemes: [standardWebhooksScheme('standardwebhooks-v1', 'webhook')],
  envelopes: [
    {
      name: 'standardwebhooks-event',
      id: [{ header: 'webhook-id' }],
      type: { json: ['type'] },
      created: { in: { json: ['timestamp'] }, unit: 'rfc3339' },
    },
  ],
  rotation: 'the signature header may hold several signatures, and one that fits is enough',
}

/** A source for Standard Webhooks: the secret is the endpoint's secret: base64, with or without `whsec_`. */
export function standardWebhooks(options?: SourceOptions): Source {
  return defineHmacSource(standardWebhooksProvider, options)
}
