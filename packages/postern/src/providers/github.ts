import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { DAY_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * GitHub's webhooks of repositories, organisations and apps (docs.github.com, "Validating webhook deliveries"; the
 * example there is in `vectors/github.json`). The older `X-Hub-Signature`, in SHA-1, is not looked at.
 *
 * `X-GitHub-Delivery` and `X-GitHub-Event` are not signed. GitHub never tries again by itself; a delivery can be sent
 * again by hand for 3 days, under the same id. Choose the content type `application/json`: the other one, a form, is
 * refused.
 */
export const githubProvider: Provider = {
  name: 'github',
  title: 'GitHub',
  documentation: 'https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries',
  evidence: {
    level: 'proven',
    reason: "GitHub's documented example verifies, and @octokit/webhooks-methods agrees in both directions",
  },
  schemes: [
    {
      name: 'github-signature-256',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-hub-signature-256' }], prefix: 'sha256=', encoding: 'hex' },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'github-event',
      id: [{ header: 'x-github-delivery' }],
      type: { header: 'x-github-event' },
      orderingKey: [{ json: ['repository', 'id'] }],
    },
  ],
  retryHorizonMs: 3 * DAY_MS,
  senderTimeoutMs: 10_000,
}

/** Common types; others are accepted and stored all the same. */
export type GithubEventType =
  | 'branch_protection_rule'
  | 'check_run'
  | 'check_suite'
  | 'create'
  | 'delete'
  | 'dependabot_alert'
  | 'deployment'
  | 'deployment_status'
  | 'discussion'
  | 'discussion_comment'
  | 'fork'
  | 'installation'
  | 'installation_repositories'
  | 'issue_comment'
  | 'issues'
  | 'label'
  | 'member'
  | 'milestone'
  | 'ping'
  | 'public'
  | 'pull_request'
  | 'pull_request_review'
  | 'pull_request_review_comment'
  | 'push'
  | 'release'
  | 'repository'
  | 'star'
  | 'status'
  | 'workflow_dispatch'
  | 'workflow_job'
  | 'workflow_run'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is the header `x-github-event`. */
export type GithubEvents = { readonly [Type in GithubEventType]: JsonBody }

/** A source for GitHub: the secret is the webhook's secret. */
export function github(options?: SourceOptions): Source<GithubEvents> {
  return defineHmacSource<GithubEvents>(githubProvider, options)
}
