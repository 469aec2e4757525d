import {
  defineHmacSource,
  type Provider,
  type SignatureScheme,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { TEXT } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'
import { HOUR_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

const scheme: SignatureScheme = {
  name: 'square-hmacsha256',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-square-hmacsha256-signature' }], encoding: 'base64' },
  content: ['url', 'body'],
}

/**
 * Square's webhooks (developer.squareup.com/docs/webhooks/step3validate): the notification URL and the body are
 * signed. Give the URL as it stands in Square, `notificationUrl`: a server behind a proxy sees another one.
 *
 * Square waits 10 s, and tries again for up to 24 hours (developer.squareup.com, "Troubleshoot Webhooks", which once
 * said 72).
 */
export const squareProvider: Provider = {
  name: 'square',
  title: 'Square',
  documentation: 'https://developer.squareup.com/docs/webhooks/step3validate',
  evidence: {
    level: 'proven',
    reason:
      'the request that its documented example servers are tried with verifies, and square 39.1.1 accepts what is signed here',
  },
  schemes: [scheme],
  envelopes: [
    {
      name: 'square-event',
      id: [{ json: ['event_id'] }],
      type: { json: ['type'] },
      created: { in: { json: ['created_at'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['data', 'id'] }],
    },
  ],
  retryHorizonMs: 24 * HOUR_MS,
  senderTimeoutMs: 10_000,
}

/** Common types; others are accepted and stored all the same. */
export type SquareEventType =
  | 'payment.created'
  | 'payment.updated'
  | 'refund.created'
  | 'refund.updated'
  | 'order.created'
  | 'order.updated'
  | 'order.fulfillment.updated'
  | 'customer.created'
  | 'customer.updated'
  | 'customer.deleted'
  | 'invoice.created'
  | 'invoice.published'
  | 'invoice.payment_made'
  | 'catalog.version.updated'
  | 'inventory.count.updated'
  | 'subscription.created'
  | 'subscription.updated'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `type`. */
export type SquareEvents = { readonly [Type in SquareEventType]: JsonBody }

/** As of every source, and the URL that Square signs, which a server behind a proxy sees differently. */
export interface SquareOptions extends SourceOptions {
  /**
   * The notification URL, character for character as it stands in Square. Without it
   * `request.url` is taken, which then has to be that URL and not a path.
   */
  readonly notificationUrl?: string
}

/** A source for Square: the secret is the subscription's signature key. */
export function square(given: SquareOptions = {}): Source<SquareEvents> {
  const { notificationUrl, ...options } = optionsOf(squareProvider, given, { notificationUrl: TEXT })
  return defineHmacSource<SquareEvents>(
    notificationUrl === undefined ? squareProvider : forUrl(notificationUrl),
    options,
  )
}

function forUrl(url: string): Provider {
  return { ...squareProvider, schemes: [{ ...scheme, content: [{ literal: url }, 'body'] }] }
}
