import { Deadlines, scheduleWith, withinGiveUp, type Claimed } from '../inbox/index.ts'
import type { AttemptOptions } from './attempt.ts'
import type { DestinationLimits } from './limits.ts'

const DEADLINE_STEP_MS = 250

/** What attempts are made by, at each destination. */
export class DestinationOptions<Effect, Tx> {
  readonly #usual: AttemptOptions<Effect, Tx>
  readonly #own = new Map<string, AttemptOptions<Effect, Tx>>()
  /** By their length, for attempts whose request leaves them less time than usual. */
  readonly #deadlines = new Map<number, Deadlines>()

  /** @param limits Of destinations that have some of their own. */
  constructor(usual: AttemptOptions<Effect, Tx>, limits: ReadonlyMap<string, DestinationLimits> = new Map()) {
    // Cut only here: what a destination has of its own begins from the whole schedule.
    this.#usual = { ...usual, schedule: withinGiveUp(usual.schedule) }
    for (const [destination, { timeoutMs, retry }] of limits) {
      if (timeoutMs === undefined && retry === undefined) continue
      this.#own.set(destination, {
        ...usual,
        schedule: withinGiveUp(scheduleWith(usual.schedule, retry)),
        ...(timeoutMs !== undefined && { handlerTimeoutMs: timeoutMs, deadlines: new Deadlines(timeoutMs) }),
      })
    }
  }

  of(destination: string): AttemptOptions<Effect, Tx> {
    return this.#own.get(destination) ?? this.#usual
  }

  /** Those of a destination, for at most `withinMs`. */
  within(destination: string, withinMs: number): AttemptOptions<Effect, Tx> {
    const options = this.of(destination)
    const handlerTimeoutMs = Math.min(options.handlerTimeoutMs, withinMs)
    return { ...options, handlerTimeoutMs, deadlines: this.#deadlinesOf(handlerTimeoutMs) }
  }

  /** How long a lease on any of these is worth keeping: as long as the slowest handler may take. */
  keepMs(destinations: readonly { readonly name: string }[]): number {
    return Math.max(...destinations.map(({ name }) => this.of(name).handlerTimeoutMs))
  }

  /** Whether this is a try after the last one, which a crash kept from its end. */
  hasOutlived({ destination, attempt }: Claimed): boolean {
    return attempt > this.of(destination).schedule.attempts
  }

  #deadlinesOf(timeoutMs: number): Deadlines {
    // In steps, so that requests share timers.
    const afterMs = Math.floor(timeoutMs / DEADLINE_STEP_MS) * DEADLINE_STEP_MS
    const deadlines = this.#deadlines.get(afterMs) ?? new Deadlines(afterMs)
    this.#deadlines.set(afterMs, deadlines)
    return deadlines
  }
}
