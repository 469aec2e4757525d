import { KEY_WAIT_MS } from '../core/fetched-keys.ts'
import { Deadlines } from '../inbox/index.ts'

/** The tightest sender waits 3 s; at 2.5 s without a commit the answer is 503. */
export const ANSWER_WITHIN_MS = 2500

/** The most memory that requests take together which the store has been given and has not answered. */
const MOST_BYTES = 128 * 1024 * 1024
/** What a request takes beside its body: headers, event and promises. */
const BESIDE_BODY_BYTES = 2048

/**
 * What the store has been given and has not answered: how long senders wait for it, and how much of it there may be. A store
 * that hangs keeps what it was given after its sender had a 503, and each retry adds to it.
 */
export class Recordings {
  readonly #onFailure: (error: unknown) => void
  readonly #deadlines = new Deadlines(ANSWER_WITHIN_MS)
  /** What is left of that where a key was waited for. */
  readonly #laterDeadlines = new Deadlines(ANSWER_WITHIN_MS - KEY_WAIT_MS)
  #bytes = 0

  /** @param onFailure Told why something was not recorded in time. */
  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure
  }

  /** Whether the store has to answer something before it may be given more. */
  get isFull(): boolean {
    return this.#bytes >= MOST_BYTES
  }

  /**
   * What the store answers, or `undefined` once it failed or the sender will wait no longer. A late commit stays: the retry
   * is its duplicate.
   */
  withinDeadline<T>(
    work: Promise<T>,
    body: Uint8Array,
    waited: 'at_once' | 'for_a_key' = 'at_once',
  ): Promise<T | undefined> {
    const deadlines = waited === 'at_once' ? this.#deadlines : this.#laterDeadlines
    const bytes = body.byteLength + BESIDE_BODY_BYTES
    this.#bytes += bytes
    return new Promise((resolve) => {
      const deadline = deadlines.set(() => {
        resolve(undefined)
        this.#onFailure(new Error(`no commit within ${ANSWER_WITHIN_MS} ms`))
      })
      work.then(
        (value) => {
          this.#bytes -= bytes
          deadline.met()
          resolve(value)
        },
        (error: unknown) => {
          this.#bytes -= bytes
          deadline.met()
          resolve(undefined)
          this.#onFailure(error)
        },
      )
    })
  }
}
