import { defineSourceBy, type Provider, publicKeys, type Source, type SourceOptions } from '../core/index.ts'
import { DAY_MS } from './duration.ts'

/**
 * SendGrid's signed event webhook (twilio.com/docs/sendgrid; `sendgrid-nodejs`): ECDSA over P-256 of time and body,
 * with nothing between. The body ends with a line break, which is signed too.
 *
 * A request holds a batch of events and no id of its own; the body's digest is one. Events are sent again for 24 hours after they
 * happened (docs.sendgrid.com, "Troubleshooting the Event Webhook"; the 72 hours of the inbound parse webhook are another's).
 */
export const sendgridProvider: Provider = {
  name: 'sendgrid',
  title: 'SendGrid Event Webhook',
  documentation:
    'https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features',
  evidence: {
    level: 'proven',
    reason:
      "the official SDK's test vector verifies, and @sendgrid/eventwebhook 8.0.0 accepts what is signed here",
  },
  schemes: [
    {
      name: 'sendgrid-ecdsa',
      algorithm: 'ecdsa-p256-sha256',
      key: { as: 'base64' },
      signature: { in: [{ header: 'x-twilio-email-event-webhook-signature' }], encoding: 'base64' },
      timestamp: {
        in: { header: 'x-twilio-email-event-webhook-timestamp' },
        unit: 'seconds',
        toleranceSeconds: 300,
      },
      content: ['timestamp', 'body'],
    },
  ],
  envelopes: [{ name: 'sendgrid-batch', id: [], defaultType: 'batch' }],
  retryHorizonMs: DAY_MS,
  undocumented: ['how far the signed time may be off, and whether a retry is signed again'],
}

/** A source for SendGrid Event Webhook: the secret is the webhook's verification key. */
export function sendgrid(options?: SourceOptions): Source {
  return defineSourceBy([publicKeys], sendgridProvider, options)
}
