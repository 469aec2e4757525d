import { jsonSample, type Sample } from './sample.ts'

export const polarSamples: readonly Sample[] = [
  jsonSample('order.created', 'polar-v1', ({ id, nowMs }) => ({
    type: 'order.created',
    timestamp: new Date(nowMs).toISOString(),
    data: { id },
  })),
  jsonSample('subscription.active', 'polar-v1', ({ id, nowMs }) => ({
    type: 'subscription.active',
    timestamp: new Date(nowMs).toISOString(),
    data: { id, status: 'active' },
  })),
]
