import { jsonSample, type Sample } from './sample.ts'

export const asanaSamples: readonly Sample[] = [
  jsonSample('events', 'asana-signature', ({ id, nowMs }) => ({
    events: [
      {
        action: 'added',
        resource: { gid: id, resource_type: 'task' },
        created_at: new Date(nowMs).toISOString(),
      },
    ],
  })),
  jsonSample('events', 'asana-signature', ({ id, nowMs }) => ({
    events: [
      {
        action: 'changed',
        resource: { gid: id, resource_type: 'story' },
        created_at: new Date(nowMs).toISOString(),
      },
    ],
  })),
]
