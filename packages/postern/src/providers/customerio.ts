import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { DAY_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Customer.io's reporting webhooks (docs.customer.io/journeys/webhooks): Slack's form, with a bare signature under
 * headers of its own.
 *
 * Customer.io waits 4 s (docs.customer.io/api/webhooks). Only others report that it tries again for 7 days.
 */
export const customerioProvider: Provider = {
  name: 'customerio',
  title: 'Customer.io',
  documentation: 'https://docs.customer.io/journeys/webhooks/',
  evidence: {
    level: 'reported',
    reason: 'third parties that cite its documentation agree, which was not at hand; no example is published',
  },
  schemes: [
    {
      name: 'customerio-v0',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-cio-signature' }], encoding: 'hex' },
      timestamp: { in: { header: 'x-cio-timestamp' }, unit: 'seconds', toleranceSeconds: 300 },
      content: [{ literal: 'v0:' }, 'timestamp', { literal: ':' }, 'body'],
    },
  ],
  envelopes: [
    {
      name: 'customerio-metric',
      id: [{ json: ['event_id'] }],
      type: { json: ['metric'] },
      created: { in: { json: ['timestamp'] }, unit: 'seconds' },
      orderingKey: [{ json: ['data', 'customer_id'] }],
    },
  ],
  retryHorizonMs: 7 * DAY_MS,
  senderTimeoutMs: 4000,
}

/** Common types; others are accepted and stored all the same. */
export type CustomerioEventType =
  | 'attempted'
  | 'bounced'
  | 'clicked'
  | 'converted'
  | 'deferred'
  | 'delivered'
  | 'drafted'
  | 'dropped'
  | 'failed'
  | 'opened'
  | 'sent'
  | 'spammed'
  | 'subscribed'
  | 'unsubscribed'
  | 'undeliverable'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `metric`. */
export type CustomerioEvents = { readonly [Type in CustomerioEventType]: JsonBody }

/** A source for Customer.io: the secret is the reporting webhook's signing key. */
export function customerio(options?: SourceOptions): Source<CustomerioEvents> {
  return defineHmacSource<CustomerioEvents>(customerioProvider, options)
}
