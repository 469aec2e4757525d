import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'

/**
 * What a Convoy project sends with its simple signature: HMAC-SHA512 over the body, in hexadecimal or base64 as the
 * project is set. The body is the application's own.
 */
export const convoyProvider: Provider = {
  name: 'convoy',
  title: 'Convoy',
  documentation: 'https://www.getconvoy.io/docs',
  evidence: { level: 'proven', reason: "the test vectors of Convoy's own repository verify" },
  schemes: [
    {
      name: 'convoy-hex',
      algorithm: 'hmac-sha512',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-convoy-signature' }], encoding: 'hex' },
      content: ['body'],
    },
    {
      name: 'convoy-base64',
      algorithm: 'hmac-sha512',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-convoy-signature' }], encoding: 'base64' },
      content: ['body'],
    },
  ],
  envelopes: [
    { name: 'convoy-event', id: [], type: { json: ['event_type'] } },
    { name: 'convoy-body', id: [], type: { json: ['type'] } },
  ],
  undocumented: ['where the body has an id and a type, which is up to whoever sends through it'],
}

/** A source for Convoy: the secret is the endpoint's secret. */
export function convoy(options?: SourceOptions): Source {
  return defineHmacSource(convoyProvider, options)
}
