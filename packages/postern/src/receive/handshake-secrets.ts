import {
  hasSecret,
  type Logger,
  type Provider,
  type ReadKeptSecrets,
  type Reason,
  type Source,
} from '../core/index.ts'
import { withFurtherSecret } from '../core/further-secret.ts'
import { configuredSecrets } from '../core/keyring.ts'
import { OnceASecond } from './once-a-second.ts'
import { Paced } from './paced.ts'
import { valueWithin } from './value-within.ts'

/** As long as a sender would wait whose handshake waits for it. */
const READ_WITHIN_MS = 2500
/** Less than the 10 s that a sender waits of whom nothing is known. What is kept later counts all the same. */
const KEEP_WITHIN_MS = 9000

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
  /** Of the sources that say how, reads what other nodes have kept. */
  readonly #readings: ReadonlyMap<string, Paced>
  readonly #onceASecond: OnceASecond

  constructor(sources: ReadonlyMap<string, Source>, log: Logger) {
    this.#sources = sources
    this.#log = log
    this.#onceASecond = new OnceASecond(log)
    this.#readings = new Map(
      [...sources].flatMap(([name, { provider, handshake }]) => {
        const { kept } = handshake ?? {}
        return kept === undefined ? [] : [[name, new Paced(() => this.#read(name, provider, kept))]]
      }),
    )
  }

  /** A source with the secrets that were kept for it; `undefined` where none of the name is configured. */
  source(name: string): Source | undefined {
    return this.#withKept.get(name) ?? this.#sources.get(name)
  }

  /** Has what other nodes have kept read again; nobody waits for it. */
  lookAgain(name: string): void {
    void this.#readings.get(name)?.ask()
  }

  stop(): void {
    for (const reading of this.#readings.values()) reading.stop()
  }

  /** Has a secret kept, and verifies by it from then on; why not, where it does not. */
  async keep(name: string, source: Source, secret: string): Promise<Reason | undefined> {
    const { keep } = source.handshake ?? {}
    if (keep === undefined || this.#isKeeping.has(name) || !mayTake(source)) return this.#refuse(name)
    this.#isKeeping.add(name)
    const keeping = this.#keepNow(name, source, secret).finally(() => this.#isKeeping.delete(name))
    return valueWithin(keeping, KEEP_WITHIN_MS, 'no_secret')
  }

  async #keepNow(name: string, source: Source, secret: string): Promise<Reason | undefined> {
    const { keep, keepMore } = source.handshake ?? {}
    try {
      // It would not be the first where another node has one.
      if (keepMore !== true && (await this.#readings.get(name)?.ask()) === false) return 'no_secret'
      const current = this.source(name) ?? source
      if (!mayTake(current)) return this.#refuse(name)
      // Before it is kept, so that one that can never work never is.
      withFurtherSecret(current, secret)
      await keep?.(secret)
      this.#take(name, secret)
      this.#log.info('the secret of a handshake was kept', { source: name })
      return undefined
    } catch (error) {
      this.#log.warn('the secret of a handshake could not be kept', { source: name, error })
      return 'no_secret'
    }
  }

  #refuse(name: string): Reason {
    // Anybody can send these.
    this.#onceASecond.say('warn', 'a handshake brought a secret that is not to be kept', { source: name })
    return 'secret_mismatch'
  }

  /** Whether what was kept could be read; what of it can be used is used from then on. */
  async #read(name: string, provider: Provider, kept: ReadKeptSecrets): Promise<boolean> {
    try {
      const read = await valueWithin(Promise.resolve().then(kept), READ_WITHIN_MS, LATE)
      if (read === LATE) throw new Error(`no answer within ${READ_WITHIN_MS} ms`)
      for (const secret of configuredSecrets(provider, 'handshake kept', read))
        this.#takeIfSound(name, secret)
      return true
    } catch (error) {
      this.#log.warn('the secrets of handshakes that were kept could not be read', { source: name, error })
      return false
    }
  }

  #takeIfSound(name: string, secret: string): void {
    try {
      if (this.#take(name, secret))
        this.#log.info('a secret that was kept elsewhere counts now', { source: name })
    } catch (error) {
      this.#onceASecond.say('warn', 'a secret that was kept can never work', { source: name, error })
    }
  }

  /** Whether it is a new one. Throws for one that can never work. */
  #take(name: string, secret: string): boolean {
    const source = this.source(name)
    const withIt = source && withFurtherSecret(source, secret)
    if (withIt === undefined || withIt === source) return false
    this.#withKept.set(name, withIt)
    return true
  }
}

const LATE = Symbol('late')

function mayTake(source: Source): boolean {
  return !hasSecret(source) || source.handshake?.keepMore === true
}
