import { soundCertificates, trustOf } from '../core/certificate-method.ts'
import { fetchingFirst } from '../core/fetching-source.ts'
import type { KeyFetch, Provider, Source, SourceOptions } from '../core/index.ts'
import { FUNCTION, SECRET, TEXTS } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'
import { defineSoundSource } from '../core/source.ts'
import { DAY_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * PayPal's webhooks (developer.paypal.com/api/rest/webhooks): RSA-SHA256 over the transmission's id and time, the webhook's id
 * and, of the body, no more than its CRC-32, so that whoever holds one genuine request can find another body for it.
 *
 * PayPal tries up to 25 times in 3 days, as others cite its documentation; it can be asked for an event later, too.
 */
export const paypalProvider: Provider = {
  name: 'paypal',
  title: 'PayPal',
  documentation: 'https://developer.paypal.com/api/rest/webhooks/rest/',
  evidence: {
    level: 'proven',
    reason: "a request from the official SDK's tests verifies, with its certificate",
  },
  schemes: [
    {
      name: 'paypal-rsa',
      algorithm: 'rsa-certificate',
      digest: 'sha256',
      required: { 'paypal-auth-algo': 'SHA256withRSA' },
      signature: { at: { header: 'paypal-transmission-sig' }, encoding: 'base64' },
      certificate: {
        at: { header: 'paypal-cert-url' },
        hosts: String.raw`(?:[a-z0-9-]+\.)+paypal\.com`,
        paths: String.raw`/[A-Za-z0-9._/-]+`,
        trust: 'chain',
        names: ['.paypal.com'],
      },
      timestamp: { in: { header: 'paypal-transmission-time' }, unit: 'rfc3339', toleranceSeconds: 300 },
      content: [
        { header: 'paypal-transmission-id' },
        { literal: '|' },
        'timestamp',
        { literal: '|' },
        'configured',
        { literal: '|' },
        'crc32',
      ],
    },
  ],
  envelopes: [
    {
      name: 'paypal-event',
      id: [{ json: ['id'] }],
      type: { json: ['event_type'] },
      created: { in: { json: ['create_time'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['resource', 'id'] }],
    },
  ],
  retryHorizonMs: 3 * DAY_MS,
  warnings: [
    'of the body only a CRC-32 is signed, which anyone can give to another body: whoever holds one genuine request can send what he likes with it while it is fresh; read the event again from PayPal by its id before acting on it',
  ],
  undocumented: [
    'whether a retry has a time of its own; where it has not, late retries are refused as stale, and kept',
    'whether the address of a certificate gives those that issued it as well; where it does not, `trustedCertificates` has to name them',
  ],
}

/** Common types; others are accepted and stored all the same. */
export type PaypalEventType =
  | 'CHECKOUT.ORDER.APPROVED'
  | 'CHECKOUT.ORDER.COMPLETED'
  | 'PAYMENT.CAPTURE.COMPLETED'
  | 'PAYMENT.CAPTURE.DENIED'
  | 'PAYMENT.CAPTURE.REFUNDED'
  | 'PAYMENT.SALE.COMPLETED'
  | 'PAYMENT.SALE.REFUNDED'
  | 'BILLING.SUBSCRIPTION.ACTIVATED'
  | 'BILLING.SUBSCRIPTION.CANCELLED'
  | 'CUSTOMER.DISPUTE.CREATED'
  | 'CUSTOMER.DISPUTE.RESOLVED'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `event_type`. */
export type PaypalEvents = { readonly [Type in PaypalEventType]: JsonBody }

/** As of every source, with the webhook's id in place of a secret, and how certificates are fetched and trusted. */
export interface PaypalOptions extends Omit<SourceOptions, 'secret'> {
  /** The webhook's id, as PayPal's dashboard shows it, or several. Without any, requests are answered 503. */
  readonly webhookId?: SourceOptions['secret']
  /** Fetches certificates. Default: the global `fetch`. */
  readonly fetch?: KeyFetch
  /** Certificates in PEM that PayPal's must lead to, in place of the roots that Node trusts. */
  readonly trustedCertificates?: readonly string[]
}

/** A source for PayPal. */
export function paypal(given: PaypalOptions = {}): Source<PaypalEvents> {
  const { webhookId, fetch, trustedCertificates, ...options } = optionsOf(paypalProvider, given, {
    webhookId: SECRET,
    fetch: FUNCTION,
    trustedCertificates: TEXTS,
  })
  const method = soundCertificates(trustOf({ trustedCertificates }), { fetch })
  return fetchingFirst(
    defineSoundSource<PaypalEvents>([method], paypalProvider, { ...options, secret: webhookId }),
  )
}
