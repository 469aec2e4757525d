/**
 * Postern, a webhook inbox: verifies byte-exactly, records each event once and durably, answers, then runs the work.
 *
 * @module
 */
export * from './core/index.ts'
export { custom, type CustomOptions } from './providers/index.ts'
export * from './inbox/index.ts'
