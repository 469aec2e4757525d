/** What bounds the attempts of one destination on this node. Instants are of a monotonic clock, in milliseconds. */
export interface Limit {
  /** How many attempts may begin now; `Infinity` where it sets no bound. */
  places(nowMs: number): number
  /** When there may be more without an attempt having ended; `undefined` where time alone changes nothing. */
  opensAtMs(nowMs: number): number | undefined
  /** An attempt begins; what is answered is called once, when it has ended. */
  begin(nowMs: number): EndAttempt
}

export type EndAttempt = (end: AttemptEnd, nowMs: number) => void

/** What an attempt has shown of its target. */
export interface AttemptEnd {
  /** `unknown`: it was broken off from our side. */
  readonly target: 'well' | 'ill' | 'unknown'
  /** The target asked to be left alone for so long. */
  readonly restMs?: number | undefined
}
