import { jsonSample, type Sample } from './sample.ts'

export const postmarkSamples: readonly Sample[] = [
  jsonSample('Delivery', 'postmark-basic', ({ id, nowMs }) => ({
    RecordType: 'Delivery',
    ServerID: 23,
    MessageStream: 'outbound',
    MessageID: id,
    Recipient: 'ada@example.com',
    DeliveredAt: new Date(nowMs).toISOString(),
    Details: 'a sample',
  })),
  jsonSample('Bounce', 'postmark-basic', ({ id, nowMs }) => ({
    RecordType: 'Bounce',
    ID: 42,
    Type: 'HardBounce',
    MessageID: id,
    Email: 'ada@example.com',
    BouncedAt: new Date(nowMs).toISOString(),
  })),
]
