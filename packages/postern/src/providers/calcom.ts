import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Cal.com's webhooks (cal.com/docs, "Webhooks"). There is no event id; the body's digest is one. A custom payload
 * template may leave out what is read here.
 */
export const calcomProvider: Provider = {
  name: 'calcom',
  title: 'Cal.com',
  documentation: 'https://cal.com/docs/developing/guides/automation/webhooks',
  evidence: {
    level: 'reported',
    reason: 'third parties that cite its documentation agree, which was not at hand; no example is published',
  },
  schemes: [
    {
      name: 'calcom-signature-256',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-cal-signature-256' }], encoding: 'hex' },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'calcom-event',
      id: [],
      type: { json: ['triggerEvent'] },
      created: { in: { json: ['createdAt'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['payload', 'uid'] }],
    },
  ],
}

/** Common types; others are accepted and stored all the same. */
export type CalcomEventType =
  | 'BOOKING_CREATED'
  | 'BOOKING_RESCHEDULED'
  | 'BOOKING_CANCELLED'
  | 'BOOKING_REJECTED'
  | 'BOOKING_REQUESTED'
  | 'BOOKING_PAID'
  | 'MEETING_STARTED'
  | 'MEETING_ENDED'
  | 'FORM_SUBMITTED'
  | 'RECORDING_READY'
  | 'PING'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `triggerEvent`. */
export type CalcomEvents = { readonly [Type in CalcomEventType]: JsonBody }

/** A source for Cal.com: the secret is the webhook's secret. */
export function calcom(options?: SourceOptions): Source<CalcomEvents> {
  return defineHmacSource<CalcomEvents>(calcomProvider, options)
}
