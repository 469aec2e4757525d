import type { VendorWorld } from '../vendors/vendor-world.ts'

/** Text goes here. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
}

/** Everything that a command has of the process, so that tests can give it another one. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly stdin: AsyncIterable<Uint8Array>
  readonly stdout: Output
  readonly stderr: Output
  /** Wall clock. */
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
  readonly version: string
  /** Of Node, such as `20.19.0`. */
  readonly nodeVersion: string
  /** Calls back at every SIGTERM and SIGINT; answers how to stop that. */
  readonly onSignal: (listener: (signal: string) => void) => () => void
  /** Calls back at every SIGHUP; answers how to stop that. Until somebody asks, that signal does what it always does. */
  readonly onReload?: (listener: () => void) => () => void
  /** Calls back with what nobody caught; answers how to stop that. */
  readonly onFatal: (listener: (error: unknown) => void) => () => void
  /** Ends the process at once. */
  readonly exit: (code: number) => void
  /** In place of the vendors' own APIs; only tests have one. */
  readonly vendors?: VendorWorld
}
