/** What a key was recorded with. */
export interface DedupeEntry {
  readonly eventSeq: number
  readonly digest: Uint8Array
  readonly expiresMs: number
}
