import {
  defineSourceBy,
  itemHmacs,
  type Place,
  type Provider,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { DAY_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

const merchantReference = inItem('merchantReference')

/**
 * Adyen's standard webhooks, of payments (docs.adyen.com/development-resources/webhooks/secure-webhooks/
 * verify-hmac-signatures): eight members of each item are signed, joined with `:`, and the signature stands in the item.
 * Of the rest nothing is signed.
 *
 * A merchant's reference may hold a `:`; in any other member one is refused, since it could move a boundary. In JSON a
 * request has one item; of one with more every item must be signed, and the body's digest is the id.
 *
 * Adyen waits 10 s, and tries again for up to 30 days (docs.adyen.com, "Troubleshoot webhooks").
 */
export const adyenProvider: Provider = {
  name: 'adyen',
  title: 'Adyen payments',
  documentation:
    'https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures/',
  evidence: {
    level: 'proven',
    reason:
      "the official library's test vector verifies, and @adyen/api-library 32.1.0 agrees in both directions",
  },
  schemes: [
    {
      name: 'adyen-item',
      algorithm: 'hmac-sha256',
      key: { as: 'hex' },
      signature: {
        in: [{ json: ['NotificationRequestItem', 'additionalData', 'hmacSignature'] }],
        encoding: 'base64',
      },
      content: [
        {
          derived: 'joined',
          places: [
            inItem('pspReference'),
            inItem('originalReference'),
            inItem('merchantAccountCode'),
            merchantReference,
            inItem('amount', 'value'),
            inItem('amount', 'currency'),
            inItem('eventCode'),
            inItem('success'),
          ],
          separator: ':',
          free: merchantReference,
        },
      ],
      derives: 'items',
      each: ['notificationItems'],
    },
  ],
  envelopes: [
    {
      name: 'adyen-notification',
      id: [ofFirst('pspReference'), ofFirst('eventCode'), ofFirst('success')],
      type: ofFirst('eventCode'),
      created: { in: ofFirst('eventDate'), unit: 'rfc3339' },
      orderingKey: [ofFirst('merchantReference')],
      data: ['notificationItems', '0', 'NotificationRequestItem'],
      unless: { json: ['notificationItems', '1', 'NotificationRequestItem', 'eventCode'] },
    },
    { name: 'adyen-batch', id: [], defaultType: 'batch' },
  ],
  retryHorizonMs: 30 * DAY_MS,
  senderTimeoutMs: 10_000,
  warnings: [
    'of each notification eight members are signed and the others are not: rely on reference, account, amount, code and success alone, and ask the API for the rest',
  ],
}

/** Common types; others are accepted and stored all the same. */
export type AdyenEventType =
  | 'AUTHORISATION'
  | 'CANCELLATION'
  | 'CAPTURE'
  | 'CAPTURE_FAILED'
  | 'CHARGEBACK'
  | 'NOTIFICATION_OF_CHARGEBACK'
  | 'OFFER_CLOSED'
  | 'REFUND'
  | 'REFUND_FAILED'
  | 'REPORT_AVAILABLE'

/**
 * What handlers get as `data`, by type: the one notification that a body holds, its members unchecked. The type is its
 * `eventCode`; a body with several is an event of type `batch`, and its `data` the whole.
 */
export type AdyenEvents = { readonly [Type in AdyenEventType]: JsonBody }

/** A source for Adyen payments: the secret is the webhook's HMAC key, in hexadecimal. */
export function adyen(options?: SourceOptions): Source<AdyenEvents> {
  return defineSourceBy<AdyenEvents>([itemHmacs], adyenProvider, options)
}

/** From an element of the array. */
function inItem(...path: readonly string[]): Place {
  return { json: ['NotificationRequestItem', ...path] }
}

/** From the top of the body. */
function ofFirst(...path: readonly string[]): Place {
  return { json: ['notificationItems', '0', 'NotificationRequestItem', ...path] }
}
