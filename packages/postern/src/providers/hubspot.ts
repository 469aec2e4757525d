import {
  defineHmacSource,
  type Part,
  type Provider,
  type SignatureScheme,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { TEXT } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'
import { HOUR_MS } from './duration.ts'

const scheme: SignatureScheme = {
  name: 'hubspot-v3',
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-hubspot-signature-v3' }], encoding: 'base64' },
  timestamp: { in: { header: 'x-hubspot-request-timestamp' }, unit: 'milliseconds', toleranceSeconds: 300 },
  content: ['method', 'url', 'body', 'timestamp'],
}

/**
 * HubSpot's signature version 3 (developers.hubspot.com, "Validating requests"): method, URL, body and time. Versions
 * 1 and 2 are no HMAC and none of this.
 *
 * A request holds up to 100 notifications and no id of its own; the body's digest is one. It waits 5 s. The URL is
 * signed as HubSpot decodes it: give `targetUrl` as it stands in the app.
 *
 * Up to 10 further tries are spread over 24 hours (developers.hubspot.com, "Webhooks").
 */
export const hubspotProvider: Provider = {
  name: 'hubspot',
  title: 'HubSpot',
  documentation: 'https://developers.hubspot.com/docs/api/webhooks/validating-requests',
  evidence: {
    level: 'proven',
    reason:
      'the worked example of its documentation verifies, as a third party quotes it, and @hubspot/api-client 13.5.0 agrees in both directions',
  },
  schemes: [scheme],
  envelopes: [{ name: 'hubspot-batch', id: [], defaultType: 'batch' }],
  retryHorizonMs: 24 * HOUR_MS,
  senderTimeoutMs: 5000,
}

/** As of every source, and the URL that HubSpot signs, which a server behind a proxy sees differently. */
export interface HubspotOptions extends SourceOptions {
  /**
   * The target URL as it stands in the app, with its query. Without it `request.url` is taken, which then has to be
   * that URL and not a path, in the form that HubSpot signs.
   */
  readonly targetUrl?: string
}

/** A source for HubSpot: the secret is the app's client secret. */
export function hubspot(given: HubspotOptions = {}): Source {
  const { targetUrl, ...options } = optionsOf(hubspotProvider, given, { targetUrl: TEXT })
  return defineHmacSource(targetUrl === undefined ? hubspotProvider : forUrl(targetUrl), options)
}

function forUrl(url: string): Provider {
  const content: readonly Part[] = ['method', { literal: asSigned(url) }, 'body', 'timestamp']
  return { ...hubspotProvider, schemes: [{ ...scheme, content }] }
}

/** These percent escapes are decoded before a URL is signed, and no others. */
const DECODED = /%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi

function asSigned(url: string): string {
  return url.replaceAll(DECODED, decodeURIComponent)
}
