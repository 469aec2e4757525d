import { jsonSample, type Sample } from './sample.ts'

export const linearSamples: readonly Sample[] = [
  jsonSample(
    'Issue',
    'linear-signature',
    ({ id, nowMs }) => ({
      action: 'create',
      type: 'Issue',
      createdAt: new Date(nowMs).toISOString(),
      data: { id, title: 'A sample' },
      webhookTimestamp: nowMs,
      webhookId: 'sample',
    }),
    ({ id }) => ({ 'linear-delivery': id, 'linear-event': 'Issue' }),
  ),
  jsonSample(
    'Comment',
    'linear-signature',
    ({ id, nowMs }) => ({
      action: 'create',
      type: 'Comment',
      createdAt: new Date(nowMs).toISOString(),
      data: { id, body: 'A sample' },
      webhookTimestamp: nowMs,
      webhookId: 'sample',
    }),
    ({ id }) => ({ 'linear-delivery': id, 'linear-event': 'Comment' }),
  ),
]
