/** A claim's wait for work: begun before it looks, so that what comes while it looks is not missed. */
export interface NextWork {
  /** Fulfils at the first wake-up or end since it was begun, at the latest after so long. */
  within(ms: number): Promise<void>
  /** Lets go of everything. Called however the look ends. */
  forget(): void
}

/**
 * Begins a wait.
 *
 * @param onWork Calls what it is given when there may be work; answers how to stop that.
 * @param ends Whatever ends the wait: the claim's own signal, the store's closing.
 */
export function nextWork(
  onWork: (wake: () => void) => () => void,
  ends: readonly (AbortSignal | undefined)[],
): NextWork {
  let wake: () => void = () => {}
  const woken = new Promise<void>((resolve) => (wake = resolve))
  const forget = onWork(wake)
  for (const signal of ends) signal?.addEventListener('abort', wake)
  let timer: NodeJS.Timeout | undefined
  return {
    within: async (ms) => {
      timer = setTimeout(wake, ms)
      await woken
    },
    forget: () => {
      clearTimeout(timer)
      forget()
      for (const signal of ends) signal?.removeEventListener('abort', wake)
    },
  }
}
