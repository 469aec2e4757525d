import type { Logger } from './core/index.ts'

/** Warnings and errors to `console`: for an app that gives no log. */
export const consoleLog: Logger = {
  debug() {},
  info() {},
  warn: (message, fields) => console.warn(`postern: ${message}`, ...(fields ? [fields] : [])),
  error: (message, fields) => console.error(`postern: ${message}`, ...(fields ? [fields] : [])),
}
