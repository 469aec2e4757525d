/** The primary result codes that speak of the file or disk, not of one statement (sqlite.org/rescode.html). */
const INFRASTRUCTURE_CODES: ReadonlySet<number> = new Set([5, 6, 8, 10, 11, 13, 14, 15, 26])

/** Whether an error is the file's or disk's, so that nothing is known of the outcome. */
export function isInfrastructure(error: unknown): boolean {
  const code = (error as { readonly errcode?: unknown } | undefined)?.errcode
  // The low byte is the primary code.
  return typeof code === 'number' && INFRASTRUCTURE_CODES.has(code & 0xff)
}
