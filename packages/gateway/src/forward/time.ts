/** The clocks and the timer that forwarding goes by; an argument, so that tests set them. */
export interface Time {
  /** Milliseconds since the epoch: what is signed. */
  wallMs(): number
  /** Never set back: what is measured. */
  monotonicMs(): number
  /** Runs something once, later; the answer takes it back. */
  after(ms: number, run: () => void): () => void
}

export const systemTime: Time = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (ms, run) => {
    // What is waited for keeps the process alive, not the watch over it.
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}
