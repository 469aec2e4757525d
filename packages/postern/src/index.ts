/**
 * Postern, a webhook inbox: verifies byte-exactly, records each event once and durably, answers, then runs the work.
 *
 * @module
 */
export * from './core/index.ts'
export * from './inbox/index.ts'
export {
  createPostern,
  type Metrics,
  type Postern,
  type PosternOptions,
  type WorkerOptions,
} from './postern.ts'
export type { Sources } from './sources.ts'
export type { Mount, Recorded, Recording } from './receive/index.ts'
export { custom, type CustomOptions } from './providers/index.ts'
export {
  LeaseLostError,
  NonRetryableError,
  NotNowError,
  RetryAfterError,
  type AttemptContext,
  type EventsOf,
  type Handler,
  type HandlerContext,
  type HandlerOptions,
  type DestinationLimits,
  type Gate,
  type On,
  type Registration,
  type Replayed,
  type ReplayOptions,
  type SettlingContext,
} from './worker/index.ts'
