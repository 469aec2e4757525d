import { jsonSample, type Sample } from './sample.ts'

export const resendSamples: readonly Sample[] = [
  jsonSample('email.delivered', 'resend-v1', ({ id, nowMs }) => ({
    type: 'email.delivered',
    created_at: new Date(nowMs).toISOString(),
    data: { email_id: id, from: 'ada@example.com', to: ['bob@example.com'], subject: 'A sample' },
  })),
  jsonSample('email.bounced', 'resend-v1', ({ id, nowMs }) => ({
    type: 'email.bounced',
    created_at: new Date(nowMs).toISOString(),
    data: { email_id: id, from: 'ada@example.com', to: ['bob@example.com'], subject: 'A sample' },
  })),
]
