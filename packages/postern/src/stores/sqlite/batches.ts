/** So many in batches of `most`, half of that, and so on to 1, so that few prepared statements serve every number. */
export function batchSizes(total: number, most: number): readonly number[] {
  const sizes: number[] = []
  for (let size = most, left = total; left > 0;) {
    if (size > left) {
      size /= 2
      continue
    }
    sizes.push(size)
    left -= size
  }
  return sizes
}
