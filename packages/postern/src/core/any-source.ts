import { certificates, type CertificatesOptions } from './certificate-method.ts'
import { defineFetchingSource } from './fetching-source.ts'
import { messageSignatures } from './message-signature-method.ts'
import type { Provider } from './provider.ts'
import type { KeyedSourceOptions } from './source-options.ts'
import { ALL_METHODS, type Source } from './source.ts'
import { bearerTokens, type Jose } from './token-method.ts'

/** Where keys that have to be fetched are from. */
export interface AnyKeys extends CertificatesOptions {
  /** The package `jose`; without it, providers that send tokens are refused. */
  readonly jose?: Jose
}

/**
 * As `defineSource`, for every scheme there is: keys that are fetched, tokens and message signatures among them. For what
 * serves a provider by its name; an app that serves one bundles less with that provider's own function.
 */
export function defineAnySource(
  provider: Provider,
  options: KeyedSourceOptions = {},
  { jose, ...keys }: AnyKeys = {},
): Source {
  const tokens = jose === undefined ? [] : [bearerTokens(jose, keys)]
  return defineFetchingSource(
    [...ALL_METHODS, messageSignatures, certificates(keys), ...tokens],
    provider,
    options,
  )
}
