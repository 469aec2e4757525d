/**
 * Every use of `node:crypto` in the library's core.
 *
 * @module
 */
import { createHmac, hash, randomBytes as nodeRandomBytes, timingSafeEqual } from 'node:crypto'

/** How a signature is made. The names are the field's; each maps to one primitive, chosen by the receiver, never by the request. */
export type Algorithm = 'hmac-sha1' | 'hmac-sha256' | 'hmac-sha512'

/** Bytes of a signature made with each algorithm, so that a wrong length is refused before anything is compared. */
export const SIGNATURE_BYTES: Readonly<Record<Algorithm, number>> = {
  'hmac-sha1': 20,
  'hmac-sha256': 32,
  'hmac-sha512': 64,
}

/** Whether signatures of an algorithm are computed by whoever verifies them, and compared. */
export function isHmac(algorithm: string): algorithm is Algorithm {
  return Object.hasOwn(SIGNATURE_BYTES, algorithm)
}

/**
 * The digest of some bytes, a character for each of its own (`binary`, which is Latin-1): Node makes such a string in well under half of the
 * time that a Buffer takes, and writing it where it is needed is a copy.
 */
export function digestText(hashName: string, data: string | Uint8Array): string {
  // The one-shot form (Node 20.12 and later) costs about half of createHash for bodies under 1 KB.
  return hash(hashName, data, 'binary')
}

/** An HMAC over parts one after another, however long they are. */
export function streamedHmac(
  hashName: string,
  key: Uint8Array,
  parts: readonly (string | Uint8Array)[],
): Buffer {
  const hmac = createHmac(hashName, key)
  for (const part of parts) hmac.update(part)
  return Buffer.from(hmac.digest('binary'), 'binary')
}

/**
 * Compares two byte strings in time that depends on their lengths only.
 *
 * Unequal lengths are `false`, not a throw: `timingSafeEqual` throws there, which in receivers became an
 * attacker-triggered crash, and a comparison up to the shorter length accepted prefixes (CVE-2024-21491).
 */
export function constantTimeEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right)
}

/**
 * Whether two secrets are the same, in time that does not depend on what the expected one is, nor on how long: both
 * are hashed first, and their hashes compared.
 */
export function sameSecret(expected: Uint8Array, sent: Uint8Array): boolean {
  return constantTimeEqual(sha256(expected), sha256(sent))
}

/** SHA-256 of the bytes; of a string, of its UTF-8. */
export function sha256(data: string | Uint8Array): Buffer {
  return Buffer.from(digestText('sha256', data), 'binary')
}

/** Bytes from the system's generator, for secrets and ids. */
export function randomBytes(length: number): Buffer {
  return nodeRandomBytes(length)
}
