import { jsonSample, type Sample } from './sample.ts'

export const workosSamples: readonly Sample[] = [
  jsonSample('dsync.user.created', 'workos-v1', ({ id, nowMs }) => ({
    id: `event_${id}`,
    event: 'dsync.user.created',
    data: { object: 'directory_user', id: `directory_user_${id}` },
    created_at: new Date(nowMs).toISOString(),
  })),
  jsonSample('user.created', 'workos-v1', ({ id, nowMs }) => ({
    id: `event_${id}`,
    event: 'user.created',
    data: { object: 'user', id: `user_${id}` },
    created_at: new Date(nowMs).toISOString(),
  })),
]
