import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import type { JsonBody } from './json-body.ts'
import { standardWebhooksScheme } from './standard-webhooks-scheme.ts'
import { SVIX_RETRY_HORIZON_MS } from './svix-retry-horizon.ts'

/**
 * Clerk's webhooks (clerk.com/docs/integrations/webhooks): sent by Svix, whose library it asks its users to verify
 * with.
 *
 * It waits and tries again as Svix does, to whose schedule Clerk's page refers.
 */
export const clerkProvider: Provider = {
  name: 'clerk',
  title: 'Clerk',
  documentation: 'https://clerk.com/docs/integrations/webhooks/overview',
  evidence: {
    level: 'proven',
    reason:
      'svix 1.99.1, which its documentation names, agrees in both directions, and @clerk/backend 3.25.0 accepts what is signed here',
  },
  schemes: [standardWebhooksScheme('clerk-v1', 'svix', { minBytes: 16 })],
  envelopes: [
    {
      name: 'clerk-event',
      id: [{ header: 'svix-id' }],
      type: { json: ['type'] },
      created: { in: { json: ['timestamp'] }, unit: 'milliseconds' },
      orderingKey: [{ json: ['data', 'id'] }],
    },
  ],
  retryHorizonMs: SVIX_RETRY_HORIZON_MS,
  senderTimeoutMs: 15_000,
  rotation: 'the signature header may hold several signatures, and one that fits is enough',
}

/** Common types; others are accepted and stored all the same. */
export type ClerkEventType =
  | 'user.created'
  | 'user.updated'
  | 'user.deleted'
  | 'session.created'
  | 'session.ended'
  | 'session.removed'
  | 'session.revoked'
  | 'organization.created'
  | 'organization.updated'
  | 'organization.deleted'
  | 'organizationMembership.created'
  | 'organizationMembership.updated'
  | 'organizationMembership.deleted'
  | 'organizationInvitation.created'
  | 'organizationInvitation.accepted'
  | 'organizationInvitation.revoked'
  | 'email.created'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `type`. */
export type ClerkEvents = { readonly [Type in ClerkEventType]: JsonBody }

/** A source for Clerk: the secret is the endpoint's signing secret, which begins with `whsec_`. */
export function clerk(options?: SourceOptions): Source<ClerkEvents> {
  return defineHmacSource<ClerkEvents>(clerkProvider, options)
}
