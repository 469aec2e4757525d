import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { HOUR_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Box' webhooks, version 2 (developer.box.com/guides/webhooks/v2/signatures-v2): the body and then the time are
 * signed, once by each of two keys. Give both keys as `secret`: either of them may have made either signature.
 *
 * `BOX-DELIVERY-ID` is not signed; the body's own `id` is. Its SDK also accepts a body in another spelling than the
 * one that was signed, which is not done here.
 *
 * Box waits 30 s, and tries up to 12 times more in 2 hours (developer.box.com/guides/webhooks/v2; another page of
 * its says 10 times).
 */
export const boxProvider: Provider = {
  name: 'box',
  title: 'Box',
  documentation: 'https://developer.box.com/guides/webhooks/v2/signatures-v2/',
  evidence: {
    level: 'proven',
    reason: "the official SDK's test vectors verify, and box-node-sdk 10.12.0 agrees in both directions",
  },
  schemes: [
    {
      name: 'box-v1',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: {
        in: [{ header: 'box-signature-primary' }, { header: 'box-signature-secondary' }],
        encoding: 'base64',
      },
      timestamp: { in: { header: 'box-delivery-timestamp' }, unit: 'rfc3339', toleranceSeconds: 600 },
      required: { 'box-signature-version': '1', 'box-signature-algorithm': 'HmacSHA256' },
      content: ['body', 'timestamp'],
    },
  ],
  envelopes: [
    {
      name: 'box-event',
      id: [{ json: ['id'] }],
      type: { json: ['trigger'] },
      created: { in: { json: ['created_at'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['source', 'id'] }],
    },
    {
      name: 'box-delivery',
      id: [{ header: 'box-delivery-id' }],
      type: { json: ['trigger'] },
      orderingKey: [{ json: ['source', 'id'] }],
    },
  ],
  retryHorizonMs: 2 * HOUR_MS,
  senderTimeoutMs: 30_000,
  rotation: 'two keys sign at once, each in a header of its own; one that fits is enough',
}

/** Common types; others are accepted and stored all the same. */
export type BoxEventType =
  | 'FILE.UPLOADED'
  | 'FILE.PREVIEWED'
  | 'FILE.DOWNLOADED'
  | 'FILE.TRASHED'
  | 'FILE.DELETED'
  | 'FILE.RESTORED'
  | 'FILE.COPIED'
  | 'FILE.MOVED'
  | 'FILE.LOCKED'
  | 'FILE.UNLOCKED'
  | 'FILE.RENAMED'
  | 'FOLDER.CREATED'
  | 'FOLDER.RENAMED'
  | 'FOLDER.DELETED'
  | 'FOLDER.MOVED'
  | 'FOLDER.COPIED'
  | 'COMMENT.CREATED'
  | 'COMMENT.UPDATED'
  | 'COMMENT.DELETED'
  | 'COLLABORATION.CREATED'
  | 'COLLABORATION.ACCEPTED'
  | 'COLLABORATION.REMOVED'
  | 'WEBHOOK.DELETED'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `trigger`. */
export type BoxEvents = { readonly [Type in BoxEventType]: JsonBody }

/** A source for Box: the secret is the app's primary and secondary signature keys. */
export function box(options?: SourceOptions): Source<BoxEvents> {
  return defineHmacSource<BoxEvents>(boxProvider, options)
}
