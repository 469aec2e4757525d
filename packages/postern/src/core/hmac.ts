import { digestText, streamedHmac, type Algorithm, type DigestEncoding } from './crypto.ts'

/** Signs the concatenation of `parts`. Strings are taken as UTF-8, bytes as they are. */
export function computeSignature(
  algorithm: Algorithm,
  key: Uint8Array,
  parts: readonly (string | Uint8Array)[],
): Uint8Array {
  return Buffer.from(signatureText(algorithm, key, parts, 'binary'), 'binary')
}

/** The same as text, which costs less than bytes that are encoded afterwards. */
export function signatureText(
  algorithm: Algorithm,
  key: Uint8Array,
  parts: readonly (string | Uint8Array)[],
  encoding: DigestEncoding,
): string {
  return hmacKey(algorithm, key).sign(parts, encoding)
}

/** Keys as they were prepared for an algorithm. A key's bytes are a keyring's own, and never change. */
const prepared: Partial<Record<Algorithm, WeakMap<Uint8Array, HmacKey>>> = {}

function hmacKey(algorithm: Algorithm, key: Uint8Array): HmacKey {
  const keys = (prepared[algorithm] ??= new WeakMap())
  let known = keys.get(key)
  if (known === undefined) {
    const hashName = algorithm.slice('hmac-'.length)
    known = new HmacKey({ hashName, blockBytes: hashName === 'sha512' ? 128 : 64 }, key)
    keys.set(key, known)
  }
  return known
}

/**
 * HMAC by its definition (RFC 2104 §2): a digest over the key and the content, and one over the key and that. Both are
 * made in one call each, over bytes put side by side first. `createHmac` makes an object with memory of its own for every
 * request, which the collector has to let go of again: measured in the receiver,
 * 6 µs a request, and 2 µs so; of CPU time alone 1.1 µs against 2.1 for 300 bytes.
 */
export class HmacKey {
  readonly #hashName: string
  readonly #key: Uint8Array
  /** The padded key, before the content and before the content's digest. */
  readonly #inner: Uint8Array
  readonly #outer: Buffer

  constructor({ hashName, blockBytes }: HmacHash, key: Uint8Array) {
    this.#hashName = hashName
    this.#key = key
    // A key longer than a block is replaced by its digest.
    const block = new Uint8Array(blockBytes)
    const digest = Buffer.from(digestText(hashName, key), 'binary')
    block.set(key.byteLength > blockBytes ? digest : key)
    this.#inner = block.map((byte) => byte ^ 0x36)
    this.#outer = Buffer.alloc(blockBytes + digest.byteLength)
    this.#outer.set(block.map((byte) => byte ^ 0x5c))
  }

  /** Signs the concatenation of `parts`. Strings are taken as UTF-8, bytes as they are. */
  sign(parts: readonly (string | Uint8Array)[], encoding: DigestEncoding): string {
    const blockBytes = this.#inner.length
    if (longestBytes(parts) > workspace.length - blockBytes)
      return streamedHmac(this.#hashName, this.#key, parts, encoding)
    workspace.set(this.#inner)
    let end = blockBytes
    // Texts side by side, an id, a time and the points between them, are written at once.
    let text = ''
    for (const part of parts) {
      if (typeof part === 'string') text += part
      else {
        if (text !== '') end += workspace.write(text, end)
        text = ''
        workspace.set(part, end)
        end += part.byteLength
      }
    }
    if (text !== '') end += workspace.write(text, end)
    this.#outer.write(digestText(this.#hashName, workspace.subarray(0, end)), blockBytes, 'binary')
    return digestText(this.#hashName, this.#outer, encoding)
  }
}

export interface HmacHash {
  readonly hashName: string
  /** What the hash takes at a time: 64 bytes up to SHA-256, 128 for SHA-512. */
  readonly blockBytes: number
}

/** Where what is to be signed is put together. Longer content costs more to hash than the object that it then goes through. */
const workspace = Buffer.allocUnsafeSlow(16 * 1024)

/** The most bytes that the parts can take. */
function longestBytes(parts: readonly (string | Uint8Array)[]): number {
  let bytes = 0
  // A UTF-16 unit takes three bytes of UTF-8 at most.
  for (const part of parts) bytes += typeof part === 'string' ? 3 * part.length : part.byteLength
  return bytes
}
