import { sha256 } from '../../core/index.ts'
import {
  REJECTED_LOG_ROWS,
  REJECTED_PAGE_BYTES,
  rejectedBudget,
  type KeptRequest,
  type RejectedBudget,
  type RejectedPage,
  type RejectedQuery,
  type RejectedRequest,
} from '../../inbox/index.ts'

/** The kept requests: of identical ones the first, and never more of either kind than the log's bound. */
export class RejectedRequests {
  /** Oldest first, which is how a Map keeps them. */
  readonly #kept: Readonly<Record<RejectedBudget, Map<string, KeptRequest>>> = {
    authentic: new Map(),
    plausible: new Map(),
    junk: new Map(),
  }
  #lastSeq = 0

  record(request: RejectedRequest, receivedMs: number): void {
    const budget = rejectedBudget(request.reason)
    const kept = this.#kept[budget]
    const key = JSON.stringify([request.source, request.reason, sha256(request.body).toString('hex')])
    const known = kept.get(key)
    const row = known ?? copyOf(request, ++this.#lastSeq, receivedMs)
    kept.set(key, { ...row, copies: row.copies + 1 })
    if (kept.size > REJECTED_LOG_ROWS[budget]) dropOldest(kept)
  }

  list({ source, reason, before = Infinity, limit }: RejectedQuery): RejectedPage {
    const all = Object.values(this.#kept).flatMap((kept) => [...kept.values()])
    const wanted = all
      .filter((each) => each.rejectedSeq < before)
      .filter((each) => source === undefined || each.source === source)
      .filter((each) => reason === undefined || each.reason === reason)
      .toSorted((left, right) => right.rejectedSeq - left.rejectedSeq)
    const shown = wanted.slice(0, roomFor(wanted, Math.min(Math.max(1, limit), 1000)))
    return {
      requests: shown.map((each) => ({ ...each, body: each.body.slice() })),
      next: shown.length < wanted.length ? shown.at(-1)?.rejectedSeq : undefined,
    }
  }
}

/** How many of the first a page has room for. */
function roomFor(wanted: readonly KeptRequest[], limit: number): number {
  let bytes = 0
  const over = wanted.findIndex(({ body }, index) => {
    bytes += body.byteLength
    return index === limit || (index > 0 && bytes > REJECTED_PAGE_BYTES)
  })
  return over === -1 ? wanted.length : over
}

function dropOldest(kept: Map<string, KeptRequest>): void {
  for (const oldest of kept.keys()) {
    kept.delete(oldest)
    return
  }
}

/** Not yet counted. */
function copyOf(request: RejectedRequest, rejectedSeq: number, receivedMs: number): KeptRequest {
  const { source, reason, method, url, headers, body, bodyBytes } = request
  const copies = { headers: Object.freeze([...headers]), body: Uint8Array.from(body) }
  return { rejectedSeq, source, reason, method, url, ...copies, bodyBytes, receivedMs, copies: 0 }
}
