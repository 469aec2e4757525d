import type { Socket } from 'node:net'

export interface SilenceLimits {
  readonly silenceTimeoutMs: number
  /** From the first byte on Node has limits of its own, with a better answer than a closed socket. */
  readonly afterFirstByteMs: number
}

/**
 * Closes connections from which no request comes. A plain timer, not `socket.setTimeout`, which every byte winds up
 * again: a sender of one empty line every few seconds, which never starts a request, would hold its place for ever.
 */
export class SilentSockets {
  readonly #limits: SilenceLimits
  readonly #timers = new Map<Socket, NodeJS.Timeout>()

  constructor(limits: SilenceLimits) {
    this.#limits = limits
  }

  /** Starts to wait for a new connection's first request. */
  watch(socket: Socket): void {
    const close = (): void => void socket.destroy()
    const onSilence = (): void => {
      if (socket.bytesRead === 0) return close()
      this.#timers.set(socket, setTimeout(close, this.#limits.afterFirstByteMs))
    }
    this.#timers.set(socket, setTimeout(onSilence, this.#limits.silenceTimeoutMs))
    socket.once('close', () => this.forget(socket))
  }

  /** A request has come. */
  forget(socket: Socket): void {
    const timer = this.#timers.get(socket)
    if (timer === undefined) return
    clearTimeout(timer)
    this.#timers.delete(socket)
  }
}
