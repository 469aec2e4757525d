export { asStored } from './as-stored.ts'
export { Deadlines, type Deadline } from './deadlines.ts'
export {
  dedupeKey,
  DEDUPE_KEY_BYTES,
  fingerprintOf,
  fingerprintTextOf,
  type DedupeKind,
  type DedupeRecord,
  type Fingerprint,
  type FingerprintText,
} from './dedupe-key.ts'
export { effectBounds } from './effect-bounds.ts'
export { fromNullableText, fromText, isPlainText, toOptionalText, toText } from './exact-text.ts'
export { GroupCommit } from './group-commit.ts'
export { DURATION_BOUNDS_MS, HistogramCounter, SIZE_BOUNDS, type Histogram } from './histogram.ts'
export { DELIVERY_STATES, isLegal, TRANSITIONS, type DeliveryState, type Transition } from './lifecycle.ts'
export {
  MetricsCounter,
  type AcceptedCount,
  type AttemptCount,
  type OccurrenceMetrics,
  type RejectedCount,
} from './metrics.ts'
export { nextWork, type NextWork } from './next-work.ts'
export type { Observer, Occurrence, RefusalReason } from './observe.ts'
export {
  REJECTED_LOG_ROWS,
  REJECTED_PAGE_BYTES,
  rejectedBudget,
  type HasRejectedLog,
  type KeptRequest,
  type RejectedBudget,
  type RejectedLog,
  type RejectedPage,
  type RejectedQuery,
  type RejectedRequest,
} from './rejected-log.ts'
export {
  DEFAULT_RETRY_SCHEDULE,
  LONGEST_WAIT_MS,
  longestSpanMs,
  longestWaitMs,
  retryWaitMs,
  scheduleWith,
  withinGiveUp,
  type RetrySchedule,
} from './retry.ts'
export { readSecretUse, type SecretUse } from './secret-use.ts'
export type { HasSmallState, SmallState, StateEntry } from './small-state.ts'
export type { Reservation } from './reservation.ts'
export { SteadyClock } from './steady-clock.ts'
export { settleSound } from './settle-sound.ts'
export { toError } from './to-error.ts'
export type { SettlesIn } from './settles-in.ts'
export type * from './store.ts'
