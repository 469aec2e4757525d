import {
  answeringHandshakes,
  defineSourceBy,
  headerSecrets,
  type Provider,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { optionsOf } from '../core/source-options.ts'
import { headerName } from './header-name.ts'

/**
 * Okta's event hooks (developer.okta.com/docs/concepts/event-hooks): a value of your own in a header of your own, and
 * nothing signed. Okta waits 3 s, and tries once more at most, without saying when.
 *
 * Once, before it sends anything, Okta GETs the URL with a challenge in a header; it is answered with `handshake: true`.
 */
export const oktaProvider: Provider = {
  name: 'okta',
  title: 'Okta event hooks',
  documentation: 'https://developer.okta.com/docs/concepts/event-hooks/',
  evidence: { level: 'documented', reason: 'a plain comparison, as its documentation has it' },
  schemes: [{ name: 'okta-header', algorithm: 'static-secret', secret: { header: 'authorization' } }],
  envelopes: [
    {
      name: 'okta-event-hook',
      id: [{ json: ['eventId'] }],
      type: { json: ['eventType'] },
      created: { in: { json: ['eventTime'] }, unit: 'rfc3339' },
    },
  ],
  openHandshakes: [
    {
      name: 'okta-verification',
      method: 'GET',
      when: [{ in: { header: 'x-okta-verification-challenge' } }],
      reply: { json: { verification: { header: 'x-okta-verification-challenge' } } },
    },
  ],
  senderTimeoutMs: 3000,
}

/**
 * As of every source, and how Okta was set up: in which header its secret comes, and whether its verification is answered
 * (default: it is not).
 */
export interface OktaOptions extends SourceOptions {
  /** The header that is named in Okta's authentication field. Default `Authorization`. */
  readonly header?: string
  /** Answers the one-time verification of the URL. */
  readonly handshake?: boolean
}

/** A source for Okta's event hooks: the secret is the value of the authentication field. */
export function okta(given: OktaOptions = {}): Source {
  const { header, handshake, ...options } = optionsOf(oktaProvider, given)
  const provider = header === undefined ? oktaProvider : inHeader(header)
  return answeringHandshakes(defineSourceBy([headerSecrets], provider, options), handshake)
}

function inHeader(header: string): Provider {
  const secret = { header: headerName('okta', 'header', header) }
  return { ...oktaProvider, schemes: [{ name: 'okta-header', algorithm: 'static-secret', secret }] }
}
