import { jsonSample, type Sample } from './sample.ts'

export const squareSamples: readonly Sample[] = [
  jsonSample('payment.created', 'square-hmacsha256', ({ id, nowMs }) => ({
    merchant_id: 'sample',
    type: 'payment.created',
    event_id: id,
    created_at: new Date(nowMs).toISOString(),
    data: { type: 'payment', id: `pay_${id}`, object: {} },
  })),
  jsonSample('order.updated', 'square-hmacsha256', ({ id, nowMs }) => ({
    merchant_id: 'sample',
    type: 'order.updated',
    event_id: id,
    created_at: new Date(nowMs).toISOString(),
    data: { type: 'order', id: `ord_${id}`, object: {} },
  })),
]
