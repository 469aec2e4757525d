import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { MINUTE_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Slack's Events API (docs.slack.dev, "Verifying requests from Slack"; the example there is in `vectors/slack.json`).
 *
 * Slash commands and interactions are signed alike, but they are forms: each is kept as an event of the type
 * `unknown`, with its bytes and without data. Slack waits 3 s, and tries 3 times more: at once, after a minute, after
 * five.
 */
export const slackProvider: Provider = {
  name: 'slack',
  title: 'Slack',
  documentation: 'https://docs.slack.dev/authentication/verifying-requests-from-slack',
  evidence: {
    level: 'proven',
    reason:
      "Slack's documented example, which its Python SDK tests, verifies, and @slack/bolt 5.1.0 accepts what is signed here",
  },
  schemes: [
    {
      name: 'slack-v0',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-slack-signature' }], prefix: 'v0=', encoding: 'hex' },
      timestamp: { in: { header: 'x-slack-request-timestamp' }, unit: 'seconds', toleranceSeconds: 300 },
      content: [{ literal: 'v0:' }, 'timestamp', { literal: ':' }, 'body'],
    },
  ],
  envelopes: [
    {
      name: 'slack-event',
      id: [{ json: ['event_id'] }],
      type: { json: ['event', 'type'] },
      created: { in: { json: ['event_time'] }, unit: 'seconds' },
    },
    { name: 'slack-other', id: [{ json: ['event_id'] }], type: { json: ['type'] } },
  ],
  handshakes: [
    {
      name: 'slack-url-verification',
      when: { in: { json: ['type'] }, equals: 'url_verification' },
      reply: { text: { json: ['challenge'] } },
    },
  ],
  retryHorizonMs: 6 * MINUTE_MS,
  senderTimeoutMs: 3000,
  unreadableBody: 'keep',
}

/** Common types; others are accepted and stored all the same. */
export type SlackEventType =
  | 'app_home_opened'
  | 'app_mention'
  | 'app_uninstalled'
  | 'channel_created'
  | 'channel_rename'
  | 'member_joined_channel'
  | 'message'
  | 'reaction_added'
  | 'team_join'

/**
 * What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `event.type`, or its
 * own `type` where it brings no event.
 */
export type SlackEvents = { readonly [Type in SlackEventType]: JsonBody }

/** A source for Slack: the secret is the app's signing secret. */
export function slack(options?: SourceOptions): Source<SlackEvents> {
  return defineHmacSource<SlackEvents>(slackProvider, options)
}
