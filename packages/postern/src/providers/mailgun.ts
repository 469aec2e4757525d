import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { HOUR_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Mailgun's webhooks (documentation.mailgun.com, "Securing Webhooks"): time and token are signed, in the JSON body beside
 * the event, and the event is not.
 *
 * The token is the id, so that whoever has seen a request cannot send another event under its signature: it would be
 * a conflict, which is held. Mailgun tries for 8 hours, and does not say whether it signs anew: its time is taken for
 * as long, since a token is remembered for longer than that.
 */
export const mailgunProvider: Provider = {
  name: 'mailgun',
  title: 'Mailgun',
  documentation: 'https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks',
  evidence: {
    level: 'documented',
    reason: 'its documentation has the construction; the key of its example is not published',
  },
  schemes: [
    {
      name: 'mailgun-signature',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ json: ['signature', 'signature'] }], encoding: 'hex' },
      timestamp: {
        in: { json: ['signature', 'timestamp'] },
        unit: 'seconds',
        toleranceSeconds: 8 * 3600 + 300,
      },
      // No bytes stand between: a digit moved from one to the other would change the time a hundredfold.
      id: { in: { json: ['signature', 'token'] } },
      content: ['timestamp', 'id'],
    },
  ],
  envelopes: [
    {
      name: 'mailgun-event',
      id: [{ json: ['signature', 'token'] }],
      type: { json: ['event-data', 'event'] },
      created: { in: { json: ['event-data', 'timestamp'] }, unit: 'seconds' },
      orderingKey: [{ json: ['event-data', 'message', 'headers', 'message-id'] }],
      data: ['event-data'],
    },
  ],
  retryHorizonMs: 8 * HOUR_MS,
  warnings: [
    'the event itself is not signed, only a time and a token: whoever can change a request on its way can put any event into it; each token is taken once',
  ],
  undocumented: ['whether a retry has a token of its own; it is another event then'],
}

/** Common types; others are accepted and stored all the same. */
export type MailgunEventType =
  | 'accepted'
  | 'clicked'
  | 'complained'
  | 'delivered'
  | 'failed'
  | 'opened'
  | 'unsubscribed'

/** What handlers get as `data`, by type: the body's `event-data`, its members unchecked. The type is its `event`. */
export type MailgunEvents = { readonly [Type in MailgunEventType]: JsonBody }

/** A source for Mailgun: the secret is the webhook signing key. */
export function mailgun(options?: SourceOptions): Source<MailgunEvents> {
  return defineHmacSource<MailgunEvents>(mailgunProvider, options)
}
