import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { DAY_MS } from './duration.ts'

/**
 * Adyen's webhooks of the balance platform, whose signature is in a header. Those of payments have one inside the
 * body, over eight of its fields; they are none of this.
 *
 * Adyen waits 10 s, and tries again for up to 30 days (docs.adyen.com, "Troubleshoot webhooks").
 */
export const adyenBankingProvider: Provider = {
  name: 'adyen-banking',
  title: 'Adyen balance platform',
  documentation:
    'https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures/',
  evidence: { level: 'proven', reason: '@adyen/api-library 32.1.0 agrees in both directions' },
  schemes: [
    {
      name: 'adyen-banking-hmac',
      algorithm: 'hmac-sha256',
      key: { as: 'hex', minBytes: 32 },
      signature: { in: [{ header: 'hmacsignature' }], encoding: 'base64' },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'adyen-banking-event',
      id: [],
      type: { json: ['type'] },
      created: { in: { json: ['timestamp'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['data', 'id'] }],
    },
  ],
  retryHorizonMs: 30 * DAY_MS,
  senderTimeoutMs: 10_000,
}

/** A source for Adyen balance platform: the secret is the webhook's HMAC key, hexadecimal. */
export function adyenBanking(options?: SourceOptions): Source {
  return defineHmacSource(adyenBankingProvider, options)
}
