import { jsonSample, type Sample } from './sample.ts'

export const stripeSamples: readonly Sample[] = [
  jsonSample('payment_intent.succeeded', 'stripe-v1', ({ id, nowMs }) => ({
    id: `evt_${id}`,
    object: 'event',
    api_version: '2025-01-27.acacia',
    created: Math.floor(nowMs / 1000),
    data: { object: { id: `pi_${id}`, object: 'payment_intent', amount: 2000, currency: 'usd' } },
    livemode: false,
    pending_webhooks: 1,
    type: 'payment_intent.succeeded',
  })),
  jsonSample('invoice.paid', 'stripe-v1', ({ id, nowMs }) => ({
    id: `evt_${id}`,
    object: 'event',
    api_version: '2025-01-27.acacia',
    created: Math.floor(nowMs / 1000),
    data: { object: { id: `in_${id}`, object: 'invoice', amount_paid: 2000, currency: 'usd' } },
    livemode: false,
    pending_webhooks: 1,
    type: 'invoice.paid',
  })),
]
