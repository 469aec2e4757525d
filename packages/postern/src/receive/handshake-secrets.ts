import { hasSecret, type Logger, type Reason, type Source } from '../core/index.ts'
import { withFurtherSecret } from '../core/further-secret.ts'
import { OnceASecond } from './once-a-second.ts'

/**
 * The secrets that handshakes bring, and the sources that verify by them. Nobody has signed such a handshake: a source
 * takes its first secret so, and further ones only where its options say so.
 */
export class HandshakeSecrets {
  readonly #sources: ReadonlyMap<string, Source>
  readonly #log: Logger
  readonly #withKept = new Map<string, Source>()
  /** Sources whose secret is just being kept: of two that come at once only one is the first. */
  readonly #isKeeping = new Set<string>()
  readonly #onceASecond: OnceASecond

  constructor(sources: ReadonlyMap<string, Source>, log: Logger) {
    this.#sources = sources
    this.#log = log
    this.#onceASecond = new OnceASecond(log)
  }

  /** A source with the secrets that were kept for it; `undefined` where none of the name is configured. */
  source(name: string): Source | undefined {
    return this.#withKept.get(name) ?? this.#sources.get(name)
  }

  /** Has a secret kept, and verifies by it from then on; why not, where it does not. */
  async keep(name: string, source: Source, secret: string): Promise<Reason | undefined> {
    const { keep, keepMore } = source.handshake ?? {}
    if (keep === undefined || this.#isKeeping.has(name) || (hasSecret(source) && keepMore !== true)) {
      // Anybody can send these.
      this.#onceASecond.say('warn', 'a handshake brought a secret that is not to be kept', { source: name })
      return 'secret_mismatch'
    }
    this.#isKeeping.add(name)
    try {
      // Before it is kept, so that one that can never work never is.
      const withIt = withFurtherSecret(source, secret)
      await keep(secret)
      this.#withKept.set(name, withIt)
      this.#log.info('the secret of a handshake was kept', { source: name })
      return undefined
    } catch (error) {
      this.#log.warn('the secret of a handshake could not be kept', { source: name, error })
      return 'no_secret'
    } finally {
      this.#isKeeping.delete(name)
    }
  }
}
