import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import type { JsonBody } from './json-body.ts'

/** Mux's webhooks (mux.com/docs/core/verify-webhook-signatures): Stripe's form, under a header of its own. */
export const muxProvider: Provider = {
  name: 'mux',
  title: 'Mux',
  documentation: 'https://www.mux.com/docs/core/verify-webhook-signatures',
  evidence: {
    level: 'proven',
    reason: "the official SDK's test vector verifies, and @mux/mux-node 15.3.0 accepts what is signed here",
  },
  schemes: [
    {
      name: 'mux-v1',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: {
        in: [{ header: 'mux-signature' }],
        separator: ',',
        pairSeparator: '=',
        field: 'v1',
        encoding: 'hex',
      },
      timestamp: { in: { field: 't' }, unit: 'seconds', toleranceSeconds: 300 },
      content: ['timestamp', { literal: '.' }, 'body'],
    },
  ],
  envelopes: [
    {
      name: 'mux-event',
      id: [{ json: ['id'] }],
      type: { json: ['type'] },
      created: { in: { json: ['created_at'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['object', 'id'] }],
    },
  ],
}

/** Common types; others are accepted and stored all the same. */
export type MuxEventType =
  | 'video.asset.created'
  | 'video.asset.ready'
  | 'video.asset.errored'
  | 'video.asset.updated'
  | 'video.asset.deleted'
  | 'video.live_stream.created'
  | 'video.live_stream.active'
  | 'video.live_stream.idle'
  | 'video.live_stream.deleted'
  | 'video.upload.created'
  | 'video.upload.asset_created'
  | 'video.upload.errored'
  | 'video.upload.cancelled'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `type`. */
export type MuxEvents = { readonly [Type in MuxEventType]: JsonBody }

/** A source for Mux: the secret is the webhook's signing secret. */
export function mux(options?: SourceOptions): Source<MuxEvents> {
  return defineHmacSource<MuxEvents>(muxProvider, options)
}
