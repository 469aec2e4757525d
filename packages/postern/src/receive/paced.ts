const EVERY_MS = 1000

/**
 * Work that anybody can have done by sending requests: begun at most once a second, and never twice at a time, however often
 * it is asked for.
 */
export class Paced {
  readonly #work: () => Promise<boolean>
  /** Asked for, and not begun. */
  #next: Promise<boolean> | undefined
  #underWay: Promise<unknown> = Promise.resolve()
  #begunMs = -Infinity
  #isStopped = false
  #wake = (): void => {}

  /** @param work Never rejects; `false` where it could not be done. */
  constructor(work: () => Promise<boolean>) {
    this.#work = work
  }

  /** The outcome of the first work that begins after this call: at once, or when it is due. Never rejects. */
  ask(): Promise<boolean> {
    return (this.#next ??= this.#whenDue())
  }

  /** What was not begun never is, and counts as not done. */
  stop(): void {
    this.#isStopped = true
    this.#wake()
  }

  async #whenDue(): Promise<boolean> {
    await this.#underWay
    await this.#pause(this.#begunMs + EVERY_MS - performance.now())
    this.#next = undefined
    if (this.#isStopped) return false
    this.#begunMs = performance.now()
    const working = this.#work()
    this.#underWay = working
    return working
  }

  #pause(ms: number): Promise<void> {
    if (ms <= 0 || this.#isStopped) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
