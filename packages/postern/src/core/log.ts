/** Where messages go. A structural part of most loggers; `console` fits too. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** Values that came from outside are always fields, never part of the message: a line break in one must not forge a line. */
export type LogFields = Readonly<Record<string, unknown>>
