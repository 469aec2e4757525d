import { isAuthentic, type Reason } from '../core/index.ts'

/** A request that was refused. */
export interface RejectedRequest {
  readonly source: string
  readonly reason: Reason
  readonly method: string
  readonly url: string
  readonly headers: readonly string[]
  /** The exact bytes; of what is not authentic, perhaps only the first of them. */
  readonly body: Uint8Array
  /** How long the body was as it came. */
  readonly bodyBytes: number
}

/**
 * The log of refused requests. A side port, so that the Store contract stays small.
 *
 * Bounded: of identical requests one is kept, and the oldest make room for the newest. What was authentic (stale, or with
 * a body that cannot be read) and what was not have bounds of their own, so that junk never evicts what is genuinely a
 * sender's, or may be.
 */
export interface RejectedLog {
  /** Keeps a request; fulfils once it is on stable storage. */
  record(request: RejectedRequest): Promise<void>
  /** A page of the kept requests, newest first. */
  list(query: RejectedQuery): Promise<RejectedPage>
}

/** Filters are joined by "and". */
export interface RejectedQuery {
  readonly source?: string
  readonly reason?: Reason
  /** Only what has a lower number: the `next` of the page before. */
  readonly before?: number
  /** 1 to 1,000. */
  readonly limit: number
}

/** At most `limit` requests and `REJECTED_PAGE_BYTES` of bodies, and where the next ones begin. */
export interface RejectedPage {
  readonly requests: readonly KeptRequest[]
  /** `before` of the next page; absent on the last. */
  readonly next: number | undefined
}

/**
 * How many bytes of bodies a page of the log holds at most, so that no look at it needs the memory of a thousand bodies of a
 * megabyte: a page ends before the request that would pass it, and has one request in any case.
 */
export const REJECTED_PAGE_BYTES: number = 8 * 1024 * 1024

/** A refused request as the log has it; of identical ones the first, which came at `receivedMs` (ms since the epoch). */
export interface KeptRequest extends RejectedRequest {
  /** Rises from one kept request to the next, perhaps with gaps. */
  readonly rejectedSeq: number
  readonly receivedMs: number
  /** How often the same bytes came for the same reason. */
  readonly copies: number
}

/**
 * The parts of the log, each with a bound of its own: what was authentic; what carries a signature that does not match, as
 * a sender's does after a secret was changed; and what carries none.
 */
export type RejectedBudget = 'authentic' | 'plausible' | 'junk'

/** How many requests each part of the log keeps. */
export const REJECTED_LOG_ROWS: Readonly<Record<RejectedBudget, number>> = {
  authentic: 1000,
  plausible: 1000,
  junk: 200,
}

/** The part of the log that a refusal belongs to. */
export function rejectedBudget(reason: Reason): RejectedBudget {
  if (isAuthentic(reason)) return 'authentic'
  return UNSIGNED.has(reason) ? 'junk' : 'plausible'
}

/** Reasons of requests that carry no signature which could be looked at. */
const UNSIGNED: ReadonlySet<Reason> = new Set([
  'body_too_large',
  'missing_header',
  'missing_secret',
  'duplicate_header',
  'duplicate_secret',
])

/** What `createPostern` takes as its store: the contract, and the side port beside it. */
export interface HasRejectedLog {
  readonly rejected: RejectedLog
}
