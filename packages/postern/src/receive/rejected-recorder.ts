import type { Logger, Reason, WebhookRequest } from '../core/index.ts'
import {
  rejectedBudget,
  type HasRejectedLog,
  type RejectedBudget,
  type RejectedRequest,
} from '../inbox/index.ts'
import { withoutSecrets } from './new-event.ts'

/** What one second adds to the log at most: anybody can send what is not authentic, and each record is a write. */
const PER_SECOND: Readonly<Record<RejectedBudget, number>> = { authentic: Infinity, plausible: 20, junk: 5 }
const BURST_SECONDS = 10
/** Of a body that is not authentic, its beginning is enough to tell what it was. */
const MAX_UNVERIFIED_BYTES = 64 * 1024

/** Puts refused requests into the rejected log: what was authentic durably, the rest as far as its budget goes. */
export class RejectedRecorder {
  readonly #store: HasRejectedLog
  readonly #log: Logger
  readonly #nowMs: () => number
  readonly #tokens = new Map<RejectedBudget, { count: number; atMs: number }>()
  #hasFailed = false

  /** @param nowMs A monotonic clock in milliseconds. */
  constructor(store: HasRejectedLog, log: Logger, nowMs: () => number = () => performance.now()) {
    this.#store = store
    this.#log = log
    this.#nowMs = nowMs
  }

  /** Fulfils once the request is on stable storage. */
  keep(source: string, reason: Reason, request: WebhookRequest): Promise<void> {
    return this.#store.rejected.record(rejected(source, reason, request, request.body))
  }

  /** Records a request that is not authentic, or drops it where its kind comes too often. Nobody waits for it. */
  note(source: string, reason: Reason, request: WebhookRequest): void {
    if (!this.#takeToken(rejectedBudget(reason))) return
    const beginning = request.body.subarray(0, MAX_UNVERIFIED_BYTES)
    this.#store.rejected.record(rejected(source, reason, request, beginning)).then(
      () => (this.#hasFailed = false),
      (error: unknown) => {
        // Once for each time that the store fails, however many come meanwhile.
        if (!this.#hasFailed) this.#log.warn('refused requests could not be recorded', { error })
        this.#hasFailed = true
      },
    )
  }

  #takeToken(budget: RejectedBudget): boolean {
    const most = PER_SECOND[budget] * BURST_SECONDS
    const nowMs = this.#nowMs()
    const { count, atMs } = this.#tokens.get(budget) ?? { count: most, atMs: nowMs }
    const filled = Math.min(most, count + ((nowMs - atMs) / 1000) * PER_SECOND[budget])
    this.#tokens.set(budget, { count: Math.max(0, filled - 1), atMs: nowMs })
    return filled >= 1
  }
}

function rejected(
  source: string,
  reason: Reason,
  { method, url, headers, body }: WebhookRequest,
  kept: Uint8Array,
): RejectedRequest {
  const bodyBytes = body.byteLength
  return { source, reason, method, url, headers: withoutSecrets(headers), body: kept, bodyBytes }
}
