import { jsonSample, type Sample } from './sample.ts'

export const mailgunSamples: readonly Sample[] = ['delivered', 'opened'].map((event) =>
  jsonSample(event, 'mailgun-signature', ({ id, nowMs }) => ({
    signature: {
      timestamp: String(Math.floor(nowMs / 1000)),
      token: `${id}0123456789abcdef01`,
      signature: '',
    },
    'event-data': {
      event,
      timestamp: nowMs / 1000,
      id,
      recipient: 'alice@example.com',
      message: { headers: { 'message-id': `${id}@example.com` } },
    },
  })),
)
