import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'

/**
 * Asana's webhooks (developers.asana.com/docs/webhooks-guide). The key is the `X-Hook-Secret` that Asana sends once
 * when the webhook is made; each webhook has one of its own, and all of them may be given as `secret`.
 *
 * A request holds several events and no id; the body's digest is one. An empty list is Asana's heartbeat.
 */
export const asanaProvider: Provider = {
  name: 'asana',
  title: 'Asana',
  documentation: 'https://developers.asana.com/docs/webhooks-guide',
  evidence: {
    level: 'documented',
    reason:
      'its documentation has the handshake and the construction; that the signature is hexadecimal is from memory',
  },
  schemes: [
    {
      name: 'asana-signature',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-hook-signature' }], encoding: 'hex' },
      content: ['body'],
    },
  ],
  envelopes: [{ name: 'asana-events', id: [], defaultType: 'events' }],
}

/** A source for Asana: the secret is the `X-Hook-Secret` of the webhook. */
export function asana(options?: SourceOptions): Source {
  return defineHmacSource(asanaProvider, options)
}
