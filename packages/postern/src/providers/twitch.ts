import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Twitch's EventSub over webhooks (dev.twitch.tv/docs/eventsub/handling-webhook-events): id, time and body are signed
 * with nothing between, so that an id with a colon, which could swallow the time, is refused.
 *
 * A new subscription's `webhook_callback_verification` is answered with its challenge. A `revocation` is an event of
 * the subscription's type, without `event` in its body.
 */
export const twitchProvider: Provider = {
  name: 'twitch',
  title: 'Twitch EventSub',
  documentation: 'https://dev.twitch.tv/docs/eventsub/handling-webhook-events',
  evidence: { level: 'documented', reason: 'its documentation has the construction' },
  schemes: [
    {
      name: 'twitch-eventsub',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8', minBytes: 10 },
      signature: {
        in: [{ header: 'twitch-eventsub-message-signature' }],
        prefix: 'sha256=',
        encoding: 'hex',
      },
      timestamp: {
        in: { header: 'twitch-eventsub-message-timestamp' },
        unit: 'rfc3339',
        toleranceSeconds: 600,
      },
      id: { in: { header: 'twitch-eventsub-message-id' }, forbid: ':' },
      content: ['id', 'timestamp', 'body'],
    },
  ],
  envelopes: [
    {
      name: 'twitch-message',
      id: [{ header: 'twitch-eventsub-message-id' }],
      type: { json: ['subscription', 'type'] },
      created: { in: { header: 'twitch-eventsub-message-timestamp' }, unit: 'rfc3339' },
    },
  ],
  handshakes: [
    {
      name: 'twitch-callback-verification',
      when: { in: { header: 'twitch-eventsub-message-type' }, equals: 'webhook_callback_verification' },
      reply: { text: { json: ['challenge'] } },
    },
  ],
}

/** Common types; others are accepted and stored all the same. */
export type TwitchEventType =
  | 'channel.follow'
  | 'channel.subscribe'
  | 'channel.cheer'
  | 'channel.raid'
  | 'channel.update'
  | 'stream.online'
  | 'stream.offline'
  | 'user.update'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `subscription.type`. */
export type TwitchEvents = { readonly [Type in TwitchEventType]: JsonBody }

/** A source for Twitch EventSub: the secret is the subscription's secret, of 10 to 100 characters. */
export function twitch(options?: SourceOptions): Source<TwitchEvents> {
  return defineHmacSource<TwitchEvents>(twitchProvider, options)
}
