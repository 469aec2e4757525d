import {
  defineSourceBy,
  headerSecrets,
  type Provider,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { HOUR_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Postmark's webhooks (postmarkapp.com/developer/webhooks), which are protected by HTTP basic authentication in the
 * URL and by nothing else. There is no event id; the body's digest is one.
 *
 * Postmark tries 10 times more in some 10.5 hours (postmarkapp.com/support, "Understanding Inbound Webhook
 * Retries"); by hand a message can be sent again later, too.
 */
export const postmarkProvider: Provider = {
  name: 'postmark',
  title: 'Postmark',
  documentation: 'https://postmarkapp.com/developer/webhooks/webhooks-overview',
  evidence: {
    level: 'documented',
    reason: 'HTTP basic authentication (RFC 7617), as its documentation advises',
  },
  schemes: [
    {
      name: 'postmark-basic',
      algorithm: 'static-secret',
      secret: { header: 'authorization', authScheme: 'Basic', encoding: 'base64' },
    },
  ],
  envelopes: [
    {
      name: 'postmark-event',
      id: [],
      type: { json: ['RecordType'] },
      defaultType: 'Inbound',
      orderingKey: [{ json: ['MessageID'] }],
    },
  ],
  retryHorizonMs: 10.5 * HOUR_MS,
}

/** Common types; others are accepted and stored all the same. */
export type PostmarkEventType =
  | 'Bounce'
  | 'Click'
  | 'Delivery'
  | 'Inbound'
  | 'Open'
  | 'SpamComplaint'
  | 'SubscriptionChange'

/**
 * What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `RecordType`;
 * `Inbound` where it has none.
 */
export type PostmarkEvents = { readonly [Type in PostmarkEventType]: JsonBody }

/** A source for Postmark: the secret is `<user>:<password>` as in the webhook's URL. */
export function postmark(options?: SourceOptions): Source<PostmarkEvents> {
  return defineSourceBy<PostmarkEvents>([headerSecrets], postmarkProvider, options)
}
