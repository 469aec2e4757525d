import {
  defineSourceBy,
  keyedDigests,
  type Provider,
  type SignatureScheme,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { TEXT } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'

const scheme: SignatureScheme = {
  name: 'hubspot-v2',
  algorithm: 'sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-hubspot-signature' }], encoding: 'hex' },
  required: { 'x-hubspot-signature-version': 'v2' },
  content: ['method', 'url', 'body'],
}

/**
 * HubSpot's signature version 2 (developers.hubspot.com, "Validating requests"), as workflows and CRM cards send it:
 * SHA-256 over the client secret, method, URL and body, one after another, and no time. Version 3 is safer:
 * `hubspot()`.
 */
export const hubspotV2Provider: Provider = {
  name: 'hubspot-v2',
  title: 'HubSpot, signature version 2',
  documentation: 'https://developers.hubspot.com/docs/api/webhooks/validating-requests',
  evidence: {
    level: 'proven',
    reason:
      "the official SDK's test vector verifies, and @hubspot/api-client 13.5.0 agrees in both directions",
  },
  schemes: [scheme],
  envelopes: [{ name: 'hubspot-request', id: [], defaultType: 'request' }],
  senderTimeoutMs: 5000,
}

/** As of every source, and the URL that HubSpot signs, which a server behind a proxy sees differently. */
export interface HubspotV2Options extends SourceOptions {
  /**
   * The URL that HubSpot calls, character for character as it stands there. Without it
   * `request.url` is taken, which then has to be that URL and not a path.
   */
  readonly targetUrl?: string
}

/** A source for HubSpot, signature version 2: the secret is the app's client secret. */
export function hubspotV2(given: HubspotV2Options = {}): Source {
  const { targetUrl, ...options } = optionsOf(hubspotV2Provider, given, { targetUrl: TEXT })
  return defineSourceBy(
    [keyedDigests],
    targetUrl === undefined ? hubspotV2Provider : forUrl(targetUrl),
    options,
  )
}

function forUrl(url: string): Provider {
  return { ...hubspotV2Provider, schemes: [{ ...scheme, content: ['method', { literal: url }, 'body'] }] }
}
