import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'

/**
 * X' account activity webhooks (docs.x.com): base64 after `sha256=`, by the app's consumer secret. A body has members
 * for each kind of activity, and neither id nor type; the body's digest is the id.
 */
export const xProvider: Provider = {
  name: 'x',
  title: 'X',
  documentation: 'https://docs.x.com/x-api/webhooks/introduction',
  evidence: {
    level: 'reported',
    reason: "a third party's example verifies; its documentation was not at hand",
  },
  schemes: [
    {
      name: 'x-signature',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-twitter-webhooks-signature' }], prefix: 'sha256=', encoding: 'base64' },
      content: ['body'],
    },
  ],
  envelopes: [{ name: 'x-activity', id: [], defaultType: 'account_activity' }],
}

/** A source for X: the secret is the app's consumer secret. */
export function x(options?: SourceOptions): Source {
  return defineHmacSource(xProvider, options)
}
