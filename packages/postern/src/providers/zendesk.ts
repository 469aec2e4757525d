import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'

/**
 * Zendesk's webhooks (developer.zendesk.com/documentation/webhooks/verifying): the time and the body are signed with
 * nothing between, in base64. The secret looks like base64 too, and is the key as it stands.
 *
 * Events of a subscription have an `id`; the body of a trigger's or automation's webhook is its user's own, and then
 * there is only `X-Zendesk-Webhook-Invocation-Id`, which is not signed.
 */
export const zendeskProvider: Provider = {
  name: 'zendesk',
  title: 'Zendesk',
  documentation: 'https://developer.zendesk.com/documentation/webhooks/verifying/',
  evidence: {
    level: 'documented',
    reason: "its documentation has the construction and a test secret; a third party's example verifies",
  },
  schemes: [
    {
      name: 'zendesk-signature',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-zendesk-webhook-signature' }], encoding: 'base64' },
      timestamp: {
        in: { header: 'x-zendesk-webhook-signature-timestamp' },
        unit: 'rfc3339',
        toleranceSeconds: 300,
      },
      content: ['timestamp', 'body'],
    },
  ],
  envelopes: [
    {
      name: 'zendesk-event',
      id: [{ json: ['id'] }],
      type: { json: ['type'] },
      created: { in: { json: ['time'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['detail', 'id'] }],
    },
    { name: 'zendesk-trigger', id: [{ header: 'x-zendesk-webhook-invocation-id' }], defaultType: 'trigger' },
  ],
  undocumented: ['how far the signed time may be off'],
}

/** A source for Zendesk: the secret is the webhook's signing secret. */
export function zendesk(options?: SourceOptions): Source {
  return defineHmacSource(zendeskProvider, options)
}
