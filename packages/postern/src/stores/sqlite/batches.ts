/** The most values that one statement takes; more are hardly any faster. */
const MOST = 16

/** Values in batches of 16, 8, 4, 2 and 1, so that few prepared statements serve every number of them. */
export function inBatches<T>(values: readonly T[]): readonly (readonly T[])[] {
  const batches: (readonly T[])[] = []
  for (let at = 0, size = MOST; at < values.length;) {
    if (size > values.length - at) {
      size /= 2
      continue
    }
    batches.push(values.slice(at, at + size))
    at += size
  }
  return batches
}
