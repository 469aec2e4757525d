import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import type { JsonBody } from './json-body.ts'

/**
 * ElevenLabs' webhooks (elevenlabs.io/docs, "Post-call webhooks"): `t=<time>,v0=<signature>`. Its SDK allows 30
 * minutes. There is no event id; the body's digest is one.
 *
 * Only others report that ElevenLabs waits 10 s. It tries again where that is switched on for a webhook.
 */
export const elevenlabsProvider: Provider = {
  name: 'elevenlabs',
  title: 'ElevenLabs',
  documentation: 'https://elevenlabs.io/docs/eleven-agents/workflows/post-call-webhooks',
  evidence: { level: 'proven', reason: '@elevenlabs/elevenlabs-js 2.0.1 accepts what is signed here' },
  schemes: [
    {
      name: 'elevenlabs-v0',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: {
        in: [{ header: 'elevenlabs-signature' }],
        separator: ',',
        pairSeparator: '=',
        field: 'v0',
        encoding: 'hex',
      },
      timestamp: { in: { field: 't' }, unit: 'seconds', toleranceSeconds: 1800 },
      content: ['timestamp', { literal: '.' }, 'body'],
    },
  ],
  envelopes: [
    {
      name: 'elevenlabs-event',
      id: [],
      type: { json: ['type'] },
      created: { in: { json: ['event_timestamp'] }, unit: 'seconds' },
      orderingKey: [{ json: ['data', 'conversation_id'] }],
    },
  ],
  senderTimeoutMs: 10_000,
}

/** Common types; others are accepted and stored all the same. */
export type ElevenlabsEventType =
  | 'post_call_transcription'
  | 'post_call_audio'
  | 'call_initiation_failure'
  | 'voice_removal_notice'
  | 'voice_removal_notice_withdrawn'
  | 'voice_removed'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `type`. */
export type ElevenlabsEvents = { readonly [Type in ElevenlabsEventType]: JsonBody }

/** A source for ElevenLabs: the secret is the webhook's secret. */
export function elevenlabs(options?: SourceOptions): Source<ElevenlabsEvents> {
  return defineHmacSource<ElevenlabsEvents>(elevenlabsProvider, options)
}
