export { Deadlines, type Deadline } from './deadlines.ts'
export { dedupeKey, DEDUPE_KEY_BYTES, type DedupeKind } from './dedupe-key.ts'
export { GroupCommit } from './group-commit.ts'
export { DELIVERY_STATES, isLegal, TRANSITIONS, type DeliveryState, type Transition } from './lifecycle.ts'
export type { Observer, Occurrence, RefusalReason } from './observe.ts'
export {
  REJECTED_LOG_ROWS,
  type HasRejectedLog,
  type KeptRequest,
  type RejectedLog,
  type RejectedRequest,
} from './rejected-log.ts'
export { DEFAULT_RETRY_SCHEDULE, longestWaitMs, retryWaitMs, type RetrySchedule } from './retry.ts'
export type * from './store.ts'
