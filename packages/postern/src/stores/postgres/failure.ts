import { PosternError } from '../../core/index.ts'
import { toError } from '../../inbox/index.ts'

/** What the server said, by its five-character code; `undefined` where the connection failed instead. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | undefined)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

/** Whether the transaction was rolled back for the sake of another, so that it may simply be run again. */
export function isVictim(error: unknown): boolean {
  // serialization_failure, deadlock_detected
  return ['40001', '40P01'].includes(codeOf(error) ?? '')
}

/** Whether a row that another transaction holds did not come free in time. */
export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === '55P03'
}

/**
 * Whether an error is one event's own, so that the others may pass: a row that another transaction holds and that did not
 * come free in time (55P03), bad data (22), a broken constraint (23), a limit of the program (54).
 */
export function isOfOneEvent(error: unknown): boolean {
  const code = codeOf(error)
  return isLockTimeout(error) || ['22', '23', '54'].includes(code?.slice(0, 2) ?? '')
}

/** The server is out of reach or out of order: nothing is known of the outcome. */
export function unavailable(error: unknown): PosternError {
  if (error instanceof PosternError) return error
  return new PosternError('store_unavailable', `PostgreSQL: ${toError(error).message}`, { cause: error })
}
