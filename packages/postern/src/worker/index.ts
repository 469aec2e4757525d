export {
  NonRetryableError,
  RetryAfterError,
  UNNAMED_DESTINATION,
  type DataOf,
  type EventsOf,
  type Handler,
  type HandlerContext,
  type HandlerOptions,
  type On,
  type Registration,
} from './handler.ts'
export { HandlerTable, registerHandler } from './handlers.ts'
export { Worker, type WorkerSettings } from './worker.ts'
