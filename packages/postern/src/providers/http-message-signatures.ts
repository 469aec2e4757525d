import {
  type KeyFormat,
  type MessageAlgorithm,
  type MessageSignatureScheme,
  type Provider,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { oneOf, type Kind } from '../core/option-kinds.ts'
import {
  isComponent,
  isOrigin,
  isPrintable,
  soundMessageSignatures,
} from '../core/message-signature-method.ts'
import { ALGORITHMS } from '../core/message-keys.ts'
import { optionsOf } from '../core/source-options.ts'
import { defineSoundSource } from '../core/source.ts'

const name = 'http-message-signatures'
const title = 'HTTP Message Signatures'

const scheme: MessageSignatureScheme = {
  name: 'rfc9421',
  algorithm: 'http-message-signature',
  signedWith: 'hmac-sha256',
  key: { as: 'base64' },
  components: ['@method', '@authority', '@path', 'content-digest'],
  timestamp: { toleranceSeconds: 300 },
}

const envelopes: Provider['envelopes'] = [
  {
    name: 'json-event',
    id: [{ json: ['id'] }],
    type: { json: ['type'] },
    created: { in: { json: ['timestamp'] }, unit: 'rfc3339' },
  },
]

const KINDS: Readonly<Record<string, Kind>> = {
  algorithm: oneOf(...ALGORITHMS),
  keyFormat: oneOf('utf8', 'hex', 'base64'),
  components: [
    (value) => Array.isArray(value) && value.every(isComponent),
    'a list of components, such as @method',
  ],
  tag: [isPrintable, 'printable ASCII'],
  origin: [isOrigin, 'like https://example.com'],
}

const HOST_WARNING =
  'the signed host is the one that a request names: what its key signed for another host is accepted; set the origin that the sender knows'

/**
 * HTTP Message Signatures (RFC 9421). A sender chooses what it signs: accepted is only what covers method, host, path and the
 * digest of the body (RFC 9530), which is compared with the body. Nothing is standard about events: id and type stand where
 * many senders have them.
 */
export const httpMessageSignaturesProvider: Provider = {
  name,
  title,
  documentation: 'https://www.rfc-editor.org/rfc/rfc9421',
  evidence: { level: 'proven', reason: 'the examples of RFC 9421, appendix B.2, verify' },
  schemes: [scheme],
  warnings: [HOST_WARNING],
  envelopes,
}

/**
 * As of every source, and what the key is, and what a signature by it must cover. A signature that covers less is refused
 * as `not_covered`.
 */
export interface HttpMessageSignaturesOptions extends SourceOptions {
  /**
   * What the key is for, default `hmac-sha256`; the request's own word for it is only compared. The secret is the shared
   * key, or the sender's public key.
   */
  readonly algorithm?: MessageAlgorithm
  /**
   * How the secret is written. Default base64 for a shared key and the 32 bytes of Ed25519, and PEM (`utf8`) for others.
   */
  readonly keyFormat?: KeyFormat['as']
  /** What a signature must cover. Default method, authority, path and content digest. */
  readonly components?: readonly string[]
  /** The tag that signatures for this receiver have. */
  readonly tag?: string
  /** Scheme and host as the sender knows them, such as `https://hooks.example.com`; else they are the request's own. */
  readonly origin?: string
}

/** A source for signatures by RFC 9421. */
export function httpMessageSignatures(given: HttpMessageSignaturesOptions = {}): Source {
  const {
    algorithm = 'hmac-sha256',
    keyFormat = /^(?:hmac|ed25519)/.test(algorithm) ? 'base64' : 'utf8',
    components = scheme.components,
    tag,
    origin,
    ...options
  } = optionsOf({ name }, given, KINDS)
  const own: MessageSignatureScheme = {
    ...scheme,
    signedWith: algorithm,
    key: { as: keyFormat },
    components,
    tag,
    origin,
  }
  // What the catalogue says for people reaches no bundle.
  const provider: Provider = {
    name,
    title,
    schemes: [own],
    envelopes,
    warnings: origin === undefined ? [HOST_WARNING] : [],
  }
  // The rest of it is sound, as the catalogue is.
  return defineSoundSource([soundMessageSignatures], provider, options)
}
