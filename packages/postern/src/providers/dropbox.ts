import {
  answeringHandshakes,
  defineHmacSource,
  type Provider,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { optionsOf } from '../core/source-options.ts'
import { MINUTE_MS } from './duration.ts'

/**
 * Dropbox' webhooks (dropbox.com/developers/reference/webhooks): which accounts have changed, and nothing else. Every
 * change of one account is told of in the same bytes, so that each arrival is an event of its own: the handler asks the
 * API what is new, which it may do once too often.
 *
 * Before it sends anything Dropbox GETs the URL with a `challenge`; it is answered with `handshake: true`. What fails is
 * tried again for some ten minutes.
 */
export const dropboxProvider: Provider = {
  name: 'dropbox',
  title: 'Dropbox',
  documentation: 'https://www.dropbox.com/developers/reference/webhooks',
  evidence: {
    level: 'documented',
    reason: 'its documentation has the construction; no example is published',
  },
  schemes: [
    {
      name: 'dropbox-signature',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-dropbox-signature' }], encoding: 'hex' },
      content: ['body'],
    },
  ],
  envelopes: [{ name: 'dropbox-notification', id: [], defaultType: 'changed' }],
  everyArrival: true,
  openHandshakes: [
    {
      name: 'dropbox-challenge',
      method: 'GET',
      when: [{ in: { query: 'challenge' } }],
      reply: { text: { query: 'challenge' } },
    },
  ],
  retryHorizonMs: 10 * MINUTE_MS,
  senderTimeoutMs: 10_000,
  warnings: [
    'every request is an event of its own, a copy too, and none has a time: whoever has seen one can send it again, which runs the handler again',
  ],
}

/** As of every source, and whether Dropbox's challenge is answered. Default: it is not. */
export interface DropboxOptions extends SourceOptions {
  /** Answers the challenge by which Dropbox tries the URL. Nothing signs it: whatever is asked is sent back as plain text. */
  readonly handshake?: boolean
}

/** A source for Dropbox: the secret is the app's secret. */
export function dropbox(given: DropboxOptions = {}): Source {
  const { handshake, ...options } = optionsOf(dropboxProvider, given)
  return answeringHandshakes(defineHmacSource(dropboxProvider, options), handshake)
}
