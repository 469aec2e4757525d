import { jsonSample, type Sample } from './sample.ts'

export const contentfulSamples: readonly Sample[] = ['publish', 'save'].map((action) =>
  jsonSample(
    `ContentManagement.Entry.${action}`,
    'contentful-signature',
    ({ id, nowMs }) => ({
      sys: { type: 'Entry', id, version: 3, updatedAt: new Date(nowMs).toISOString() },
      fields: { title: { 'en-US': 'a sample' } },
    }),
    ({ id }) => ({
      'content-type': 'application/vnd.contentful.management.v1+json',
      'x-contentful-topic': `ContentManagement.Entry.${action}`,
      'x-contentful-idempotency-key': id.repeat(2),
    }),
  ),
)
