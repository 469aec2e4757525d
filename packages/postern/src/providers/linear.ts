import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { HOUR_MS, MINUTE_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Linear's webhooks (linear.app/developers/webhooks). The time is `webhookTimestamp` in the signed body; the header
 * `Linear-Timestamp` is not signed and would renew an old request (linear/linear#1268).
 *
 * `Linear-Delivery` is not signed either. Linear waits 5 s, and tries again after a minute, an hour and six.
 */
export const linearProvider: Provider = {
  name: 'linear',
  title: 'Linear',
  documentation: 'https://linear.app/developers/webhooks',
  evidence: { level: 'proven', reason: '@linear/sdk 98.0.0 accepts what is signed here' },
  schemes: [
    {
      name: 'linear-signature',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'linear-signature' }], encoding: 'hex' },
      content: ['body'],
      timestamp: { in: { json: ['webhookTimestamp'] }, unit: 'milliseconds', toleranceSeconds: 60 },
    },
  ],
  envelopes: [
    {
      name: 'linear-event',
      id: [{ header: 'linear-delivery' }],
      type: { json: ['type'] },
      created: { in: { json: ['createdAt'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['data', 'id'] }],
    },
  ],
  retryHorizonMs: 7 * HOUR_MS + MINUTE_MS,
  senderTimeoutMs: 5000,
}

/** Common types; others are accepted and stored all the same. */
export type LinearEventType =
  | 'Issue'
  | 'Comment'
  | 'IssueLabel'
  | 'Project'
  | 'ProjectUpdate'
  | 'Cycle'
  | 'Reaction'
  | 'Attachment'
  | 'Initiative'
  | 'Document'
  | 'Customer'
  | 'User'
  | 'IssueSLA'
  | 'OAuthApp'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `type`. */
export type LinearEvents = { readonly [Type in LinearEventType]: JsonBody }

/** A source for Linear: the secret is the webhook's signing secret. */
export function linear(options?: SourceOptions): Source<LinearEvents> {
  return defineHmacSource<LinearEvents>(linearProvider, options)
}
