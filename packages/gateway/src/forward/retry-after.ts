const SHORTEST_MS = 1000
const LONGEST_MS = 60 * 60 * 1000
/** By how much more a wait may be drawn, so that what was told the same time does not come back together. */
const JITTER = 0.1

/**
 * How long a `Retry-After` asks to wait, in seconds or as a date (RFC 9110 §10.2.3), within [1 s, 1 h], and up to a tenth more.
 * `undefined` where it says nothing that can be read.
 *
 * @param random A number in [0, 1).
 */
export function retryAfterMs(
  value: string | undefined,
  nowMs: number,
  random: () => number,
): number | undefined {
  const askedMs = value === undefined ? undefined : readMs(value.trim(), nowMs)
  if (askedMs === undefined) return undefined
  const boundedMs = Math.min(Math.max(askedMs, SHORTEST_MS), LONGEST_MS)
  return Math.round(boundedMs * (1 + JITTER * random()))
}

function readMs(text: string, nowMs: number): number | undefined {
  // Fractions are not in the standard and are sent all the same.
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000
  // `Date.parse` takes numbers for years, `-5` for one.
  const atMs = /^[A-Za-z]{3,9},? /.test(text) && text.length <= 40 ? Date.parse(text) : Number.NaN
  return Number.isNaN(atMs) ? undefined : atMs - nowMs
}
