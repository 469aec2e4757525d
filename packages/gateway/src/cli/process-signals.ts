/** The part of a process that signals need. */
export interface SignalProcess {
  on(signal: string, listener: (signal: string) => void): unknown
  off(signal: string, listener: (signal: string) => void): unknown
  /** Sends this very process a signal. */
  raise(signal: string): void
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/**
 * Keeps signals from the process's first moment on: one that comes while the program is still being loaded reaches the
 * command that is then started. Where no command wants them, they do what they always do.
 */
export class ProcessSignals {
  readonly #process: SignalProcess
  #held: string[] = []
  #isLoaded = false
  #listener: ((signal: string) => void) | undefined

  constructor(process: SignalProcess) {
    this.#process = process
    for (const signal of SIGNALS) process.on(signal, this.#onSignal)
  }

  /** Hands signals to a listener, those held until now first; answers how to stop that. */
  readonly subscribe = (listener: (signal: string) => void): (() => void) => {
    this.#listener = listener
    const held = this.#held
    this.#held = []
    // Not before the subscriber has what this call answers.
    queueMicrotask(() => held.forEach(listener))
    return () => {
      this.#listener = undefined
    }
  }

  /** The command runs: from now on it has subscribed or does without. */
  loaded(): void {
    this.#isLoaded = true
    if (this.#listener === undefined) this.#held.forEach((signal) => this.#raise(signal))
  }

  readonly #onSignal = (signal: string): void => {
    if (this.#listener !== undefined) this.#listener(signal)
    else if (this.#isLoaded) this.#raise(signal)
    else this.#held.push(signal)
  }

  #raise(signal: string): void {
    for (const each of SIGNALS) this.#process.off(each, this.#onSignal)
    this.#process.raise(signal)
  }
}
