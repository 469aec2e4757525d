import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { HOUR_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Vercel's webhooks (vercel.com/docs/webhooks), signed in SHA-1 without a prefix.
 *
 * Only others report that Vercel waits 30 s, and tries again for up to 24 hours.
 */
export const vercelProvider: Provider = {
  name: 'vercel',
  title: 'Vercel',
  documentation: 'https://vercel.com/docs/webhooks/webhooks-api',
  evidence: {
    level: 'reported',
    reason: 'third parties that cite its documentation agree, which was not at hand; no example is published',
  },
  schemes: [
    {
      name: 'vercel-signature',
      algorithm: 'hmac-sha1',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-vercel-signature' }], encoding: 'hex' },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'vercel-event',
      id: [{ json: ['id'] }],
      type: { json: ['type'] },
      created: { in: { json: ['createdAt'] }, unit: 'milliseconds' },
      orderingKey: [{ json: ['payload', 'deployment', 'id'] }],
    },
  ],
  retryHorizonMs: 24 * HOUR_MS,
  senderTimeoutMs: 30_000,
}

/** Common types; others are accepted and stored all the same. */
export type VercelEventType =
  | 'deployment.created'
  | 'deployment.succeeded'
  | 'deployment.ready'
  | 'deployment.error'
  | 'deployment.canceled'
  | 'deployment.promoted'
  | 'project.created'
  | 'project.removed'
  | 'domain.created'
  | 'integration-configuration.removed'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `type`. */
export type VercelEvents = { readonly [Type in VercelEventType]: JsonBody }

/** A source for Vercel: the secret is the webhook's secret, or the integration's client secret. */
export function vercel(options?: SourceOptions): Source<VercelEvents> {
  return defineHmacSource<VercelEvents>(vercelProvider, options)
}
