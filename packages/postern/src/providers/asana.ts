import {
  answeringHandshakes,
  defineHmacSource,
  type KeepSecret,
  type Provider,
  type ReadKeptSecrets,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { optionsOf } from '../core/source-options.ts'
import { HOUR_MS } from './duration.ts'

/**
 * Asana's webhooks (developers.asana.com/docs/webhooks-guide). The key is the `X-Hook-Secret` that Asana sends once
 * when the webhook is made; each webhook has one of its own, and all of them may be given as `secret`. With `handshake`
 * it is sent back, as Asana wants, and handed over to be kept.
 *
 * A request holds several events and no id; the body's digest is one. An empty list is Asana's heartbeat.
 *
 * Asana waits 10 s, and tries again for up to 24 hours (developers.asana.com, "Webhooks").
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
  retryHorizonMs: 24 * HOUR_MS,
  senderTimeoutMs: 10_000,
  openHandshakes: [
    {
      name: 'asana-hook-secret',
      method: 'POST',
      when: [{ in: { header: 'x-hook-secret' } }],
      secret: { header: 'x-hook-secret' },
      reply: { headers: { 'x-hook-secret': { header: 'x-hook-secret' } } },
    },
  ],
}

/** As of every source, and whether it takes the secret that Asana sends when a webhook is made. Default: it takes none. */
export interface AsanaOptions extends SourceOptions {
  /**
   * Takes the secret of a new webhook: `keep` stores it, and the source verifies by it at once. Nothing signs it, so that
   * only a source without a secret takes one; with `keepMore` any does, which is safe only behind a URL that nobody else
   * knows. With several nodes `kept` reads what was kept, so that all of them verify by it. `true`: the gateway keeps it, in
   * development.
   */
  readonly handshake?:
    | boolean
    | { readonly keep: KeepSecret; readonly kept?: ReadKeptSecrets; readonly keepMore?: boolean }
}

/** A source for Asana: the secret is the `X-Hook-Secret` of the webhook. */
export function asana(given: AsanaOptions = {}): Source {
  const { handshake, ...options } = optionsOf(asanaProvider, given)
  return answeringHandshakes(defineHmacSource(asanaProvider, options), handshake)
}
