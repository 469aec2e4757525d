import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { DAY_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * WorkOS' webhooks (workos.com/docs/events/data-syncing/webhooks): `t=<time>, v1=<signature>`, with a space between,
 * and the time in milliseconds. Its SDK allows 180 s.
 *
 * Only others report that WorkOS tries up to 6 times in 3 days.
 */
export const workosProvider: Provider = {
  name: 'workos',
  title: 'WorkOS',
  documentation: 'https://workos.com/docs/events/data-syncing/webhooks',
  evidence: { level: 'proven', reason: '@workos-inc/node 8.13.0 agrees in both directions' },
  schemes: [
    {
      name: 'workos-v1',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: {
        in: [{ header: 'workos-signature' }],
        separator: ',',
        pairSeparator: '=',
        field: 'v1',
        encoding: 'hex',
      },
      timestamp: { in: { field: 't' }, unit: 'milliseconds', toleranceSeconds: 180 },
      content: ['timestamp', { literal: '.' }, 'body'],
    },
  ],
  envelopes: [
    {
      name: 'workos-event',
      id: [{ json: ['id'] }],
      type: { json: ['event'] },
      created: { in: { json: ['created_at'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['data', 'id'] }],
    },
  ],
  retryHorizonMs: 3 * DAY_MS,
}

/** Common types; others are accepted and stored all the same. */
export type WorkosEventType =
  | 'authentication.email_verification_succeeded'
  | 'authentication.password_succeeded'
  | 'connection.activated'
  | 'connection.deactivated'
  | 'connection.deleted'
  | 'dsync.activated'
  | 'dsync.deleted'
  | 'dsync.group.created'
  | 'dsync.group.updated'
  | 'dsync.group.deleted'
  | 'dsync.group.user_added'
  | 'dsync.group.user_removed'
  | 'dsync.user.created'
  | 'dsync.user.updated'
  | 'dsync.user.deleted'
  | 'organization.created'
  | 'organization.updated'
  | 'organization.deleted'
  | 'session.created'
  | 'user.created'
  | 'user.updated'
  | 'user.deleted'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `event`. */
export type WorkosEvents = { readonly [Type in WorkosEventType]: JsonBody }

/** A source for WorkOS: the secret is the endpoint's signing secret. */
export function workos(options?: SourceOptions): Source<WorkosEvents> {
  return defineHmacSource<WorkosEvents>(workosProvider, options)
}
