import { jsonSample, type Sample } from './sample.ts'

/** In the form of `CASTAI_NOTIFICATION_TEMPLATE`; the names are from Cast AI's own list, everything else is made up. */
function notification(name: string, severity: string, message: string): Sample {
  return jsonSample('castai.notification', 'castai-header', ({ id, nowMs }) => ({
    id,
    type: 'castai.notification',
    severity,
    name,
    message,
    organizationId: '00000000-0000-4000-8000-000000000001',
    created: new Date(nowMs).toISOString(),
    cluster: { id: '00000000-0000-4000-8000-000000000002', name: 'sample', provider: 'eks' },
    details: {},
  }))
}

export const castaiNotificationSamples: readonly Sample[] = [
  notification('Pending pod detected', 'Warning', 'A pod has been pending for 10 minutes.'),
]
