import { jsonSample, type Sample } from './sample.ts'

export const calendlySamples: readonly Sample[] = [
  jsonSample('invitee.created', 'calendly-v1', ({ id, nowMs }) => ({
    event: 'invitee.created',
    created_at: new Date(nowMs).toISOString(),
    payload: {
      uri: `https://api.calendly.com/scheduled_events/sample/invitees/${id}`,
      email: 'ada@example.com',
    },
  })),
  jsonSample('invitee.canceled', 'calendly-v1', ({ id, nowMs }) => ({
    event: 'invitee.canceled',
    created_at: new Date(nowMs).toISOString(),
    payload: {
      uri: `https://api.calendly.com/scheduled_events/sample/invitees/${id}`,
      email: 'ada@example.com',
    },
  })),
]
