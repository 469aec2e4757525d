import type { Pause } from './api-client.ts'

/** Stands in for the world of vendors in tests. No flag or variable sets it, so that a key never goes elsewhere. */
export interface VendorWorld {
  /** In place of each real origin. */
  readonly originOf: (origin: string) => string
  readonly pause?: Pause
  /** How long a test that a vendor says it sent is waited for. */
  readonly arrivesWithinMs?: number
}
