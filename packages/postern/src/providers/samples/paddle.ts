import { jsonSample, type Sample } from './sample.ts'

export const paddleSamples: readonly Sample[] = [
  jsonSample('transaction.completed', 'paddle-h1', ({ id, nowMs }) => ({
    event_id: `evt_${id}`,
    event_type: 'transaction.completed',
    occurred_at: new Date(nowMs).toISOString(),
    notification_id: `ntf_${id}`,
    data: { id: `txn_${id}`, status: 'completed' },
  })),
  jsonSample('subscription.created', 'paddle-h1', ({ id, nowMs }) => ({
    event_id: `evt_${id}`,
    event_type: 'subscription.created',
    occurred_at: new Date(nowMs).toISOString(),
    notification_id: `ntf_${id}`,
    data: { id: `sub_${id}`, status: 'active' },
  })),
]
