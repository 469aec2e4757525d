import { defineSourceBy, type Provider, publicKeys, type Source, type SourceOptions } from '../core/index.ts'
import { MINUTE_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Discord's webhook events and interactions (docs.discord.com/developers): Ed25519 over time and body, with nothing
 * between.
 *
 * Before it takes an endpoint Discord sends a PING, which is answered as it wants, and requests with bad signatures,
 * which want a 401. A webhook event has no id; the body's digest is one.
 *
 * Discord waits 3 s, and tries an event again for up to 10 minutes.
 */
export const discordProvider: Provider = {
  name: 'discord',
  title: 'Discord',
  documentation: 'https://docs.discord.com/developers/events/webhook-events',
  evidence: { level: 'proven', reason: 'discord-interactions 4.4.0 accepts what is signed here' },
  schemes: [
    {
      name: 'discord-ed25519',
      algorithm: 'ed25519',
      key: { as: 'hex', minBytes: 32 },
      signature: { in: [{ header: 'x-signature-ed25519' }], encoding: 'hex' },
      timestamp: { in: { header: 'x-signature-timestamp' }, unit: 'seconds', toleranceSeconds: 300 },
      content: ['timestamp', 'body'],
    },
  ],
  envelopes: [
    {
      name: 'discord-event',
      id: [],
      type: { json: ['event', 'type'] },
      created: { in: { json: ['event', 'timestamp'] }, unit: 'rfc3339' },
    },
    {
      name: 'discord-interaction',
      id: [{ json: ['id'] }],
      type: { json: ['type'] },
      orderingKey: [{ json: ['channel_id'] }],
    },
  ],
  handshakes: [
    {
      name: 'discord-interaction-ping',
      when: { in: { json: ['type'] }, equals: '1', unless: { json: ['event', 'type'] } },
      reply: { json: { type: 1 } },
    },
    { name: 'discord-event-ping', when: { in: { json: ['type'] }, equals: '0' }, reply: { status: 204 } },
  ],
  retryHorizonMs: 10 * MINUTE_MS,
  senderTimeoutMs: 3000,
  undocumented: ['how far the signed time may be off'],
}

/** Common types; others are accepted and stored all the same. */
export type DiscordEventType =
  | 'APPLICATION_AUTHORIZED'
  | 'APPLICATION_DEAUTHORIZED'
  | 'ENTITLEMENT_CREATE'
  | 'QUEST_USER_ENROLLMENT'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `event.type`. */
export type DiscordEvents = { readonly [Type in DiscordEventType]: JsonBody }

/** A source for Discord: the secret is the application's public key. */
export function discord(options?: SourceOptions): Source<DiscordEvents> {
  return defineSourceBy<DiscordEvents>([publicKeys], discordProvider, options)
}
