import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Notion's webhooks (developers.notion.com/reference/webhooks). The key is the `verification_token` that Notion posts
 * to the endpoint once, unsigned, when the subscription is made.
 */
export const notionProvider: Provider = {
  name: 'notion',
  title: 'Notion',
  documentation: 'https://developers.notion.com/reference/webhooks',
  evidence: { level: 'proven', reason: '@notionhq/client 5.26.0 agrees in both directions' },
  schemes: [
    {
      name: 'notion-signature',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-notion-signature' }], prefix: 'sha256=', encoding: 'hex' },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'notion-event',
      id: [{ json: ['id'] }],
      type: { json: ['type'] },
      created: { in: { json: ['timestamp'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['entity', 'id'] }],
    },
  ],
}

/** Common types; others are accepted and stored all the same. */
export type NotionEventType =
  | 'page.created'
  | 'page.content_updated'
  | 'page.properties_updated'
  | 'page.moved'
  | 'page.deleted'
  | 'page.undeleted'
  | 'page.locked'
  | 'page.unlocked'
  | 'database.created'
  | 'database.content_updated'
  | 'database.moved'
  | 'database.deleted'
  | 'database.undeleted'
  | 'database.schema_updated'
  | 'data_source.created'
  | 'data_source.content_updated'
  | 'comment.created'
  | 'comment.updated'
  | 'comment.deleted'

export type NotionEvents = { readonly [Type in NotionEventType]: JsonBody }

/** A source for Notion: the secret is the subscription's verification token. */
export function notion(options?: SourceOptions): Source<NotionEvents> {
  return defineHmacSource<NotionEvents>(notionProvider, options)
}
