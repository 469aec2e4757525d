import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { MINUTE_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Zoom's webhooks (developers.zoom.us/docs/api/webhooks; `@zoom/rivet`): Slack's form, under headers of its own. There
 * is no event id; the body's digest is one, and a retry has the same body.
 *
 * Zoom checks its endpoints with `endpoint.url_validation` every 72 hours; the answer is computed with the secret.
 *
 * Zoom waits 3 s, and tries three times more: after 5, 20 and 60 minutes (developers.zoom.us, "Resolving webhook
 * delays").
 */
export const zoomProvider: Provider = {
  name: 'zoom',
  title: 'Zoom',
  documentation: 'https://developers.zoom.us/docs/api/webhooks/',
  evidence: {
    level: 'proven',
    reason: '@zoom/rivet 0.4.0 accepts what is signed here, and answers the handshake as is done here',
  },
  schemes: [
    {
      name: 'zoom-v0',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-zm-signature' }], prefix: 'v0=', encoding: 'hex' },
      timestamp: { in: { header: 'x-zm-request-timestamp' }, unit: 'seconds', toleranceSeconds: 300 },
      content: [{ literal: 'v0:' }, 'timestamp', { literal: ':' }, 'body'],
    },
  ],
  envelopes: [
    {
      name: 'zoom-event',
      id: [],
      type: { json: ['event'] },
      created: { in: { json: ['event_ts'] }, unit: 'milliseconds' },
      orderingKey: [{ json: ['payload', 'object', 'uuid'] }],
    },
  ],
  retryHorizonMs: 85 * MINUTE_MS,
  senderTimeoutMs: 3000,
  handshakes: [
    {
      name: 'zoom-url-validation',
      when: { in: { json: ['event'] }, equals: 'endpoint.url_validation' },
      reply: {
        json: {
          plainToken: { json: ['payload', 'plainToken'] },
          encryptedToken: { hmac: { json: ['payload', 'plainToken'] }, encoding: 'hex' },
        },
      },
    },
  ],
  undocumented: ['how far the signed time may be off'],
}

/** Common types; others are accepted and stored all the same. */
export type ZoomEventType =
  | 'meeting.created'
  | 'meeting.deleted'
  | 'meeting.updated'
  | 'meeting.started'
  | 'meeting.ended'
  | 'meeting.participant_joined'
  | 'meeting.participant_left'
  | 'recording.completed'
  | 'recording.transcript_completed'
  | 'webinar.started'
  | 'webinar.ended'
  | 'user.created'
  | 'user.updated'
  | 'user.deleted'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `event`. */
export type ZoomEvents = { readonly [Type in ZoomEventType]: JsonBody }

/** A source for Zoom: the secret is the app's secret token. */
export function zoom(options?: SourceOptions): Source<ZoomEvents> {
  return defineHmacSource<ZoomEvents>(zoomProvider, options)
}
