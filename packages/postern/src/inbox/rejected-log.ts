import type { Reason } from '../core/index.ts'

/** A request that was refused, kept whole. */
export interface RejectedRequest {
  readonly source: string
  readonly reason: Reason
  readonly method: string
  readonly url: string
  readonly headers: readonly string[]
  readonly body: Uint8Array
}

/**
 * The log of refused requests that were authentic: stale, or with a body that cannot be read. A side port, so that the
 * Store contract stays small.
 *
 * Bounded: of identical requests one is kept, and the oldest make room for the newest.
 */
export interface RejectedLog {
  /** Keeps a request; fulfils once it is on stable storage. */
  record(request: RejectedRequest): Promise<void>
  /** The kept requests, newest first, at most `limit`. */
  recent(limit: number): Promise<readonly KeptRequest[]>
}

export interface KeptRequest extends RejectedRequest {
  readonly receivedMs: number
  /** How often the same bytes came for the same reason. */
  readonly copies: number
}

/** How many requests the log keeps. */
export const REJECTED_LOG_ROWS = 1000

/** What `createPostern` takes as its store: the contract, and the side port beside it. */
export interface HasRejectedLog {
  readonly rejected: RejectedLog
}
