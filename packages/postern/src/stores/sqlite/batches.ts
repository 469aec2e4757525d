/** So many at most are handled by one statement. */
export function* batchesOf<T>(all: readonly T[], most: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += most) yield all.slice(at, at + most)
}

/** A statement's text by how many rows it is for, made once: one put together for each use is also hashed for each. */
export function textByCount(make: (count: number) => string): (count: number) => string {
  const texts: string[] = []
  return (count) => (texts[count] ??= make(count))
}

/** `?3, ?4, ?5` for three from the third on. */
export function places(from: number, count: number): string {
  return Array.from({ length: count }, (_, index) => `?${from + index}`).join(', ')
}
