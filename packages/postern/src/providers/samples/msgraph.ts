import { jsonSample, type Occurrence, type Sample } from './sample.ts'

export const msgraphSamples: readonly Sample[] = [
  jsonSample('notifications', 'msgraph-client-state', (occurrence) => ({
    value: [notification(occurrence), { ...notification(occurrence), changeType: 'updated' }],
  })),
  jsonSample('subscriptionRemoved', 'msgraph-client-state', (occurrence) => ({
    value: [{ ...notification(occurrence), lifecycleEvent: 'subscriptionRemoved' }],
  })),
]

function notification({ id, nowMs }: Occurrence): Readonly<Record<string, unknown>> {
  return {
    subscriptionId: id,
    clientState: '',
    subscriptionExpirationDateTime: new Date(nowMs + 3_600_000).toISOString(),
    changeType: 'created',
    resource: `Users/${id}/Messages/1`,
    tenantId: '84bd8158-6d4d-4958-8b9f-9d6445542f95',
  }
}
