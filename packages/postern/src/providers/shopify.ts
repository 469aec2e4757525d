import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { HOUR_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Shopify's webhooks over HTTPS (shopify.dev, "Deliver webhooks through HTTPS" and "Ignore duplicate webhooks").
 *
 * Only the body is signed. `X-Shopify-Event-Id` is what Shopify wants duplicates told by; one action in a shop may
 * cause events of several topics, so that the topic is a part of the id. Shopify waits 5 s, and tries 8 times in 4
 * hours.
 */
export const shopifyProvider: Provider = {
  name: 'shopify',
  title: 'Shopify',
  documentation: 'https://shopify.dev/docs/apps/build/webhooks/ignore-duplicates',
  evidence: { level: 'proven', reason: '@shopify/shopify-api 13.1.0 agrees in both directions' },
  schemes: [
    {
      name: 'shopify-hmac-sha256',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-shopify-hmac-sha256' }], encoding: 'base64' },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'shopify-event',
      id: [{ header: 'x-shopify-event-id' }, { header: 'x-shopify-topic' }],
      type: { header: 'x-shopify-topic' },
      created: { in: { header: 'x-shopify-triggered-at' }, unit: 'rfc3339' },
      orderingKey: [{ json: ['admin_graphql_api_id'] }],
    },
    {
      name: 'shopify-webhook',
      id: [{ header: 'x-shopify-webhook-id' }],
      type: { header: 'x-shopify-topic' },
      created: { in: { header: 'x-shopify-triggered-at' }, unit: 'rfc3339' },
      orderingKey: [{ json: ['admin_graphql_api_id'] }],
    },
  ],
  retryHorizonMs: 4 * HOUR_MS,
  senderTimeoutMs: 5000,
  rotation:
    'after a client secret is rotated, requests may be signed by the old one for a while: configure both',
}

/** Common types; others are accepted and stored all the same. */
export type ShopifyEventType =
  | 'app/uninstalled'
  | 'carts/create'
  | 'carts/update'
  | 'checkouts/create'
  | 'checkouts/update'
  | 'customers/create'
  | 'customers/update'
  | 'customers/delete'
  | 'fulfillments/create'
  | 'fulfillments/update'
  | 'inventory_levels/update'
  | 'orders/create'
  | 'orders/updated'
  | 'orders/paid'
  | 'orders/cancelled'
  | 'orders/fulfilled'
  | 'products/create'
  | 'products/update'
  | 'products/delete'
  | 'refunds/create'
  | 'shop/update'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is the header `x-shopify-topic`. */
export type ShopifyEvents = { readonly [Type in ShopifyEventType]: JsonBody }

/** A source for Shopify: the secret is the app's client secret. */
export function shopify(options?: SourceOptions): Source<ShopifyEvents> {
  return defineHmacSource<ShopifyEvents>(shopifyProvider, options)
}
