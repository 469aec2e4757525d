/**
 * Arrays as PostgreSQL writes them, made by hand: the client's own way costs a replacement for each text, on the thread that
 * answers requests.
 *
 * @module
 */
import { toText } from '../../inbox/index.ts'

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

/** `null` where there is nothing else in it. */
export function textArrayOrNull(texts: readonly (string | null)[]): string | null {
  return texts.every(isNull) ? null : textArray(texts)
}

/** `null` where there is nothing else in it. */
export function plainArrayOrNull(values: readonly (number | string | boolean | null)[]): string | null {
  return values.every(isNull) ? null : plainArray(values)
}

/** One value in place of many that are the same. */
export function onceIfSame<Value extends number | string>(values: readonly Value[]): readonly Value[] {
  const [first] = values
  return values.every((value) => value === first) ? values.slice(0, 1) : values
}

function isNull(value: unknown): boolean {
  return value === null
}

const OTHER_ESCAPE = /\\[^"\\]/

function quoted(text: string | null): string {
  return text === null ? 'null' : `"${toText(text).replaceAll(/["\\]/g, '\\$&')}"`
}
