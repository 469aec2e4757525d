import type { ListQuery } from 'postern'

const DEFAULT_LIMIT = 100
const LARGEST_LIMIT = 1000

/** Which part of a list is asked for: at most `limit`, and only what has a lower number than `before`. */
export interface Page {
  readonly limit: number
  readonly before?: number
}

/** The page that a query asks for, or what is wrong with the query; a parameter that is none of `filters` is. */
export function readPage(parameters: URLSearchParams, filters: readonly string[]): Page | string {
  const stray = strayParameter(parameters, ['limit', 'before', ...filters])
  if (stray !== undefined) return stray
  const limit = wholeNumber(parameters.get('limit') ?? String(DEFAULT_LIMIT))
  if (limit === undefined || limit > LARGEST_LIMIT)
    return `limit must be a whole number from 1 to ${LARGEST_LIMIT}`
  const between = readCursors(parameters, ['before'])
  return typeof between === 'string' ? between : { limit, ...between }
}

/** Between which numbers a page is. */
export type Between = Pick<ListQuery, Cursor>
export type Cursor = 'after' | 'before'

/** Those of a query, of the cursors that it may have; or what is wrong with one. */
export function readCursors(parameters: URLSearchParams, cursors: readonly Cursor[]): Between | string {
  const given = cursors.filter((name) => parameters.has(name))
  const wrong = given.find((name) => wholeNumber(parameters.get(name) ?? '') === undefined)
  if (wrong !== undefined) return `${wrong} must be a whole number of 1 or more`
  return Object.fromEntries(given.map((name) => [name, Number(parameters.get(name))]))
}

/** What is wrong with a query that has a parameter which is none of `known`; `undefined` where it has none. */
export function strayParameter(parameters: URLSearchParams, known: readonly string[]): string | undefined {
  if ([...parameters.keys()].every((name) => known.includes(name))) return undefined
  return known.length === 0
    ? 'There are no parameters here'
    : `Unknown parameter; known are ${known.join(', ')}`
}

function wholeNumber(text: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined
}
