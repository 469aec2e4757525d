import type { HandshakeAnswer, OpenHandshakeVerdict } from '../core/handshake.ts'
import type { Logger, Reason, Source } from '../core/index.ts'
import type { RefusalReason } from '../inbox/index.ts'
import { answerToHandshake, type Answer } from './answer.ts'
import { HandshakeSecrets } from './handshake-secrets.ts'
import { OnceASecond } from './once-a-second.ts'
import { valueWithin } from './value-within.ts'

const UNCONFIRMED =
  'a handshake wants an address to be visited, and the source has not been asked to: set its confirm option, or visit it by hand'

/** What is answered to requests that are no events, and what is done for it: a secret kept, an address visited. */
export class Handshakes {
  readonly #secrets: HandshakeSecrets
  readonly #log: Logger
  readonly #withinMs: number
  readonly #onceASecond: OnceASecond

  constructor(sources: ReadonlyMap<string, Source>, log: Logger, withinMs: number) {
    this.#secrets = new HandshakeSecrets(sources, log)
    this.#log = log
    this.#onceASecond = new OnceASecond(log)
    this.#withinMs = withinMs
  }

  /** A source with the secrets that were kept for it; `undefined` where none of the name is configured. */
  source(name: string): Source | undefined {
    return this.#secrets.source(name)
  }

  /** After a request that no secret of the source verifies. Costs it nothing: what has to be read is read behind it. */
  lookAgain(name: string): void {
    this.#secrets.lookAgain(name)
  }

  /** Reads nothing any more. */
  stop(): void {
    this.#secrets.stop()
  }

  /** The answer to a handshake that was verified, or why there is none. */
  async verified(name: string, source: Source, handshake: HandshakeAnswer): Promise<Answer | RefusalReason> {
    if (handshake.kind === 'visit' && source.confirm === undefined) {
      this.#log.warn(UNCONFIRMED, { source: name, handshake: handshake.name })
      return answerToHandshake(handshake)
    }
    if (handshake.kind === 'visit' && !(await this.#isConfirmed(name, source, handshake.url))) {
      return 'handler_failed'
    }
    // Anybody can send those that nothing signs.
    this.#onceASecond.say('info', 'a handshake was answered', { source: name, handshake: handshake.name })
    return answerToHandshake(handshake)
  }

  /** The answer to a handshake that nothing signs, or why there is none. */
  async open(
    name: string,
    source: Source,
    open: OpenHandshakeVerdict,
  ): Promise<Answer | Reason | RefusalReason> {
    if (!open.ok) return open.reason
    const reason = open.secret && (await this.#secrets.keep(name, source, open.secret))
    return reason || this.verified(name, source, open.answer)
  }

  /** Whether the source has confirmed it in time. A sender that is told to come again does: late is better than never. */
  #isConfirmed(name: string, source: Source, url: string): Promise<boolean> {
    const confirming = Promise.resolve(url)
      .then(source.confirm)
      .then(
        () => true,
        (error: unknown) => {
          this.#log.error('a handshake could not be confirmed', { source: name, error })
          return false
        },
      )
    return valueWithin(confirming, this.#withinMs, false)
  }
}
