import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { MINUTE_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Typeform's webhooks (typeform.com/developers/webhooks/secure-your-webhooks): base64 after `sha256=`.
 *
 * Only others, who cite its documentation, report three further tries: after 5, 10 and 20 minutes.
 */
export const typeformProvider: Provider = {
  name: 'typeform',
  title: 'Typeform',
  documentation: 'https://www.typeform.com/developers/webhooks/secure-your-webhooks/',
  evidence: {
    level: 'reported',
    reason: 'third parties that cite its documentation agree, which was not at hand; no example is published',
  },
  schemes: [
    {
      name: 'typeform-signature',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'typeform-signature' }], prefix: 'sha256=', encoding: 'base64' },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'typeform-response',
      id: [{ json: ['event_id'] }],
      type: { json: ['event_type'] },
      created: { in: { json: ['form_response', 'submitted_at'] }, unit: 'rfc3339' },
    },
  ],
  retryHorizonMs: 35 * MINUTE_MS,
}

/** Common types; others are accepted and stored all the same. */
export type TypeformEventType = 'form_response' | 'form_response_partial'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `event_type`. */
export type TypeformEvents = { readonly [Type in TypeformEventType]: JsonBody }

/** A source for Typeform: the secret is the webhook's secret. */
export function typeform(options?: SourceOptions): Source<TypeformEvents> {
  return defineHmacSource<TypeformEvents>(typeformProvider, options)
}
