import { jsonSample, type Sample } from './sample.ts'

export const sentrySamples: readonly Sample[] = [
  jsonSample(
    'issue',
    'sentry-signature',
    ({ id }) => ({
      action: 'created',
      installation: { uuid: 'sample' },
      data: { issue: { id, title: 'A sample' } },
      actor: { type: 'application', id: 'sentry' },
    }),
    ({ id, nowMs }) => ({
      'request-id': id,
      'sentry-hook-resource': 'issue',
      'sentry-hook-timestamp': String(Math.floor(nowMs / 1000)),
    }),
  ),
  jsonSample(
    'error',
    'sentry-signature',
    ({ id }) => ({
      action: 'created',
      installation: { uuid: 'sample' },
      data: { error: { event_id: id, title: 'A sample' } },
      actor: { type: 'application', id: 'sentry' },
    }),
    ({ id, nowMs }) => ({
      'request-id': id,
      'sentry-hook-resource': 'error',
      'sentry-hook-timestamp': String(Math.floor(nowMs / 1000)),
    }),
  ),
]
