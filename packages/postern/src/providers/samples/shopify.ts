import { jsonSample, type Sample } from './sample.ts'

export const shopifySamples: readonly Sample[] = [
  jsonSample(
    'orders/create',
    'shopify-hmac-sha256',
    ({ id }) => ({
      id: 450789469,
      admin_graphql_api_id: `gid://shopify/Order/${id}`,
      email: 'ada@example.com',
      total_price: '10.00',
    }),
    ({ id, nowMs }) => ({
      'x-shopify-topic': 'orders/create',
      'x-shopify-event-id': id,
      'x-shopify-webhook-id': id,
      'x-shopify-api-version': '2026-07',
      'x-shopify-shop-domain': 'sample.myshopify.com',
      'x-shopify-triggered-at': new Date(nowMs).toISOString(),
    }),
  ),
  jsonSample(
    'products/update',
    'shopify-hmac-sha256',
    ({ id }) => ({ id: 632910392, admin_graphql_api_id: `gid://shopify/Product/${id}`, title: 'A sample' }),
    ({ id, nowMs }) => ({
      'x-shopify-topic': 'products/update',
      'x-shopify-event-id': id,
      'x-shopify-webhook-id': id,
      'x-shopify-api-version': '2026-07',
      'x-shopify-shop-domain': 'sample.myshopify.com',
      'x-shopify-triggered-at': new Date(nowMs).toISOString(),
    }),
  ),
]
