import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { SECOND_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Sanity's GROQ-powered webhooks (sanity.io/docs, "GROQ-powered webhooks"; `sanity-io/webhook-toolkit`). The time is
 * in milliseconds, the signature in base64url without padding.
 *
 * The body is whatever the webhook's projection makes. `idempotency-key` and `sanity-operation` are not signed; the
 * SDK checks no time at all.
 *
 * Since April 2026 Sanity tries twice more, 30 s apart; before, for 30 minutes (sanity.io/docs/changelog).
 */
export const sanityProvider: Provider = {
  name: 'sanity',
  title: 'Sanity',
  documentation: 'https://www.sanity.io/docs/content-lake/webhooks',
  evidence: {
    level: 'proven',
    reason: "the official SDK's test vector verifies, and @sanity/webhook 4.0.4 agrees in both directions",
  },
  schemes: [
    {
      name: 'sanity-v1',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: {
        in: [{ header: 'sanity-webhook-signature' }],
        separator: ',',
        pairSeparator: '=',
        field: 'v1',
        encoding: 'base64url',
      },
      timestamp: { in: { field: 't' }, unit: 'milliseconds', toleranceSeconds: 300 },
      content: ['timestamp', { literal: '.' }, 'body'],
    },
  ],
  envelopes: [
    {
      name: 'sanity-document',
      id: [{ header: 'idempotency-key' }],
      type: { header: 'sanity-operation' },
      orderingKey: [{ json: ['_id'] }],
    },
  ],
  retryHorizonMs: 60 * SECOND_MS,
  undocumented: ['how far the signed time may be off'],
}

/** Common types; others are accepted and stored all the same. */
export type SanityEventType = 'create' | 'update' | 'delete'

/**
 * What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is the header
 * `sanity-operation`.
 */
export type SanityEvents = { readonly [Type in SanityEventType]: JsonBody }

/** A source for Sanity: the secret is the webhook's secret. */
export function sanity(options?: SourceOptions): Source<SanityEvents> {
  return defineHmacSource<SanityEvents>(sanityProvider, options)
}
