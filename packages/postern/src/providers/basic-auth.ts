import {
  defineSourceBy,
  type Envelope,
  headerSecrets,
  type Provider,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { TEXTS } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'
import { atPaths, type BodyPaths } from './body-paths.ts'

const envelope: Envelope = { name: 'basic-auth-event', id: [{ json: ['id'] }], type: { json: ['type'] } }

/** Any sender that protects its requests by HTTP basic authentication (RFC 7617) and by nothing else. */
export const basicAuthProvider: Provider = {
  name: 'basic-auth',
  title: 'HTTP basic authentication',
  documentation: 'https://www.rfc-editor.org/rfc/rfc7617',
  evidence: { level: 'proven', reason: "the RFC's two examples verify" },
  schemes: [
    {
      name: 'basic-auth',
      algorithm: 'static-secret',
      secret: { header: 'authorization', authScheme: 'Basic', encoding: 'base64' },
    },
  ],
  envelopes: [envelope],
}

/** As of every source, and where its bodies have id and type. Default: `id` and `type`. */
export interface BasicAuthOptions extends SourceOptions, BodyPaths {}

/**
 * A source for a sender with HTTP basic authentication: the secret is `<user>:<password>`.
 *
 * `id` and `type` say where its bodies have them; default `id` and `type`. Without an id there, the digest of the body is
 * the id.
 */
export function basicAuth(given: BasicAuthOptions = {}): Source {
  const { id, type, ...options } = optionsOf(basicAuthProvider, given, { id: TEXTS, type: TEXTS })
  const paths = { ...(id !== undefined && { id }), ...(type !== undefined && { type }) }
  return defineSourceBy(
    [headerSecrets],
    { ...basicAuthProvider, envelopes: [atPaths(envelope, paths)] },
    options,
  )
}
