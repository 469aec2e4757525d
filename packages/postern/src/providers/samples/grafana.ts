import { jsonSample, type Sample } from './sample.ts'

export const grafanaSamples: readonly Sample[] = [
  jsonSample('firing', 'grafana-signature', ({ id, nowMs }) => ({
    receiver: 'sample',
    status: 'firing',
    orgId: 1,
    alerts: [
      {
        status: 'firing',
        labels: { alertname: 'Sample' },
        fingerprint: id,
        startsAt: new Date(nowMs).toISOString(),
      },
    ],
    groupKey: '{}:{alertname="Sample"}',
    title: '[FIRING:1] Sample',
    state: 'alerting',
  })),
  jsonSample('resolved', 'grafana-signature', ({ id, nowMs }) => ({
    receiver: 'sample',
    status: 'resolved',
    orgId: 1,
    alerts: [
      {
        status: 'resolved',
        labels: { alertname: 'Sample' },
        fingerprint: id,
        endsAt: new Date(nowMs).toISOString(),
      },
    ],
    groupKey: '{}:{alertname="Sample"}',
    title: '[RESOLVED] Sample',
    state: 'ok',
  })),
]
