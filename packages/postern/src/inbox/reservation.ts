import type { Claimed, PutLease } from './store.ts'

/** A place to run a delivery at, kept until the put of its event has answered. */
export interface Reservation {
  /** What the put is to ask for. */
  readonly lease: PutLease
  /** Runs what was leased; the place goes with it. */
  readonly begin: (claimed: Claimed) => void
  /** Nothing was leased: the place is free again. */
  readonly release: () => void
}
