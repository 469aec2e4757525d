import type { Logger } from './core/index.ts'
import type { MetricsCounter, Observer } from './inbox/index.ts'

/** Counts, and tells the user's observer; what that throws is logged and changes nothing. */
export function observing(counter: MetricsCounter, observe: Observer | undefined, log: Logger): Observer {
  return (occurrence) => {
    counter.observe(occurrence)
    try {
      observe?.(occurrence)
    } catch (error) {
      log.error('the observer threw', { kind: occurrence.kind, error })
    }
  }
}
