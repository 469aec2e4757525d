import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Sentry's integration platform (docs.sentry.io/integrations/integration-platform/webhooks). `Request-ID`,
 * `Sentry-Hook-Resource` and `Sentry-Hook-Timestamp` are not signed.
 *
 * Sentry waits one second only, which leaves a handler no time: `createPostern` refuses it with `ack: 'handled'`.
 */
export const sentryProvider: Provider = {
  name: 'sentry',
  title: 'Sentry',
  documentation: 'https://docs.sentry.io/integrations/integration-platform/webhooks/',
  evidence: {
    level: 'documented',
    reason:
      'its documentation has the headers; its example hashes JSON that it has written again, and what is sent is the same text',
  },
  schemes: [
    {
      name: 'sentry-signature',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'sentry-hook-signature' }], encoding: 'hex' },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'sentry-hook',
      id: [{ header: 'request-id' }],
      type: { header: 'sentry-hook-resource' },
      orderingKey: [{ json: ['data', 'issue', 'id'] }],
    },
  ],
  senderTimeoutMs: 1000,
}

/** Common types; others are accepted and stored all the same. */
export type SentryEventType =
  | 'installation'
  | 'event_alert'
  | 'issue'
  | 'metric_alert'
  | 'error'
  | 'comment'
  | 'seer'

/**
 * What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is the header
 * `sentry-hook-resource`.
 */
export type SentryEvents = { readonly [Type in SentryEventType]: JsonBody }

/** A source for Sentry: the secret is the integration's client secret. */
export function sentry(options?: SourceOptions): Source<SentryEvents> {
  return defineHmacSource<SentryEvents>(sentryProvider, options)
}
