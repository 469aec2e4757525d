const DEFAULT_LIMIT = 100
const LARGEST_LIMIT = 1000

/** Which part of a list is asked for: at most `limit`, and only what has a lower number than `before`. */
export interface Page {
  readonly limit: number
  readonly before?: number
}

/** The page that a query asks for, or what is wrong with the query; a parameter that is none of `filters` is. */
export function readPage(parameters: URLSearchParams, filters: readonly string[]): Page | string {
  const known = ['limit', 'before', ...filters]
  const unknown = [...parameters.keys()].find((name) => !known.includes(name))
  if (unknown !== undefined) return `Unknown parameter; known are ${known.join(', ')}`
  const limit = wholeNumber(parameters.get('limit') ?? String(DEFAULT_LIMIT))
  if (limit === undefined || limit > LARGEST_LIMIT)
    return `limit must be a whole number from 1 to ${LARGEST_LIMIT}`
  const beforeText = parameters.get('before')
  const before = beforeText === null ? undefined : wholeNumber(beforeText)
  if (beforeText !== null && before === undefined) return 'before must be a whole number of 1 or more'
  return { limit, ...(before !== undefined && { before }) }
}

function wholeNumber(text: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined
}
