/**
 * Text that engines hold none of as it is: at NUL some refuse it and others cut it off, and half a surrogate pair has no UTF-8,
 * so that encoders turn it into U+FFFD without a word. Both are written behind U+0001, which few texts hold, so that every
 * string comes back as it was; what is escaped still sorts below everything else, as NUL does.
 *
 * @module
 */

/** Whether every engine holds a text as it is. */
export function isPlainText(text: string): boolean {
  return !NEEDS_ESCAPE.test(text)
}

/** A string in a form that every engine holds. */
export function toText(text: string): string {
  return text.replaceAll(UNSTORABLE, (unit) => {
    if (unit === '\0') return '\u0001\u0001'
    return unit === '\u0001' ? '\u0001\u0002' : `\u0001\u0003${unit.charCodeAt(0).toString(16)}`
  })
}

/** As `toText`, for a text that may be absent. */
export function toOptionalText(text: string | undefined): string | undefined {
  return text === undefined ? undefined : toText(text)
}

/** The string that `toText` was given. */
export function fromText(text: string): string {
  if (!text.includes('\u0001')) return text
  return text.replaceAll(ESCAPE, (escape, hex: string | undefined) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    return escape === '\u0001\u0001' ? '\0' : '\u0001'
  })
}

/** As `fromText`, for a column that may hold nothing. */
export function fromNullableText(text: string | null): string | undefined {
  return text === null ? undefined : fromText(text)
}

// With the flag `u`, a class of surrogates matches only those that are not half of a pair.
// oxlint-disable-next-line no-control-regex
const UNSTORABLE = /[\0\u0001\uD800-\uDFFF]/gu
// Without the flag `g`, which would remember where the last test ended.
const NEEDS_ESCAPE = new RegExp(UNSTORABLE, 'u')
// oxlint-disable-next-line no-control-regex
const ESCAPE = /\u0001(?:\u0001|\u0002|\u0003([0-9a-f]{4}))/g
