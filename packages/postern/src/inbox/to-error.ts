/** What was thrown, as an error. Of a proxy that was revoked even a look throws. */
export function toError(thrown: unknown): Error {
  try {
    return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown })
  } catch {
    return new Error('something was thrown that has no text')
  }
}
