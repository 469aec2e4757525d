/**
 * Every use of `node:crypto` in the library's core, with `hmac.ts`.
 *
 * @module
 */
import { hash, randomBytes as nodeRandomBytes, timingSafeEqual } from 'node:crypto'
import { HmacKey, type HmacHash } from './hmac.ts'

/** How a signature is made. The names are the field's; each maps to one primitive, chosen by the receiver, never by the request. */
export type Algorithm = 'hmac-sha1' | 'hmac-sha256' | 'hmac-sha512'

const HMAC_HASH: Readonly<Record<Algorithm, HmacHash>> = {
  'hmac-sha1': { hashName: 'sha1', blockBytes: 64 },
  'hmac-sha256': { hashName: 'sha256', blockBytes: 64 },
  'hmac-sha512': { hashName: 'sha512', blockBytes: 128 },
}

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

/** Signs the concatenation of `parts`. Strings are taken as UTF-8, bytes as they are. */
export function computeSignature(
  algorithm: Algorithm,
  key: Uint8Array,
  parts: readonly (string | Uint8Array)[],
): Uint8Array {
  return hmacKey(algorithm, key).sign(parts)
}

/** Keys as they were prepared for an algorithm. A key's bytes are a keyring's own, and never change. */
const prepared: Readonly<Record<Algorithm, WeakMap<Uint8Array, HmacKey>>> = {
  'hmac-sha1': new WeakMap(),
  'hmac-sha256': new WeakMap(),
  'hmac-sha512': new WeakMap(),
}

function hmacKey(algorithm: Algorithm, key: Uint8Array): HmacKey {
  let known = prepared[algorithm].get(key)
  if (known === undefined) {
    known = new HmacKey(HMAC_HASH[algorithm], key)
    prepared[algorithm].set(key, known)
  }
  return known
}

/**
 * Compares two byte strings in time that depends on their lengths only.
 *
 * Unequal lengths are `false`, not a throw: `timingSafeEqual` throws there, which in receivers became an
 * attacker-triggered crash, and a comparison up to the shorter length accepted prefixes (CVE-2024-21491).
 */
export function constantTimeEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.byteLength === right.byteLength && timingSafeEqual(left, right)
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
  // The one-shot form (Node 20.12 and later) costs about half of createHash for bodies under 1 KB. As hex first, since Node
  // makes a string, and a Buffer of that from its pool, in two thirds of the time that a Buffer of its own takes.
  return Buffer.from(hash('sha256', data, 'hex'), 'hex')
}

/** Bytes from the system's generator, for secrets and ids. */
export function randomBytes(length: number): Buffer {
  return nodeRandomBytes(length)
}
