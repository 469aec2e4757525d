import { jsonSample, type Sample } from './sample.ts'

export const intercomSamples: readonly Sample[] = [
  jsonSample('conversation.user.created', 'intercom-signature', ({ id, nowMs }) => ({
    type: 'notification_event',
    topic: 'conversation.user.created',
    id: `notif_${id}`,
    app_id: 'sample',
    created_at: Math.floor(nowMs / 1000),
    data: { item: { type: 'conversation', id } },
  })),
  jsonSample('contact.created', 'intercom-signature', ({ id, nowMs }) => ({
    type: 'notification_event',
    topic: 'contact.created',
    id: `notif_${id}`,
    app_id: 'sample',
    created_at: Math.floor(nowMs / 1000),
    data: { item: { type: 'contact', id } },
  })),
]
