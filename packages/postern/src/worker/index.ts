export {
  NonRetryableError,
  RetryAfterError,
  UNNAMED_DESTINATION,
  type EventsOf,
  type Handler,
  type HandlerContext,
  type HandlerOptions,
  type On,
  type Registration,
} from './handler.ts'
export { HandlerTable, registerHandler } from './handlers.ts'
export { Housekeeping } from './housekeeping.ts'
export { Worker } from './worker.ts'
