import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Jira Cloud's admin webhooks with a secret (developer.atlassian.com, "Secure admin webhooks").
 * `X-Atlassian-Webhook-Identifier` is not signed; it is the same for all retries.
 */
export const jiraProvider: Provider = {
  name: 'jira',
  title: 'Jira Cloud',
  documentation: 'https://developer.atlassian.com/cloud/jira/platform/webhooks/',
  evidence: {
    level: 'documented',
    reason:
      'WebSub signatures, as its documentation has them; the documented example is in vectors/bitbucket.json',
  },
  schemes: [
    {
      name: 'jira-signature',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-hub-signature' }], prefix: 'sha256=', encoding: 'hex' },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'jira-event',
      id: [{ header: 'x-atlassian-webhook-identifier' }],
      type: { json: ['webhookEvent'] },
      created: { in: { json: ['timestamp'] }, unit: 'milliseconds' },
      orderingKey: [{ json: ['issue', 'id'] }],
    },
  ],
}

/** Common types; others are accepted and stored all the same. */
export type JiraEventType =
  | 'jira:issue_created'
  | 'jira:issue_updated'
  | 'jira:issue_deleted'
  | 'comment_created'
  | 'comment_updated'
  | 'comment_deleted'
  | 'sprint_started'
  | 'sprint_closed'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `webhookEvent`. */
export type JiraEvents = { readonly [Type in JiraEventType]: JsonBody }

/** A source for Jira Cloud: the secret is the webhook's secret. */
export function jira(options?: SourceOptions): Source<JiraEvents> {
  return defineHmacSource<JiraEvents>(jiraProvider, options)
}
