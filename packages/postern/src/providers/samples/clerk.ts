import { jsonSample, type Sample } from './sample.ts'

export const clerkSamples: readonly Sample[] = [
  jsonSample('user.created', 'clerk-v1', ({ id, nowMs }) => ({
    data: { id: `user_${id}`, object: 'user', first_name: 'Ada' },
    object: 'event',
    type: 'user.created',
    instance_id: 'ins_sample',
    timestamp: nowMs,
  })),
  jsonSample('session.created', 'clerk-v1', ({ id, nowMs }) => ({
    data: { id: `sess_${id}`, object: 'session', status: 'active' },
    object: 'event',
    type: 'session.created',
    instance_id: 'ins_sample',
    timestamp: nowMs,
  })),
]
