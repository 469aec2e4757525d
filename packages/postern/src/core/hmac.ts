import { digestText, streamedDigest, type Algorithm, type DigestEncoding } from './crypto.ts'

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

/** Keys as they were last prepared. A key's bytes are a keyring's own, and never change. */
const prepared = new WeakMap<Uint8Array, HmacKey>()

function hmacKey(algorithm: Algorithm, key: Uint8Array): HmacKey {
  let known = prepared.get(key)
  if (known?.algorithm !== algorithm) {
    known = new HmacKey(algorithm, key)
    prepared.set(key, known)
  }
  return known
}

/**
 * HMAC by its definition (RFC 2104 §2): a digest over the key and the content, and one over the key and that. Both are
 * made in one call each, over bytes put side by side first, or the first of long content as a stream. `createHmac` makes an object with memory of its own for every
 * request, which the collector has to let go of again: measured in the receiver,
 * 6 µs a request, and 2 µs so; of CPU time alone 1.1 µs against 2.1 for 300 bytes.
 */
export class HmacKey {
  readonly algorithm: Algorithm
  readonly #hashName: string
  /** The padded key, before the content and before the content's digest. */
  readonly #inner: Buffer
  readonly #outer: Buffer

  constructor(algorithm: Algorithm, key: Uint8Array) {
    const hashName = algorithm.slice('hmac-'.length)
    // What the hash takes at a time.
    const blockBytes = hashName === 'sha512' ? 128 : 64
    this.algorithm = algorithm
    this.#hashName = hashName
    // A key longer than a block is replaced by its digest.
    const block = new Uint8Array(blockBytes)
    const digest = Buffer.from(digestText(hashName, key), 'binary')
    block.set(key.byteLength > blockBytes ? digest : key)
    // Not from the pool, which others' bytes share.
    this.#inner = Buffer.alloc(blockBytes)
    this.#inner.set(block.map((byte) => byte ^ 0x36))
    this.#outer = Buffer.alloc(blockBytes + digest.byteLength)
    this.#outer.set(block.map((byte) => byte ^ 0x5c))
  }

  /** Signs the concatenation of `parts`. Strings are taken as UTF-8, bytes as they are. */
  sign(parts: readonly (string | Uint8Array)[], encoding: DigestEncoding): string {
    const end = putTogether(this.#inner, parts)
    const digest =
      end === undefined
        ? streamedDigest(this.#hashName, [this.#inner, ...parts])
        : digestText(this.#hashName, new Uint8Array(workspace.buffer, 0, end))
    this.#outer.write(digest, this.#inner.length, 'binary')
    return digestText(this.#hashName, this.#outer, encoding)
  }
}

/** Longer content costs more to copy than the object that it then goes through. */
const WORKSPACE_BYTES = 16_384
/** Where what is to be signed is put together. */
const workspace = Buffer.allocUnsafeSlow(WORKSPACE_BYTES)

/** Puts parts into the workspace, behind the key; answers where they end, `undefined` where they might not fit. */
function putTogether(key: Uint8Array, parts: readonly (string | Uint8Array)[]): number | undefined {
  workspace.set(key)
  let end = key.length
  // Texts side by side, an id, a time and the points between them, are written at once.
  let text = ''
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part
      continue
    }
    // Read once: it costs as much as a short copy.
    const { length } = part
    // A UTF-16 unit takes three bytes of UTF-8 at most.
    if (end + 3 * text.length + length > WORKSPACE_BYTES) return undefined
    if (text !== '') end += workspace.write(text, end)
    workspace.set(part, end)
    end += length
    text = ''
  }
  if (text === '') return end
  return end + 3 * text.length > WORKSPACE_BYTES ? undefined : end + workspace.write(text, end)
}
