import { sameSecret } from './crypto.ts'
import type { Keyring } from './keyring.ts'
import type { OpenHandshake } from './provider.ts'
import type { Secret } from './source-options.ts'

/** Takes the secret that a sender will sign with from now on. Once it fulfils, the secret is in use; where it throws, the handshake is refused. */
export type KeepSecret = (secret: string) => void | Promise<void>

/** Reads every secret that was kept so far, whichever node has kept it; blank ones are none. */
export type ReadKeptSecrets = () => Secret | Promise<Secret>

/** Answers the handshakes of a provider that nothing signs. Each is of use only where the provider's data have a place for it. */
export interface HandshakeOptions {
  /** The token that was given to the provider, or several: a handshake has to show one. */
  readonly token?: Secret
  /** Who may ask; anybody where absent. */
  readonly origins?: readonly string[]
  /**
   * Keeps the secret that a handshake brings. Nobody signs it: whoever knows the URL could bring one, so that it is
   * called only while the source has no secret.
   */
  readonly keep?: KeepSecret
  /**
   * Reads what `keep` has kept, so that several nodes verify by what one of them was brought: asked behind a request that no
   * known secret verifies, which is answered without waiting for it, and before a first secret is taken; at most once a
   * second. What it answers is added to what the source has, and nothing is taken away. Where it throws, or takes longer than
   * 2.5 s, that is logged, and no first secret is taken. Of two nodes that are brought one in the same moment it is `keep`
   * that has to refuse the second, by throwing.
   */
  readonly kept?: ReadKeptSecrets
  /** Takes a secret from a handshake though there is one, as for a sender with a secret for each of its webhooks. Only behind a URL that nobody else knows. */
  readonly keepMore?: boolean
}

/** The handshakes that a source answers without a signature. */
export interface OpenHandshakes {
  readonly rules: readonly OpenHandshake[]
  /** Absent where none is asked for. The tokens themselves are nowhere else, so that a source may be logged. */
  readonly tokens?: Keyring
  readonly origins?: readonly string[]
  readonly keep?: KeepSecret
  readonly kept?: ReadKeptSecrets
  readonly keepMore: boolean
}

/** Whether a token is one of those given; all are compared, each in constant time. */
export function isToken(tokens: Keyring | undefined, sent: string): boolean {
  let isFound = false
  tokens?.forEach((token) => {
    if (sameSecret(token, Buffer.from(sent))) isFound = true
  })
  return isFound
}
