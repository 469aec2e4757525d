/**
 * One connection, from its opening to its end. It never connects again by itself and sends nothing twice: whoever holds it
 * opens another, and asks the server anew whether it is safe, since it may have been started with other settings.
 *
 * @module
 */
export interface Link {
  /** Sends one command, whose bulk replies come back as bytes. `key` says which node of a cluster it goes to. */
  command(key: string, args: readonly (string | Buffer)[]): Promise<unknown>
  /** Sends a command to every server that writes. */
  everywhere(args: readonly string[]): Promise<unknown[]>
  /** Listens on a channel. */
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>
  /** Calls once when the connection has ended, however it did. */
  onEnd(listener: () => void): void
  /** Ends it at once. */
  end(): void
}

/** How long a connection may take to be made. */
export const CONNECT_MS = 5000

/** The end of a connection, told once to each who asks, also who asks too late. */
export class Ending {
  readonly #listeners: (() => void)[] = []
  #hasEnded = false

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  end(): void {
    this.#hasEnded = true
    for (const listener of this.#listeners.splice(0)) listener()
  }

  onEnd(listener: () => void): void {
    if (this.#hasEnded) listener()
    else this.#listeners.push(listener)
  }
}
