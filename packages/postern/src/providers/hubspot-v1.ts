import {
  defineSourceBy,
  keyedDigests,
  type Provider,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { HOUR_MS } from './duration.ts'

/**
 * HubSpot's signature version 1 (developers.hubspot.com, "Validating requests"): SHA-256 over the client secret and
 * the body, one after another, and no time. Version 3 is safer: `hubspot()`.
 *
 * Such a digest can be continued by whoever has a request, but only after bytes that end every JSON; the body must be
 * JSON here.
 *
 * HubSpot waits 5 s, and tries up to 10 times more in 24 hours (developers.hubspot.com, "Webhooks").
 */
export const hubspotV1Provider: Provider = {
  name: 'hubspot-v1',
  title: 'HubSpot, signature version 1',
  documentation: 'https://developers.hubspot.com/docs/api/webhooks/validating-requests',
  evidence: {
    level: 'proven',
    reason:
      "the official SDK's test vector verifies, and @hubspot/api-client 13.5.0 agrees in both directions",
  },
  schemes: [
    {
      name: 'hubspot-v1',
      algorithm: 'sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-hubspot-signature' }], encoding: 'hex' },
      required: { 'x-hubspot-signature-version': 'v1' },
      content: ['body'],
    },
  ],
  envelopes: [{ name: 'hubspot-batch', id: [], defaultType: 'batch' }],
  retryHorizonMs: 24 * HOUR_MS,
  senderTimeoutMs: 5000,
}

/** A source for HubSpot, signature version 1: the secret is the app's client secret. */
export function hubspotV1(options?: SourceOptions): Source {
  return defineSourceBy([keyedDigests], hubspotV1Provider, options)
}
