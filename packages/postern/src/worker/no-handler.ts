import type { Logger } from '../core/index.ts'
import { longestSpanMs, type Claimed, type RetrySchedule, type StoredEvent } from '../inbox/index.ts'
import { NonRetryableError, NotNowError } from './handler.ts'

/** For so long at least another node is expected that has the handler. */
const SHORTEST_DEPLOY_MS = 60 * 60 * 1000
const SHORTEST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 10 * 60 * 1000
const SILENCE_MS = 60_000

/** This node has no handler for the delivery's event, and another may. */
export class NoHandlerError extends NotNowError {}

/**
 * How an attempt without a handler ends. A node that is older than the handler of a new type must not use up its tries, as it
 * would in a deploy that goes node by node: the delivery is given back untried, for longer the older its event is, so that a type
 * that nobody handles any more costs little. Once its tries would have been over it is dead, where people look.
 */
export function withoutHandler(
  { token, event: { source, type, receivedMs } }: Claimed,
  { schedule, nowMs }: { readonly schedule: RetrySchedule; readonly nowMs: number },
): Error {
  const text = `no handler for ${source} ${type} on this node`
  const ageMs = nowMs - receivedMs
  // A replay's event is old when its delivery is new: a delivery that was given back so often can have waited no longer than this.
  const waitedMs = Math.min(ageMs, token * LONGEST_WAIT_MS)
  if (waitedMs >= Math.max(SHORTEST_DEPLOY_MS, longestSpanMs(schedule)))
    return new NonRetryableError(`${text}, nor on another that took it in time`)
  return new NoHandlerError(Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, ageMs / 4)), text)
}

/** Says that handlers are missing: once a minute, as there may be as many such deliveries as events. */
export class NoHandlerWarning {
  readonly #log: Logger
  readonly #now: () => number
  #silentUntilMs = -Infinity

  /** @param now A monotonic clock in milliseconds. */
  constructor(log: Logger, now: () => number = () => performance.now()) {
    this.#log = log
    this.#now = now
  }

  tell({ source, type }: StoredEvent): void {
    const nowMs = this.#now()
    if (nowMs < this.#silentUntilMs) return
    this.#silentUntilMs = nowMs + SILENCE_MS
    this.#log.warn(
      'no handler on this node: such deliveries are left to a node that has one, and dead once their tries would be over',
      { source, type },
    )
  }
}
