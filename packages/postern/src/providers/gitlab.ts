import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import type { JsonBody } from './json-body.ts'
import { standardWebhooksScheme } from './standard-webhooks-scheme.ts'

/**
 * GitLab's webhooks with a signing token (gitlab-org/gitlab merge requests 230944 and 231325): Standard Webhooks, with
 * a secret of 32 bytes. `webhook-id` is signed, and the same as `Idempotency-Key`.
 *
 * The older secret token, which every request carries, is another source: `gitlabToken()`.
 */
export const gitlabProvider: Provider = {
  name: 'gitlab',
  title: 'GitLab',
  documentation: 'https://docs.gitlab.com/user/project/integrations/webhooks/',
  evidence: {
    level: 'documented',
    reason: "GitLab's merge requests describe it; no example of theirs is published",
  },
  schemes: [standardWebhooksScheme('gitlab-signing-token', 'webhook', { minBytes: 32 })],
  envelopes: [
    {
      name: 'gitlab-event',
      id: [{ header: 'webhook-id' }],
      type: { json: ['object_kind'] },
      orderingKey: [{ json: ['project', 'id'] }],
    },
    {
      name: 'gitlab-system-event',
      id: [{ header: 'webhook-id' }],
      type: { json: ['event_name'] },
      orderingKey: [{ json: ['project_id'] }],
    },
  ],
  senderTimeoutMs: 10_000,
  rotation: 'the signature header may hold several signatures, and one that fits is enough',
}

/** Common types; others are accepted and stored all the same. */
export type GitlabEventType =
  | 'push'
  | 'tag_push'
  | 'issue'
  | 'note'
  | 'merge_request'
  | 'wiki_page'
  | 'pipeline'
  | 'build'
  | 'deployment'
  | 'feature_flag'
  | 'release'
  | 'emoji'

/**
 * What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `object_kind`, or a
 * system hook's `event_name`.
 */
export type GitlabEvents = { readonly [Type in GitlabEventType]: JsonBody }

/** A source for GitLab: the secret is the webhook's signing token, which begins with `whsec_`. */
export function gitlab(options?: SourceOptions): Source<GitlabEvents> {
  return defineHmacSource<GitlabEvents>(gitlabProvider, options)
}
