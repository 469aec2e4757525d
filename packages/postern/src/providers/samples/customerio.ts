import { jsonSample, type Sample } from './sample.ts'

export const customerioSamples: readonly Sample[] = [
  jsonSample('delivered', 'customerio-v0', ({ id, nowMs }) => ({
    event_id: id,
    object_type: 'email',
    metric: 'delivered',
    timestamp: Math.floor(nowMs / 1000),
    data: { customer_id: 'sample', recipient: 'ada@example.com' },
  })),
  jsonSample('opened', 'customerio-v0', ({ id, nowMs }) => ({
    event_id: id,
    object_type: 'email',
    metric: 'opened',
    timestamp: Math.floor(nowMs / 1000),
    data: { customer_id: 'sample', recipient: 'ada@example.com' },
  })),
]
