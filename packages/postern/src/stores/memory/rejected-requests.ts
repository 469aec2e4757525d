import { sha256 } from '../../core/index.ts'
import { REJECTED_LOG_ROWS, type KeptRequest, type RejectedRequest } from '../../inbox/index.ts'

/** The kept requests: of identical ones the first, and never more than the log's bound. */
export class RejectedRequests {
  /** Oldest first, which is how a Map keeps them. */
  readonly #kept = new Map<string, KeptRequest>()

  record(request: RejectedRequest, receivedMs: number): void {
    const key = JSON.stringify([request.source, request.reason, sha256(request.body).toString('hex')])
    const known = this.#kept.get(key)
    this.#kept.set(key, known ? { ...known, copies: known.copies + 1 } : copyOf(request, receivedMs))
    if (this.#kept.size > REJECTED_LOG_ROWS) this.#dropOldest()
  }

  recent(limit: number): KeptRequest[] {
    const newestFirst = [...this.#kept.values()].toReversed().slice(0, limit)
    return newestFirst.map((kept) => ({ ...kept, body: kept.body.slice() }))
  }

  #dropOldest(): void {
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest)
      return
    }
  }
}

function copyOf(request: RejectedRequest, receivedMs: number): KeptRequest {
  const { source, reason, method, url, headers, body } = request
  const copies = { headers: Object.freeze([...headers]), body: Uint8Array.from(body) }
  return { source, reason, method, url, ...copies, receivedMs, copies: 1 }
}
