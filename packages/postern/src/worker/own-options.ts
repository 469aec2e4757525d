import { Deadlines, withinGiveUp } from '../inbox/index.ts'
import type { AttemptOptions } from './attempt.ts'
import type { DestinationLimits } from './limits.ts'

/** What attempts at destinations with limits of their own are made by. */
export function ownOptions<Effect, Tx>(
  settings: AttemptOptions<Effect, Tx>,
  limits: ReadonlyMap<string, DestinationLimits> = new Map(),
): ReadonlyMap<string, AttemptOptions<Effect, Tx>> {
  const own = new Map<string, AttemptOptions<Effect, Tx>>()
  for (const [destination, { timeoutMs, retry }] of limits) {
    if (timeoutMs === undefined && retry === undefined) continue
    own.set(destination, {
      ...settings,
      schedule: withinGiveUp({ ...settings.schedule, ...retry }),
      ...(timeoutMs !== undefined && { handlerTimeoutMs: timeoutMs, deadlines: new Deadlines(timeoutMs) }),
    })
  }
  return own
}
