import type { HasRejectedLog, HasSmallState, Store } from '../../inbox/index.ts'

/** The store under test. Its effects are the harness's to make, so the suite need not know their type. */
export type ContractStore = Store<unknown> & HasRejectedLog & HasSmallState

/** What a kind of store gives each case to be tested by. A case has a harness of its own. */
export interface StoreHarness {
  /** Opens a new, empty store. Called once. */
  open(): Promise<ContractStore>
  /** Opens again what `open` opened, after the case has closed it. Called only by the clause `durable`. */
  reopen(): Promise<ContractStore>
  /** How long a case waits, by the wall clock, for what must come at once; default 5 s. */
  readonly patienceMs?: number
  /** Moves the store's clock forward. The clock may run by itself as well. */
  advance(ms: number): Promise<void> | void
  /** Lets time pass that the store's own thread can see; default: by the wall clock, and `advance` with it. */
  pass?(ms: number): Promise<void>
  /** An effect that leaves its name where `effectsSeen` finds it. */
  effect(name: string): unknown
  /** An effect that fails when it is run. */
  failingEffect(): unknown
  /** The names that are there for good, in the order written. Called while the store is open. */
  effectsSeen(): Promise<readonly string[]>
  /** Lets go of everything, whatever state the case has left it in. */
  dispose(): Promise<void>
}
