import { jsonSample, type Sample } from './sample.ts'

export const webflowSamples: readonly Sample[] = [
  jsonSample('form_submission', 'webflow-signature', ({ id, nowMs }) => ({
    triggerType: 'form_submission',
    payload: {
      id,
      name: 'Contact',
      siteId: 'sample',
      data: { Name: 'Ada' },
      submittedAt: new Date(nowMs).toISOString(),
    },
  })),
  jsonSample('site_publish', 'webflow-signature', ({ id, nowMs }) => ({
    triggerType: 'site_publish',
    payload: { siteId: id, publishedOn: new Date(nowMs).toISOString() },
  })),
]
