import type { HasRejectedLog, HasSmallState, Logger, Store } from 'postern'

/** A store of any kind, whatever effects it can take. */
export type GatewayStore = Store & HasRejectedLog & HasSmallState

export interface OpenerOptions {
  readonly mayLoseAcknowledgedEvents: boolean
  /** Told of a connection that breaks and of one that is back. */
  readonly log: Logger
}

/** A store with what was opened for it. */
export interface OpenedStore {
  readonly store: GatewayStore
  /** The schema that can be read as it is, where reading an older one would bring it up to date. */
  readonly readableVersion?: number
  /** Lets go of the connections, after the store is closed. Never rejects. */
  release(): Promise<void>
}

/** What to say where a store's clock is not this machine's, and how bad that is. */
export interface ClockAdvice {
  readonly advice: string
  readonly worst: 'warn' | 'fail'
}

/** How one kind of store is opened. Its client is loaded only then. */
export interface StoreOpener {
  /** Whether there is something to look at yet; a file may still have to be made. */
  isThere(address: string): boolean
  /** Who else on this machine can get at the events; nothing that keeps the store from being used. */
  exposures(address: string): readonly string[]
  /** Rejects with what the server or its client said. */
  open(address: string, options: OpenerOptions): Promise<OpenedStore>
  readonly clock: ClockAdvice
  /** What the operator runs to mend a setting. */
  howToSet(name: string, value: string): string
}

/** How long a connection may take to be made. */
export const CONNECT_TIMEOUT_MS = 5000

/**
 * How long an answer may take before its connection is given up: of a server that is gone without a word the system
 * finds out after a quarter of an hour, and until then every new connection would do.
 */
export const SILENCE_TIMEOUT_MS = 10_000

/** Of a server, which has a clock of its own. */
export const SERVER_CLOCK: ClockAdvice = {
  advice: 'set both by NTP (timedatectl set-ntp true); senders’ signatures are held against this one',
  worst: 'fail',
}
