import { jsonSample, type Sample } from './sample.ts'

export const sendgridSamples: readonly Sample[] = [
  jsonSample('batch', 'sendgrid-ecdsa', ({ id, nowMs }) => [
    {
      email: 'ada@example.com',
      timestamp: Math.floor(nowMs / 1000),
      event: 'delivered',
      sg_event_id: id,
      sg_message_id: 'sample',
    },
  ]),
  jsonSample('batch', 'sendgrid-ecdsa', ({ id, nowMs }) => [
    {
      email: 'ada@example.com',
      timestamp: Math.floor(nowMs / 1000),
      event: 'bounce',
      sg_event_id: id,
      sg_message_id: 'sample',
    },
  ]),
]
