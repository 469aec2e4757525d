/** Of an even number of them the mean of the two in the middle: of two, the larger would be no median. */
export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const below = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
  const above = sorted[Math.floor(sorted.length / 2)] ?? 0
  return Number(((below + above) / 2).toFixed(2))
}
