/**
 * Arrays as PostgreSQL writes them, made by hand: the client's own way costs a replacement for each text, on the thread that
 * answers requests.
 *
 * @module
 */
import { toText } from './exact-text.ts'

/** JSON quotes as PostgreSQL does, but for its escapes of what neither would take as it is. */
export function textArray(texts: readonly (string | null)[]): string {
  const json = JSON.stringify(texts)
  return OTHER_ESCAPE.test(json) ? `{${texts.map(quoted).join()}}` : `{${json.slice(1, -1)}}`
}

/** Numbers, or what is written without quotes: keys, and `null`. */
export function plainArray(values: readonly (number | string | boolean | null)[]): string {
  // `join` writes null as nothing.
  return `{${values.map(String).join()}}`
}

const OTHER_ESCAPE = /\\[^"\\]/

function quoted(text: string | null): string {
  return text === null ? 'null' : `"${toText(text).replaceAll(/["\\]/g, '\\$&')}"`
}
