export {
  LeaseLostError,
  NonRetryableError,
  NotNowError,
  RetryAfterError,
  UNNAMED_DESTINATION,
  type AttemptContext,
  type EventsOf,
  type Handler,
  type HandlerContext,
  type HandlerOptions,
  type On,
  type Registration,
  type SettlingContext,
} from './handler.ts'
export { HandlerTable } from './handlers.ts'
export { registerHandler } from './register-handler.ts'
export type { DestinationLimits, Gate } from './limits.ts'
export { Housekeeping } from './housekeeping.ts'
export { replayEvent, type Replayed, type ReplayOptions } from './replay.ts'
export { Worker } from './worker.ts'
