import { jsonSample, type Sample } from './sample.ts'

export const pagerdutySamples: readonly Sample[] = [
  jsonSample('incident.triggered', 'pagerduty-v1', ({ id, nowMs }) => ({
    event: {
      id,
      event_type: 'incident.triggered',
      resource_type: 'incident',
      occurred_at: new Date(nowMs).toISOString(),
      data: { id: 'PGR0VU2', type: 'incident', title: 'A sample' },
    },
  })),
  jsonSample('incident.resolved', 'pagerduty-v1', ({ id, nowMs }) => ({
    event: {
      id,
      event_type: 'incident.resolved',
      resource_type: 'incident',
      occurred_at: new Date(nowMs).toISOString(),
      data: { id: 'PGR0VU2', type: 'incident', title: 'A sample' },
    },
  })),
]
