import {
  defineSourceBy,
  headerSecrets,
  type Provider,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import type { GitlabEvents } from './gitlab.ts'

/**
 * GitLab's webhooks with a secret token: it comes back in `X-Gitlab-Token`, and nothing is signed. A signing token is
 * safer: `gitlab()`.
 *
 * `Idempotency-Key` is the same for all retries of a delivery.
 */
export const gitlabTokenProvider: Provider = {
  name: 'gitlab-token',
  title: 'GitLab, secret token',
  documentation: 'https://docs.gitlab.com/user/project/integrations/webhooks/',
  evidence: { level: 'documented', reason: 'a plain comparison, as its documentation has it' },
  schemes: [{ name: 'gitlab-token', algorithm: 'static-secret', secret: { header: 'x-gitlab-token' } }],
  envelopes: [
    {
      name: 'gitlab-event',
      id: [{ header: 'idempotency-key' }],
      type: { json: ['object_kind'] },
      orderingKey: [{ json: ['project', 'id'] }],
    },
    {
      name: 'gitlab-system-event',
      id: [{ header: 'idempotency-key' }],
      type: { json: ['event_name'] },
      orderingKey: [{ json: ['project_id'] }],
    },
  ],
  senderTimeoutMs: 10_000,
}

/** A source for GitLab, secret token: the secret is the webhook's secret token. */
export function gitlabToken(options?: SourceOptions): Source<GitlabEvents> {
  return defineSourceBy<GitlabEvents>([headerSecrets], gitlabTokenProvider, options)
}
