import { test, type TestContext } from 'vitest'

/**
 * A test that holds a promise about time against the clock. A machine that does other things as well may stand still for a
 * second; that it does so three times in a row is our own fault.
 */
export function timedTest(
  name: string,
  run: (context: TestContext) => Promise<void>,
  timeoutMs = 30_000,
): void {
  test(name, { retry: 2, timeout: timeoutMs }, run)
}
