/** When a failed delivery is tried again. Times in milliseconds. */
export interface RetrySchedule {
  /** Tries in all, the first included. */
  readonly attempts: number
  /** Upper bound of the first wait. */
  readonly baseMs: number
  /** By how much each wait's upper bound exceeds the one before. */
  readonly factor: number
  /** No wait is longer, whatever a handler asks for. */
  readonly capMs: number
  /** No try comes later than this after the first, as far as the schedule's own waits go. */
  readonly giveUpAfterMs?: number
}

/**
 * 15 attempts, their waits adding up to 3 days on average: upper bounds of 10 s, 30 s, 90 s, 4.5 min, 13.5 min,
 * 40.5 min, 2 h, 6 h, 18 h, then 24 h five times, of which full jitter takes half on average.
 */
export const DEFAULT_RETRY_SCHEDULE: RetrySchedule = {
  attempts: 15,
  baseMs: 10_000,
  factor: 3,
  capMs: 24 * 60 * 60 * 1000,
}

/** A schedule with what another says in its place; what is `undefined` there is as good as absent. */
export function scheduleWith(usual: RetrySchedule, own: Partial<RetrySchedule> = {}): RetrySchedule {
  const { attempts = usual.attempts, baseMs = usual.baseMs, factor = usual.factor, capMs = usual.capMs } = own
  const { giveUpAfterMs = usual.giveUpAfterMs } = own
  return { attempts, baseMs, factor, capMs, ...(giveUpAfterMs !== undefined && { giveUpAfterMs }) }
}

/** The same schedule without the tries that `giveUpAfterMs` leaves no time for. */
export function withinGiveUp(schedule: RetrySchedule): RetrySchedule {
  const { giveUpAfterMs = Infinity } = schedule
  let attempts = 1
  let waitedMs = longestWaitMs(schedule, attempts)
  while (attempts < schedule.attempts && waitedMs <= giveUpAfterMs) {
    attempts += 1
    waitedMs += longestWaitMs(schedule, attempts)
  }
  return { ...schedule, attempts }
}

/** The longest that it can be from the first try to the last. */
export function longestSpanMs(schedule: RetrySchedule): number {
  let spanMs = 0
  for (let attempt = 1; attempt < schedule.attempts; attempt += 1) spanMs += longestWaitMs(schedule, attempt)
  return Math.min(spanMs, schedule.giveUpAfterMs ?? Infinity)
}

/**
 * No wait is longer, whatever its schedule or a handler says: what comes from outside, such as a `Retry-After` of 30 digits, would
 * otherwise be an instant that an engine cannot keep, and could take others of its commit along.
 */
export const LONGEST_WAIT_MS: number = 365 * 24 * 60 * 60 * 1000

/** The longest that the wait after the given attempt (1, 2, …) can be. */
export function longestWaitMs({ capMs, baseMs, factor }: RetrySchedule, attempt: number): number {
  // After many attempts the power is infinite, and nothing times that is no number.
  if (baseMs === 0) return 0
  return Math.min(capMs, LONGEST_WAIT_MS, baseMs * factor ** (attempt - 1))
}

/**
 * The wait after a failed attempt; `undefined` when it was the last. Full jitter: anything between 0 and the bound is
 * equally likely, so that the deliveries of one outage do not come back together. A handler's own hint replaces the
 * draw, within the cap.
 *
 * @param random A number in [0, 1).
 */
export function retryWaitMs(
  schedule: RetrySchedule,
  attempt: number,
  random: () => number,
  hintMs?: number,
): number | undefined {
  if (attempt >= schedule.attempts) return undefined
  const askedMs = hintMs === undefined ? Number.NaN : Math.max(0, hintMs)
  // A date where a number was meant is no wait.
  if (!Number.isNaN(askedMs)) return Math.min(askedMs, schedule.capMs, LONGEST_WAIT_MS)
  return Math.floor(random() * longestWaitMs(schedule, attempt))
}
