import { vi } from 'vitest'

/** Far longer than anything takes, since `vi.waitFor` gives up after 1 s, and a machine that is busy stands still for that long. */
const TIMEOUT_MS = 20_000

/** Fulfils once `check` passes; rejects with what it last threw. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: TIMEOUT_MS, interval: 10 })
}
