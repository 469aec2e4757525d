import {
  answeringHandshakes,
  defineHmacSource,
  type Provider,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { optionsOf } from '../core/source-options.ts'
import { DAY_MS } from './duration.ts'

/**
 * X' account activity webhooks (docs.x.com): base64 after `sha256=`, by the app's consumer secret. A body has members
 * for each kind of activity, and neither id nor type; the body's digest is the id.
 *
 * Every hour X GETs the URL with a `crc_token`, which wants its HMAC by the same secret; it is answered with
 * `handshake: true`. Only a token that could be no body is signed: X signs both alike, so that an answer would otherwise
 * be a signature for whatever body anybody asks for.
 *
 * X waits 10 s. A replay job sends again what is up to five days old; another page of X says 24 hours (docs.x.com,
 * "Create Account Activity replay job" and "Quickstart").
 */
export const xProvider: Provider = {
  name: 'x',
  title: 'X',
  documentation: 'https://docs.x.com/x-api/webhooks/quickstart',
  evidence: {
    level: 'documented',
    reason: "its quickstart has both constructions, and a third party's example verifies",
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
  retryHorizonMs: 5 * DAY_MS,
  senderTimeoutMs: 10_000,
  openHandshakes: [
    {
      name: 'x-crc',
      method: 'GET',
      when: [{ in: { query: 'crc_token' } }],
      reply: {
        json: {
          response_token: { hmac: { query: 'crc_token' }, encoding: 'base64', prefix: 'sha256=' },
        },
      },
    },
  ],
}

/** As of every source, and whether X' hourly check is answered. Default: it is not. */
export interface XOptions extends SourceOptions {
  /** Answers the challenge-response check, which nothing signs. */
  readonly handshake?: boolean
}

/** A source for X: the secret is the app's consumer secret. */
export function x(given: XOptions = {}): Source {
  const { handshake, ...options } = optionsOf(xProvider, given)
  return answeringHandshakes(defineHmacSource(xProvider, options), handshake)
}
