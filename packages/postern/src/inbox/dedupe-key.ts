import { sha256 } from '../core/crypto.ts'

/** Bytes of a dedupe key: 128 bits of SHA-256, so that a chance collision is beyond reach at any number of events. */
export const DEDUPE_KEY_BYTES = 16

/**
 * What an event is remembered by: `id` for the provider's id; `body` for the digest of the body, where the id is
 * absent or not signed; `conflict` for an id together with a body other than the first one seen under it. `rejected` is
 * what a refused request is known by.
 */
export type DedupeKind = 'id' | 'body' | 'conflict' | 'rejected'

/**
 * The key of an event in the dedupe records: a digest over its parts, each preceded by its length, so that no two
 * lists of parts give the same bytes.
 */
export function dedupeKey(kind: DedupeKind, tenant: string, source: string, ...rest: string[]): Uint8Array {
  let text = ''
  for (const part of [kind, tenant, source, ...rest]) text += `${part.length}:${part}`
  return sha256(text).subarray(0, DEDUPE_KEY_BYTES)
}
