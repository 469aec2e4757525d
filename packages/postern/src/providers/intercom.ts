import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { MINUTE_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Intercom's webhooks (developers.intercom.com/docs/webhooks), signed in SHA-1.
 *
 * Only others report that Intercom waits 5 s, and tries once more after a minute.
 */
export const intercomProvider: Provider = {
  name: 'intercom',
  title: 'Intercom',
  documentation: 'https://developers.intercom.com/docs/webhooks',
  evidence: {
    level: 'reported',
    reason: 'third parties that cite its documentation agree, which was not at hand; no example is published',
  },
  schemes: [
    {
      name: 'intercom-signature',
      algorithm: 'hmac-sha1',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-hub-signature' }], prefix: 'sha1=', encoding: 'hex' },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'intercom-notification',
      id: [{ json: ['id'] }],
      type: { json: ['topic'] },
      created: { in: { json: ['created_at'] }, unit: 'seconds' },
      orderingKey: [{ json: ['data', 'item', 'id'] }],
    },
  ],
  retryHorizonMs: MINUTE_MS,
  senderTimeoutMs: 5000,
}

/** Common types; others are accepted and stored all the same. */
export type IntercomEventType =
  | 'contact.created'
  | 'contact.deleted'
  | 'contact.user.created'
  | 'conversation.admin.assigned'
  | 'conversation.admin.closed'
  | 'conversation.admin.replied'
  | 'conversation.user.created'
  | 'conversation.user.replied'
  | 'ticket.created'
  | 'ticket.state.updated'
  | 'ping'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `topic`. */
export type IntercomEvents = { readonly [Type in IntercomEventType]: JsonBody }

/** A source for Intercom: the secret is the app's client secret. */
export function intercom(options?: SourceOptions): Source<IntercomEvents> {
  return defineHmacSource<IntercomEvents>(intercomProvider, options)
}
