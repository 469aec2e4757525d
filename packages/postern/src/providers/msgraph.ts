import {
  answeringHandshakes,
  defineSourceBy,
  eachSecrets,
  type Provider,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { optionsOf } from '../core/source-options.ts'
import { HOUR_MS } from './duration.ts'

/**
 * Change notifications of Microsoft Graph (learn.microsoft.com/graph/change-notifications-delivery-webhooks): the
 * `clientState` that was given with the subscription comes back in each of a request's notifications. All must have
 * one that is configured; it is cut out of each before anything is kept.
 *
 * Notifications of drives and lists are the same bytes each time, and a retry may be grouped otherwise, so that every
 * arrival is an event of its own. The POST with a `validationToken`, by which Graph tries the URL, is answered with
 * `handshake: true`. Graph waits 10 s, or, as an older version of its page says, 3; failures are tried
 * again for up to 4 hours.
 */
export const msgraphProvider: Provider = {
  name: 'msgraph',
  title: 'Microsoft Graph',
  documentation: 'https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks',
  evidence: { level: 'documented', reason: 'a plain comparison, as its documentation has it' },
  schemes: [
    {
      name: 'msgraph-client-state',
      algorithm: 'static-secret',
      secret: { each: ['value'], member: ['clientState'] },
    },
  ],
  envelopes: [
    { name: 'msgraph-lifecycle', id: [], type: { json: ['value', '0', 'lifecycleEvent'] } },
    { name: 'msgraph-notifications', id: [], defaultType: 'notifications' },
  ],
  everyArrival: true,
  openHandshakes: [
    {
      name: 'msgraph-validation',
      method: 'POST',
      when: [{ in: { query: 'validationToken' } }],
      reply: { text: { query: 'validationToken' } },
    },
  ],
  retryHorizonMs: 4 * HOUR_MS,
  senderTimeoutMs: 10_000,
  warnings: ['every request is an event of its own, a copy too'],
  undocumented: ['how long a validation token is; of over 1,024 characters none is answered'],
}

/** As of every source, and whether Graph's validation is answered. Default: it is not. */
export interface MsgraphOptions extends SourceOptions {
  /** Answers the token by which Graph tries the URL. Nothing signs it: whatever is asked is sent back as plain text. */
  readonly handshake?: boolean
}

/** A source for Microsoft Graph: the secret is the subscription's `clientState`; of several subscriptions, all of theirs. */
export function msgraph(given: MsgraphOptions = {}): Source {
  const { handshake, ...options } = optionsOf(msgraphProvider, given)
  return answeringHandshakes(defineSourceBy([eachSecrets], msgraphProvider, options), handshake)
}
