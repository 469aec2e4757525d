import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Bitbucket Cloud's webhooks (support.atlassian.com, "Manage webhooks"). Without a secret in Bitbucket the header is
 * absent. `X-Request-UUID` and `X-Event-Key` are not signed.
 */
export const bitbucketProvider: Provider = {
  name: 'bitbucket',
  title: 'Bitbucket Cloud',
  documentation: 'https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/',
  evidence: {
    level: 'documented',
    reason: 'its two documented examples verify, as third parties quote them',
  },
  schemes: [
    {
      name: 'bitbucket-signature',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-hub-signature' }], prefix: 'sha256=', encoding: 'hex' },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'bitbucket-event',
      id: [{ header: 'x-request-uuid' }],
      type: { header: 'x-event-key' },
      orderingKey: [{ json: ['repository', 'uuid'] }],
    },
  ],
  undocumented: ['whether a second attempt has the same X-Request-UUID'],
}

/** Common types; others are accepted and stored all the same. */
export type BitbucketEventType =
  | 'repo:push'
  | 'repo:fork'
  | 'repo:commit_comment_created'
  | 'repo:commit_status_created'
  | 'repo:commit_status_updated'
  | 'issue:created'
  | 'issue:updated'
  | 'issue:comment_created'
  | 'pullrequest:created'
  | 'pullrequest:updated'
  | 'pullrequest:approved'
  | 'pullrequest:unapproved'
  | 'pullrequest:fulfilled'
  | 'pullrequest:rejected'
  | 'pullrequest:comment_created'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is the header `x-event-key`. */
export type BitbucketEvents = { readonly [Type in BitbucketEventType]: JsonBody }

/** A source for Bitbucket Cloud: the secret is the webhook's secret. */
export function bitbucket(options?: SourceOptions): Source<BitbucketEvents> {
  return defineHmacSource<BitbucketEvents>(bitbucketProvider, options)
}
