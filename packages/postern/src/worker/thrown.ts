/**
 * What handlers throw, looked at so that nothing it does is noticed: of a proxy that was revoked even `instanceof` throws, and a
 * getter may do anything. Unheard, a throw here would end the process.
 *
 * @module
 */

/** The longest text of an error that is kept with an attempt. */
const MAX_ERROR_LENGTH = 2000

/** `instanceof`, of anything. */
export function isA<Kind extends Error>(
  thrown: unknown,
  kind: abstract new (...args: never[]) => Kind,
): thrown is Kind {
  try {
    return thrown instanceof kind
  } catch {
    return false
  }
}

/** How long an error asks to wait; NaN where it does not say so in a number. */
export function askedWaitMs(error: { readonly afterMs: unknown }): number {
  try {
    return Number(error.afterMs)
  } catch {
    return Number.NaN
  }
}

/** Whatever was thrown, as text. */
export function describeError(thrown: unknown): string {
  try {
    const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
    return text.slice(0, MAX_ERROR_LENGTH)
  } catch {
    return 'the handler threw something that has no text'
  }
}
