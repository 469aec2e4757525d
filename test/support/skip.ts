import type { TestContext } from 'vitest'

/** Skips a test that cannot run here, and says why: the reporter shows only that it was skipped. */
export function skipVisibly(context: TestContext, reason: string): never {
  console.warn(`not run: ${context.task.name}: ${reason}`)
  return context.skip(reason)
}
