import {
  defineSourceBy,
  headerSecrets,
  type Provider,
  type Source,
  type SourceOptions,
} from '../core/index.ts'

/**
 * Okta's event hooks (developer.okta.com/docs/concepts/event-hooks): a value of your own in a header of your own, and
 * nothing signed. Okta waits 3 s.
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
  senderTimeoutMs: 3000,
}

export interface OktaOptions extends SourceOptions {
  /** The header that is named in Okta's authentication field. Default `Authorization`. */
  readonly header?: string
}

/** A source for Okta's event hooks: the secret is the value of the authentication field. */
export function okta({ header, ...options }: OktaOptions = {}): Source {
  return defineSourceBy([headerSecrets], header === undefined ? oktaProvider : inHeader(header), options)
}

function inHeader(header: string): Provider {
  const secret = { header: header.toLowerCase() }
  return { ...oktaProvider, schemes: [{ name: 'okta-header', algorithm: 'static-secret', secret }] }
}
