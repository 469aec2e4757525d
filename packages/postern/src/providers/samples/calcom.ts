import { jsonSample, type Sample } from './sample.ts'

export const calcomSamples: readonly Sample[] = [
  jsonSample('BOOKING_CREATED', 'calcom-signature-256', ({ id, nowMs }) => ({
    triggerEvent: 'BOOKING_CREATED',
    createdAt: new Date(nowMs).toISOString(),
    payload: { uid: id, title: 'A sample' },
  })),
  jsonSample('BOOKING_CANCELLED', 'calcom-signature-256', ({ id, nowMs }) => ({
    triggerEvent: 'BOOKING_CANCELLED',
    createdAt: new Date(nowMs).toISOString(),
    payload: { uid: id, title: 'A sample' },
  })),
]
