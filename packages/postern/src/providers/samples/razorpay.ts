import { jsonSample, type Sample } from './sample.ts'

export const razorpaySamples: readonly Sample[] = [
  jsonSample(
    'payment.captured',
    'razorpay-signature',
    ({ id, nowMs }) => ({
      entity: 'event',
      account_id: 'acc_sample',
      event: 'payment.captured',
      contains: ['payment'],
      payload: { payment: { entity: { id: `pay_${id}`, amount: 100 } } },
      created_at: Math.floor(nowMs / 1000),
    }),
    ({ id }) => ({ 'x-razorpay-event-id': id }),
  ),
  jsonSample(
    'order.paid',
    'razorpay-signature',
    ({ id, nowMs }) => ({
      entity: 'event',
      account_id: 'acc_sample',
      event: 'order.paid',
      contains: ['order'],
      payload: { order: { entity: { id: `order_${id}`, amount: 100 } } },
      created_at: Math.floor(nowMs / 1000),
    }),
    ({ id }) => ({ 'x-razorpay-event-id': id }),
  ),
]
