import {
  canonicalHmacs,
  defineSourceBy,
  type Provider,
  type SignatureScheme,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { TEXT } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'
import { SECOND_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

const scheme: SignatureScheme = {
  name: 'contentful-signature',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8', minBytes: 64 },
  signature: { in: [{ header: 'x-contentful-signature' }], encoding: 'hex' },
  timestamp: { in: { header: 'x-contentful-timestamp' }, unit: 'milliseconds', toleranceSeconds: 30 },
  content: [
    'method',
    { literal: '\n' },
    { derived: 'escaped-path' },
    { literal: '\n' },
    {
      derived: 'listed-headers',
      listedIn: 'x-contentful-signed-headers',
      must: ['x-contentful-signed-headers', 'x-contentful-timestamp'],
    },
    { literal: '\n' },
    'body',
  ],
  derives: 'listed-headers',
}

/**
 * Contentful's webhooks and app requests with request verification (`@contentful/node-apps-toolkit`): method, path, the
 * headers that Contentful lists, and the body. The list itself and the time have to be listed. Fresh for 30 s.
 *
 * Give `path` where a proxy changes it: the one that Contentful calls is signed. `X-Contentful-Idempotency-Key` is the
 * id, and not signed.
 *
 * Only others report that Contentful waits 30 s, and tries again twice or, as one says, three times, 30 s apart.
 */
export const contentfulProvider: Provider = {
  name: 'contentful',
  title: 'Contentful',
  documentation: 'https://www.contentful.com/developers/docs/webhooks/request-verification/',
  evidence: { level: 'proven', reason: '@contentful/node-apps-toolkit 3.16.1 agrees in both directions' },
  schemes: [scheme],
  envelopes: [
    {
      name: 'contentful-webhook',
      id: [{ header: 'x-contentful-idempotency-key' }],
      type: { header: 'x-contentful-topic' },
      created: { in: { json: ['sys', 'updatedAt'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['sys', 'id'] }],
    },
    { name: 'contentful-app', id: [], defaultType: 'app' },
  ],
  retryHorizonMs: 90 * SECOND_MS,
  senderTimeoutMs: 30_000,
  undocumented: ['which headers of a webhook are listed'],
}

/** Common types; others are accepted and stored all the same. */
export type ContentfulEventType =
  | 'ContentManagement.Entry.create'
  | 'ContentManagement.Entry.save'
  | 'ContentManagement.Entry.auto_save'
  | 'ContentManagement.Entry.publish'
  | 'ContentManagement.Entry.unpublish'
  | 'ContentManagement.Entry.archive'
  | 'ContentManagement.Entry.unarchive'
  | 'ContentManagement.Entry.delete'
  | 'ContentManagement.Asset.publish'
  | 'ContentManagement.Asset.unpublish'
  | 'ContentManagement.Asset.delete'
  | 'ContentManagement.ContentType.publish'

/**
 * What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is the header
 * `x-contentful-topic`; `app` where there is none, as from an app.
 */
export type ContentfulEvents = { readonly [Type in ContentfulEventType]: JsonBody }

/** As of every source, and the path that Contentful signs, which a proxy may have changed. */
export interface ContentfulOptions extends SourceOptions {
  /** The path of the webhook's URL as it stands in Contentful, with its query. Default: that of the request. */
  readonly path?: string
}

/** A source for Contentful: the secret is the signing secret, of 64 characters. */
export function contentful(given: ContentfulOptions = {}): Source<ContentfulEvents> {
  const { path, ...options } = optionsOf(contentfulProvider, given, { path: TEXT })
  return defineSourceBy<ContentfulEvents>(
    [canonicalHmacs],
    path === undefined ? contentfulProvider : forPath(path),
    options,
  )
}

function forPath(of: string): Provider {
  const content = scheme.content.map((part) =>
    typeof part === 'object' && 'derived' in part && part.derived === 'escaped-path' ? { ...part, of } : part,
  )
  return { ...contentfulProvider, schemes: [{ ...scheme, content }] }
}
