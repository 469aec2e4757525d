import {
  answeringHandshakes,
  defineHmacSource,
  type Provider,
  type Secret,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { optionsOf } from '../core/source-options.ts'
import { DAY_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * Meta's webhooks of every product (developers.facebook.com/docs/graph-api/webhooks): the app's secret signs the body
 * as it is sent, in which characters beyond ASCII are escaped.
 *
 * A request may hold many changes and has no id; the body's digest is one. The type is the object: `page`,
 * `instagram`, `whatsapp_business_account`. WhatsApp tries for up to 7 days, and the others for 36 hours.
 *
 * Before it sends anything Meta GETs the URL with the verify token and a challenge; that is answered where `handshake`
 * has the token.
 */
export const metaProvider: Provider = {
  name: 'meta',
  title: 'Meta (Facebook, Instagram, WhatsApp)',
  documentation: 'https://developers.facebook.com/docs/graph-api/webhooks/getting-started',
  evidence: {
    level: 'reported',
    reason: 'third parties that cite its documentation agree, which was not at hand; no example is published',
  },
  schemes: [
    {
      name: 'meta-signature-256',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-hub-signature-256' }], prefix: 'sha256=', encoding: 'hex' },
      content: ['body'],
    },
  ],
  envelopes: [{ name: 'meta-notification', id: [], type: { json: ['object'] } }],
  retryHorizonMs: 7 * DAY_MS,
  openHandshakes: [
    {
      name: 'meta-verification',
      method: 'GET',
      when: [{ in: { query: 'hub.mode' }, equals: 'subscribe' }, { in: { query: 'hub.challenge' } }],
      token: { query: 'hub.verify_token' },
      reply: { text: { query: 'hub.challenge' } },
    },
  ],
}

/** Common types; others are accepted and stored all the same. */
export type MetaEventType = 'page' | 'user' | 'permissions' | 'instagram' | 'whatsapp_business_account'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `object`. */
export type MetaEvents = { readonly [Type in MetaEventType]: JsonBody }

/** As of every source, and the verify token. Default: no verification of the URL is answered. */
export interface MetaOptions extends SourceOptions {
  /** Answers the verification of the URL where it shows the verify token that was set with it. */
  readonly handshake?: false | { readonly token: Secret }
}

/** A source for Meta (Facebook, Instagram, WhatsApp): the secret is the app's secret. */
export function meta(given: MetaOptions = {}): Source<MetaEvents> {
  const { handshake, ...options } = optionsOf(metaProvider, given)
  return answeringHandshakes(defineHmacSource<MetaEvents>(metaProvider, options), handshake)
}
