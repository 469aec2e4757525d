import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { DAY_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'
import { standardWebhooksScheme } from './standard-webhooks-scheme.ts'

/**
 * OpenAI's webhooks (platform.openai.com/docs/guides/webhooks): Standard Webhooks. The SDK's test vector, "taken from
 * a real webhook event", is in `vectors/openai.json`.
 *
 * A secret without `whsec_`, which the SDK would take as it stands, is read as base64 here.
 *
 * Only others report that OpenAI waits 20 s, and tries again for up to 72 hours.
 */
export const openaiProvider: Provider = {
  name: 'openai',
  title: 'OpenAI',
  documentation: 'https://platform.openai.com/docs/guides/webhooks',
  evidence: {
    level: 'proven',
    reason: "the official SDK's test vector verifies, and openai 6.49.0 accepts what is signed here",
  },
  schemes: [standardWebhooksScheme('openai-v1', 'webhook')],
  envelopes: [
    {
      name: 'openai-event',
      id: [{ header: 'webhook-id' }],
      type: { json: ['type'] },
      created: { in: { json: ['created_at'] }, unit: 'seconds' },
      orderingKey: [{ json: ['data', 'id'] }],
    },
  ],
  retryHorizonMs: 3 * DAY_MS,
  senderTimeoutMs: 20_000,
  rotation: 'the signature header may hold several signatures, and one that fits is enough',
}

/** Common types; others are accepted and stored all the same. */
export type OpenaiEventType =
  | 'batch.completed'
  | 'batch.cancelled'
  | 'batch.expired'
  | 'batch.failed'
  | 'eval.run.succeeded'
  | 'eval.run.failed'
  | 'eval.run.canceled'
  | 'fine_tuning.job.succeeded'
  | 'fine_tuning.job.failed'
  | 'fine_tuning.job.cancelled'
  | 'realtime.call.incoming'
  | 'response.completed'
  | 'response.cancelled'
  | 'response.failed'
  | 'response.incomplete'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `type`. */
export type OpenaiEvents = { readonly [Type in OpenaiEventType]: JsonBody }

/** A source for OpenAI: the secret is the endpoint's signing secret, which begins with `whsec_`. */
export function openai(options?: SourceOptions): Source<OpenaiEvents> {
  return defineHmacSource<OpenaiEvents>(openaiProvider, options)
}
