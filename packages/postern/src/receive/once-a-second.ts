import type { LogFields, Logger } from '../core/index.ts'

/** Logs each message at most once a second: what anybody can send, or what every request meets, must not fill the log. */
export class OnceASecond {
  readonly #log: Logger
  /** When each message was last logged. */
  readonly #loggedMs = new Map<string, number>()

  constructor(log: Logger) {
    this.#log = log
  }

  say(level: 'info' | 'warn' | 'error', message: string, fields: LogFields): void {
    const nowMs = performance.now()
    if (nowMs - (this.#loggedMs.get(message) ?? -Infinity) < 1000) return
    this.#loggedMs.set(message, nowMs)
    this.#log[level](message, fields)
  }
}
