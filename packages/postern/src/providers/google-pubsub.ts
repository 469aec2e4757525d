import {
  bearerTokens,
  defineFetchingSource,
  type Jose,
  type KeyFetch,
  type Provider,
  type Source,
  type SourceOptions,
  type TokenScheme,
} from '../core/index.ts'
import { FUNCTION, SECRET, TEXT_OR_TEXTS } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'
import { DAY_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

const scheme: TokenScheme = {
  name: 'google-oidc',
  algorithm: 'jwt',
  token: { header: 'authorization', authScheme: 'Bearer' },
  keysUrl: 'https://www.googleapis.com/oauth2/v3/certs',
  issuers: ['https://accounts.google.com', 'accounts.google.com'],
  claims: { email_verified: true },
  maxAgeSeconds: 3600,
  timestamp: { toleranceSeconds: 300 },
}

/**
 * Google Cloud Pub/Sub's push (cloud.google.com/pubsub/docs/authenticate-push-subscriptions): a token by Google for the audience
 * of the subscription. The body is not signed. Anybody may have a subscription push to here with an audience that he knows:
 * name the service account too.
 *
 * Pub/Sub waits for as long as the subscription's `ackDeadlineSeconds`: 10 s, unless it is set higher. It tries
 * again for as long as it keeps messages, which is 7 days, unless `messageRetentionDuration` is set, to 31 days at
 * most; a `Seek` has it send what is that old once more.
 */
export const googlePubsubProvider: Provider = {
  name: 'google-pubsub',
  title: 'Google Cloud Pub/Sub push',
  documentation: 'https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions',
  evidence: {
    level: 'proven',
    reason:
      "google-auth-library 10.9.1, Google's own, takes and refuses the same tokens; no token of Google's is public",
  },
  schemes: [scheme],
  warnings: [
    'any Google account that knows the audience may send; name the service account of the subscription (serviceAccount)',
  ],
  envelopes: [
    {
      name: 'pubsub-message',
      id: [{ json: ['message', 'messageId'] }],
      defaultType: 'message',
      created: { in: { json: ['message', 'publishTime'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['message', 'orderingKey'] }],
    },
  ],
  retryHorizonMs: 31 * DAY_MS,
  senderTimeoutMs: 10_000,
}

/** What handlers get as `data`: the whole body of a push, of which nothing is decoded; its `message.data` is base64. */
export type GooglePubsubEvents = { readonly message: JsonBody }

/** As of every source, with whom a token has to be for, and from, in place of a secret. */
export interface GooglePubsubOptions extends Omit<SourceOptions, 'secret'> {
  /** The package `jose`: `import * as jose from 'jose'`. */
  readonly jose: Jose
  /** The subscription's audience, or several; where it names none, the URL of its endpoint. Without any, 503. */
  readonly audience?: SourceOptions['secret']
  /** The service account of the subscription, or several: its address is `email` in the token. */
  readonly serviceAccount?: string | readonly string[]
  /** Fetches Google's keys. Default: the global `fetch`. */
  readonly fetch?: KeyFetch
}

/** A source for Google Cloud Pub/Sub push subscriptions. */
export function googlePubsub(given: GooglePubsubOptions): Source<GooglePubsubEvents> {
  const { jose, audience, serviceAccount, fetch, ...options } = optionsOf(googlePubsubProvider, given, {
    audience: SECRET,
    serviceAccount: TEXT_OR_TEXTS,
    fetch: FUNCTION,
  })
  const email = serviceAccount === undefined ? {} : { email: serviceAccount }
  const own: TokenScheme = { ...scheme, claims: { ...scheme.claims, ...email } }
  const { warnings: _, ...provider } = googlePubsubProvider
  const told = serviceAccount === undefined ? googlePubsubProvider : provider
  return defineFetchingSource<GooglePubsubEvents>(
    [bearerTokens(jose, { fetch })],
    { ...told, schemes: [own] },
    { ...options, secret: audience },
  )
}
