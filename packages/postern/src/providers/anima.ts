import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { templateEnvelope, templateScheme, type TemplateEvents } from './template.ts'

/**
 * Anima: the template's scheme, and on the same path that of Anima Labs (useanima.sh; docs/webhooks.mdx of
 * `anima-labs-ai/docs`), whose header names are the same: `X-Anima-Signature: v1=<hex>` over `<timestamp>.<body>` with
 * an ISO-8601 `X-Anima-Timestamp`.
 *
 * `X-Anima-Delivery-Id` is the same for all retries of a delivery, but it is not signed.
 */
export const animaProvider: Provider = {
  name: 'anima',
  title: 'Anima',
  documentation: 'https://docs.useanima.sh/webhooks',
  evidence: {
    level: 'documented',
    reason: 'its documentation and the tests of its SDK have the construction',
  },
  schemes: [
    {
      name: 'anima-labs-v1',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-anima-signature' }], prefix: 'v1=', encoding: 'hex' },
      timestamp: { in: { header: 'x-anima-timestamp' }, unit: 'rfc3339', toleranceSeconds: 300 },
      content: ['timestamp', { literal: '.' }, 'body'],
    },
    templateScheme('anima'),
  ],
  envelopes: [
    {
      name: 'anima-labs',
      id: [{ header: 'x-anima-delivery-id' }],
      type: { json: ['event'] },
      created: { in: { json: ['occurredAt'] }, unit: 'rfc3339' },
    },
    templateEnvelope,
  ],
}

/** An Anima Labs body: flat, or with the fields under `data`, as its SDK and its documentation differ. */
export interface AnimaLabsNotification {
  readonly event: string
  readonly occurredAt?: string
  readonly [field: string]: unknown
}

/** Types that Anima Labs documents; others are accepted and stored all the same. */
export type AnimaLabsEventType =
  | 'agent.created'
  | 'call.ended'
  | 'message.failed'
  | 'message.received'
  | 'message.sent'

/**
 * What handlers get as `data`, by type: the whole body of Anima Labs' own events, whose type is `event`; of the
 * template's, its `data`.
 */
export type AnimaEvents = TemplateEvents & { readonly [Type in AnimaLabsEventType]: AnimaLabsNotification }

/** A source for Anima and Anima Labs. */
export function anima(options?: SourceOptions): Source<AnimaEvents> {
  return defineHmacSource<AnimaEvents>(animaProvider, options)
}
