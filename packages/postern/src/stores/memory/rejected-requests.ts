import { sha256 } from '../../core/index.ts'
import {
  REJECTED_LOG_ROWS,
  rejectedBudget,
  type KeptRequest,
  type RejectedBudget,
  type RejectedRequest,
} from '../../inbox/index.ts'

/** The kept requests: of identical ones the first, and never more of either kind than the log's bound. */
export class RejectedRequests {
  /** Oldest first, which is how a Map keeps them. */
  readonly #kept: Readonly<Record<RejectedBudget, Map<string, NumberedRequest>>> = {
    authentic: new Map(),
    plausible: new Map(),
    junk: new Map(),
  }
  #lastNumber = 0

  record(request: RejectedRequest, receivedMs: number): void {
    const budget = rejectedBudget(request.reason)
    const kept = this.#kept[budget]
    const key = JSON.stringify([request.source, request.reason, sha256(request.body).toString('hex')])
    const known = kept.get(key)
    const row = known ?? { number: ++this.#lastNumber, request: copyOf(request, receivedMs) }
    const copies = known === undefined ? 1 : known.request.copies + 1
    kept.set(key, { ...row, request: { ...row.request, copies } })
    if (kept.size > REJECTED_LOG_ROWS[budget]) dropOldest(kept)
  }

  recent(limit: number): KeptRequest[] {
    const all = Object.values(this.#kept).flatMap((kept) => [...kept.values()])
    const newestFirst = all.toSorted((left, right) => right.number - left.number).slice(0, limit)
    return newestFirst.map(({ request }) => ({ ...request, body: request.body.slice() }))
  }
}

interface NumberedRequest {
  readonly number: number
  readonly request: KeptRequest
}

function dropOldest(kept: Map<string, NumberedRequest>): void {
  for (const oldest of kept.keys()) {
    kept.delete(oldest)
    return
  }
}

function copyOf(request: RejectedRequest, receivedMs: number): KeptRequest {
  const { source, reason, method, url, headers, body, bodyBytes } = request
  const copies = { headers: Object.freeze([...headers]), body: Uint8Array.from(body) }
  return { source, reason, method, url, ...copies, bodyBytes, receivedMs, copies: 1 }
}
