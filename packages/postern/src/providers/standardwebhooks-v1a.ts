import { defineSourceBy, type Provider, publicKeys, type Source, type SourceOptions } from '../core/index.ts'

/**
 * Any sender that follows Standard Webhooks 1.0.0 with an asymmetric key (`v1a`, Ed25519): what can verify a request
 * cannot sign one.
 *
 * Ids with a dot are refused: one could shift the boundary to the time, and with it to a body of the sender's choice.
 */
export const standardWebhooksV1aProvider: Provider = {
  name: 'standardwebhooks-v1a',
  title: 'Standard Webhooks, asymmetric',
  documentation: 'https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md',
  evidence: { level: 'proven', reason: "the test vector of Svix' own server verifies" },
  schemes: [
    {
      name: 'standardwebhooks-v1a',
      algorithm: 'ed25519',
      key: { as: 'base64', stripPrefixes: ['whpk_'], minBytes: 32 },
      signature: {
        in: [{ header: 'webhook-signature' }],
        separator: ' ',
        prefix: 'v1a,',
        encoding: 'base64',
      },
      timestamp: { in: { header: 'webhook-timestamp' }, unit: 'seconds', toleranceSeconds: 300 },
      id: { in: { header: 'webhook-id' }, forbid: '.' },
      content: ['id', { literal: '.' }, 'timestamp', { literal: '.' }, 'body'],
    },
  ],
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

/** A source for Standard Webhooks, asymmetric: the secret is the endpoint's public key: base64, with or without `whpk_`. */
export function standardWebhooksV1a(options?: SourceOptions): Source {
  return defineSourceBy([publicKeys], standardWebhooksV1aProvider, options)
}
