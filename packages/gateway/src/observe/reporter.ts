import type { Logger, Observer } from 'postern'

/** Tells the operator what happens: on a terminal, or as JSON lines. */
export interface Reporter {
  readonly log: Logger
  readonly observe: Observer
  /** Writes what is still held back. */
  flush(): Promise<void>
}
