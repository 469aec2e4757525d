import { jsonSample, type Sample } from './sample.ts'

export const lemonsqueezySamples: readonly Sample[] = [
  jsonSample(
    'order_created',
    'lemonsqueezy-signature',
    ({ id, nowMs }) => ({
      meta: { test_mode: true, event_name: 'order_created' },
      data: { type: 'orders', id, attributes: { created_at: new Date(nowMs).toISOString() } },
    }),
    () => ({ 'x-event-name': 'order_created' }),
  ),
  jsonSample(
    'subscription_created',
    'lemonsqueezy-signature',
    ({ id, nowMs }) => ({
      meta: { test_mode: true, event_name: 'subscription_created' },
      data: { type: 'subscriptions', id, attributes: { created_at: new Date(nowMs).toISOString() } },
    }),
    () => ({ 'x-event-name': 'subscription_created' }),
  ),
]
