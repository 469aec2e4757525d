import { createHmac, hash } from 'node:crypto'

/** What SHA-256 takes at a time. */
const BLOCK_BYTES = 64
const DIGEST_BYTES = 32
/** Longer content costs more to copy than the object that it then goes through. */
const WORKSPACE_BYTES = 16_384
/** Where what is to be signed is put behind the key. */
const workspace = Buffer.allocUnsafeSlow(WORKSPACE_BYTES)

/** The keys of one destination: HMAC-SHA-256 of the same content with each. */
export class SigningKeys {
  readonly #keys: readonly SigningKey[]

  constructor(keys: readonly Uint8Array[]) {
    this.#keys = keys.map((key) => new SigningKey(key))
  }

  /** In Base64, in the order of the keys. @param beginning ASCII. */
  sign(beginning: string, body: Uint8Array): string[] {
    const end = BLOCK_BYTES + beginning.length + body.length
    if (end > WORKSPACE_BYTES) return this.#keys.map((key) => key.signStreamed(beginning, body))
    workspace.write(beginning, BLOCK_BYTES, 'latin1')
    workspace.set(body, BLOCK_BYTES + beginning.length)
    const whole = new Uint8Array(workspace.buffer, 0, end)
    return this.#keys.map((key) => key.signBehind(whole))
  }
}

/**
 * HMAC by its definition (RFC 2104 §2), as two digests that are made in one call each. `createHmac` makes an object with memory
 * of its own for every delivery: 4 µs of the 50 that one takes, where this takes 2.
 */
class SigningKey {
  readonly #key: Uint8Array
  /** The padded key, before the content and before the content's digest. */
  readonly #inner: Uint8Array
  readonly #outer: Buffer

  constructor(key: Uint8Array) {
    this.#key = key
    const block = new Uint8Array(BLOCK_BYTES)
    // A key longer than a block is replaced by its digest.
    block.set(key.length > BLOCK_BYTES ? Buffer.from(hash('sha256', key, 'binary'), 'binary') : key)
    this.#inner = block.map((byte) => byte ^ 0x36)
    // Not from the pool, which others' bytes share.
    this.#outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES)
    this.#outer.set(block.map((byte) => byte ^ 0x5c))
  }

  /** Of content that stands in `whole`, behind a block for the key. */
  signBehind(whole: Uint8Array): string {
    whole.set(this.#inner)
    this.#outer.write(hash('sha256', whole, 'binary'), BLOCK_BYTES, 'latin1')
    return hash('sha256', this.#outer, 'base64')
  }

  signStreamed(beginning: string, body: Uint8Array): string {
    return createHmac('sha256', this.#key).update(beginning, 'latin1').update(body).digest('base64')
  }
}
