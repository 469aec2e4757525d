import {
  answeringHandshakes,
  defineHmacSource,
  type KeepSecret,
  type Provider,
  type ReadKeptSecrets,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { optionsOf } from '../core/source-options.ts'
import { HOUR_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Notion's webhooks (developers.notion.com/reference/webhooks). The key is the `verification_token` that Notion posts
 * to the endpoint once, unsigned, when the subscription is made. With `handshake` it is handed over to be kept; paste it
 * into Notion's page of the subscription, which then begins.
 *
 * Only others, who cite its documentation, report 8 further tries, the last some 24 hours after the first.
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
  retryHorizonMs: 24 * HOUR_MS,
  openHandshakes: [
    {
      name: 'notion-verification-token',
      method: 'POST',
      when: [{ in: { json: ['verification_token'] } }],
      secret: { json: ['verification_token'] },
      reply: { json: {} },
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

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `type`. */
export type NotionEvents = { readonly [Type in NotionEventType]: JsonBody }

/** As of every source, and whether it takes the token that Notion posts when a subscription is made. Default: it takes none. */
export interface NotionOptions extends SourceOptions {
  /**
   * Takes the token of a new subscription: `keep` stores it, and the source verifies by it at once. Nothing signs it, so
   * that only a source without a secret takes one; with `keepMore` any does, which is safe only behind a URL that nobody
   * else knows. With several nodes `kept` reads what was kept, so that all of them verify by it. `true`: the gateway keeps
   * it, in development.
   */
  readonly handshake?:
    | boolean
    | { readonly keep: KeepSecret; readonly kept?: ReadKeptSecrets; readonly keepMore?: boolean }
}

/** A source for Notion: the secret is the subscription's verification token. */
export function notion(given: NotionOptions = {}): Source<NotionEvents> {
  const { handshake, ...options } = optionsOf(notionProvider, given)
  return answeringHandshakes(defineHmacSource<NotionEvents>(notionProvider, options), handshake)
}
