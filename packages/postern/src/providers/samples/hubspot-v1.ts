import { jsonSample, type Sample } from './sample.ts'

export const hubspotV1Samples: readonly Sample[] = [
  jsonSample('batch', 'hubspot-v1', ({ id, nowMs }) => [
    {
      eventId: 1,
      subscriptionId: 1,
      portalId: 1,
      occurredAt: nowMs,
      subscriptionType: 'contact.creation',
      attemptNumber: 0,
      objectId: id,
    },
  ]),
  jsonSample('batch', 'hubspot-v1', ({ id, nowMs }) => [
    {
      eventId: 2,
      subscriptionId: 1,
      portalId: 1,
      occurredAt: nowMs,
      subscriptionType: 'deal.deletion',
      attemptNumber: 0,
      objectId: id,
    },
  ]),
]
