import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { MINUTE_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Webflow's webhooks (developers.webflow.com, "Working with webhooks"): `<time>:<body>`, with the time in
 * milliseconds. There is no event id; the body's digest is one.
 *
 * Webflow tries three times at most (its changelog of September 2022). Only others report 10 minutes between, and
 * that it waits 30 s.
 */
export const webflowProvider: Provider = {
  name: 'webflow',
  title: 'Webflow',
  documentation: 'https://developers.webflow.com/data/docs/working-with-webhooks',
  evidence: {
    level: 'proven',
    reason: 'webflow-api 3.3.4 accepts what is signed here; no example is published',
  },
  schemes: [
    {
      name: 'webflow-signature',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-webflow-signature' }], encoding: 'hex' },
      timestamp: { in: { header: 'x-webflow-timestamp' }, unit: 'milliseconds', toleranceSeconds: 300 },
      content: ['timestamp', { literal: ':' }, 'body'],
    },
  ],
  envelopes: [{ name: 'webflow-event', id: [], type: { json: ['triggerType'] } }],
  retryHorizonMs: 20 * MINUTE_MS,
  senderTimeoutMs: 30_000,
}

/** Common types; others are accepted and stored all the same. */
export type WebflowEventType =
  | 'form_submission'
  | 'site_publish'
  | 'page_created'
  | 'page_metadata_updated'
  | 'page_deleted'
  | 'ecomm_new_order'
  | 'ecomm_order_changed'
  | 'ecomm_inventory_changed'
  | 'collection_item_created'
  | 'collection_item_changed'
  | 'collection_item_deleted'
  | 'collection_item_published'
  | 'collection_item_unpublished'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `triggerType`. */
export type WebflowEvents = { readonly [Type in WebflowEventType]: JsonBody }

/** A source for Webflow: the secret is the webhook's secret key, or the app's client secret where an app made it. */
export function webflow(options?: SourceOptions): Source<WebflowEvents> {
  return defineHmacSource<WebflowEvents>(webflowProvider, options)
}
