import { NonRetryableError, RetryAfterError } from 'postern'
import type { AttemptEnd } from './limit.ts'
import { retryAfterMs } from './retry-after.ts'
import type { Sent } from './target.ts'

/** Statuses, or classes of them, that are worth another try. */
export type RetryOn = readonly (number | '3xx' | '4xx' | '5xx')[]

export interface OutcomeOptions {
  readonly retryOn: RetryOn | undefined
  readonly nowMs: number
  readonly random: () => number
}

/** What an exchange means for its delivery and for its target. */
export interface AttemptOutcome {
  /** To be thrown; `undefined` where the target has taken it. */
  readonly error: Error | undefined
  readonly end: AttemptEnd
}

const GONE = 410

/** A 2xx is taken, and nothing else: not a redirect, which is never followed. */
export function outcomeOf(sent: Sent, { retryOn, nowMs, random }: OutcomeOptions): AttemptOutcome {
  if (sent.kind === 'failed')
    return { error: new Error(sent.text, { cause: sent.error }), end: { target: 'ill' } }
  const { status } = sent
  if (status >= 200 && status < 300) return { error: undefined, end: { target: 'well' } }
  const text = sent.excerpt === '' ? `HTTP ${status}` : `HTTP ${status}: ${sent.excerpt}`
  if (!isWorthAnotherTry(status, retryOn)) {
    return { error: new NonRetryableError(text), end: { target: isAboutTheTarget(status) ? 'ill' : 'well' } }
  }
  const afterMs = retryAfterMs(sent.retryAfter, nowMs, random)
  return {
    error: afterMs === undefined ? new Error(text) : new RetryAfterError(afterMs, text),
    end: {
      target: isAboutTheTarget(status) ? 'ill' : 'well',
      // Too much for it, whatever it is that is sent.
      ...(afterMs !== undefined && (status === 429 || status === 503) && { restMs: afterMs }),
    },
  }
}

/**
 * Everything but 410 by default: a 404 is a deployment more often than an end, and a 401 a key that has not arrived yet. 410 is how
 * a target says, by Standard Webhooks, that it wants no more.
 */
function isWorthAnotherTry(status: number, retryOn: RetryOn | undefined): boolean {
  if (retryOn === undefined) return status !== GONE
  return retryOn.some((each) => each === status || each === `${Math.floor(status / 100)}xx`)
}

/** Whether the next delivery would fare the same: other 4xx are about this one. */
function isAboutTheTarget(status: number): boolean {
  return status < 400 || status >= 500 || status === 408 || status === 429
}
