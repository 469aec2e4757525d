import {
  defineSourceBy,
  urlHmacs,
  type Envelope,
  type Part,
  type Place,
  type Provider,
  type SignatureScheme,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { TEXT } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'
import type { JsonBody } from './json-body.ts'

const signature: Place = { header: 'x-twilio-signature' }

const scheme: SignatureScheme = {
  name: 'twilio-signature',
  algorithm: 'hmac-sha1',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-twilio-signature' }], encoding: 'base64' },
  content: ['url', { derived: 'form-or-digest', digestIn: 'bodySHA256' }],
  derives: 'url-and-form',
}

const verifying: Provider = {
  name: 'twilio',
  title: 'Twilio',
  schemes: [scheme],
  envelopes: [
    envelope('twilio-message-status', 'MessageStatus', 'MessageSid'),
    envelope('twilio-message', 'SmsStatus', 'MessageSid'),
    envelope('twilio-call', 'CallStatus', 'CallSid'),
    { name: 'twilio-sink', id: [signature], type: { json: ['0', 'type'] }, unless: { json: ['1', 'type'] } },
    { name: 'twilio-other', id: [signature], defaultType: 'webhook' },
  ],
  senderTimeoutMs: 15_000,
}

/**
 * Twilio's webhooks (twilio.com/docs/usage/webhooks/webhooks-security): the URL, and after it the names and values of the
 * form, sorted; a body of JSON is not signed itself but by its digest, which Twilio adds to the URL.
 *
 * Of several spellings of the URL Twilio signs now one and now another: with and without its port, with quotes, `@` and
 * `:` escaped or not. Give it as it stands in Twilio, `webhookUrl`: a server behind a proxy sees another one.
 *
 * The signature is the id: nothing stands between the signed names and values, so that one form could be cut up
 * otherwise, and sorted differently, under the same signature. The same parameters to the same URL, such as a caller's
 * second press of the same key, are then one event. Requests that want TwiML for an answer get none here.
 */
export const twilioProvider: Provider = /* @__PURE__ */ described()

/** Apart from what verifies, so that a bundler can leave it out: an app has no use for it. */
function described(): Provider {
  return {
    ...verifying,
    documentation: 'https://www.twilio.com/docs/usage/webhooks/webhooks-security',
    evidence: {
      level: 'proven',
      reason: "the official SDK's test vectors verify, and twilio 6.2.0 agrees in both directions",
    },
    undocumented: ['which spelling of a URL is signed when'],
  }
}

/** What Twilio says of a message or a call. Values of a name that comes more than once are an array. */
export type TwilioEventType =
  | 'received'
  | 'queued'
  | 'sent'
  | 'delivered'
  | 'undelivered'
  | 'failed'
  | 'read'
  | 'initiated'
  | 'ringing'
  | 'in-progress'
  | 'completed'
  | 'busy'
  | 'no-answer'
  | 'canceled'

/**
 * What handlers get as `data`, by type: the fields of the form, or the JSON body, unchecked. The type is `MessageStatus`,
 * `SmsStatus` or `CallStatus`.
 */
export type TwilioEvents = { readonly [Type in TwilioEventType]: JsonBody }

/** As of every source, and the URL that Twilio signs, which a server behind a proxy sees differently. */
export interface TwilioOptions extends SourceOptions {
  /**
   * The webhook's URL up to its query, character for character as it stands in Twilio, with user and password where it
   * has them. Without it `request.url` is taken, which then has to be a whole URL and not a path.
   */
  readonly webhookUrl?: string
}

/** A source for Twilio: the secret is the account's auth token. */
export function twilio(given: TwilioOptions = {}): Source<TwilioEvents> {
  const { webhookUrl, ...options } = optionsOf(verifying, given, { webhookUrl: TEXT })
  return defineSourceBy<TwilioEvents>(
    [urlHmacs],
    webhookUrl === undefined ? verifying : forUrl(webhookUrl),
    options,
  )
}

function forUrl(url: string): Provider {
  const [base = ''] = url.split('?')
  const content: readonly Part[] = [{ derived: 'public-url', base }, ...scheme.content.slice(1)]
  return { ...verifying, schemes: [{ ...scheme, content }] }
}

function envelope(name: string, type: string, key: string): Envelope {
  return { name, id: [signature], type: { json: [type] }, orderingKey: [{ json: [key] }] }
}
