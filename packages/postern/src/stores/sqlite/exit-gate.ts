/**
 * Keeps a process that exits in the middle of a commit from tearing the engine's thread down inside SQLite: the native
 * addon answers that with an abort, and the process would end with a core dump in place of its exit code.
 */
export class ExitGate {
  readonly #flags: Int32Array<SharedArrayBuffer>

  /** @param buffer 8 bytes that both threads share; of the other side's gate, where that made them. */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.#flags = new Int32Array(buffer)
  }

  get buffer(): SharedArrayBuffer {
    return this.#flags.buffer
  }

  /** In the engine's thread: whether work may begin. Ended by `leave`. */
  enter(): boolean {
    Atomics.store(this.#flags, BUSY, 1)
    if (Atomics.load(this.#flags, CLOSED) === 0) return true
    this.leave()
    return false
  }

  leave(): void {
    Atomics.store(this.#flags, BUSY, 0)
    Atomics.notify(this.#flags, BUSY)
  }

  /** In the main thread, as the process exits: lets nothing begin, and waits for what has. */
  close(): void {
    Atomics.store(this.#flags, CLOSED, 1)
    Atomics.wait(this.#flags, BUSY, 1, LONGEST_WAIT_MS)
  }
}

const BUSY = 0
const CLOSED = 1
/** A commit on a disk that has stalled is not waited for. */
const LONGEST_WAIT_MS = 2000
