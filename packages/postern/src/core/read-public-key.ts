/**
 * Public keys as their owners write them. One of the files of the core that import `node:crypto`.
 *
 * @module
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import type { KeyFormat } from './scheme.ts'

/** A public key in its format; `isRaw` where one that is no PEM is the 32 bytes of Ed25519, and else an SPKI in DER. */
export function readPublicKey(bytes: Uint8Array, format: KeyFormat, isRaw: boolean): KeyObject | undefined {
  const key = Buffer.from(bytes)
  try {
    if (format.as === 'utf8') return createPublicKey(key)
    if (!isRaw) return createPublicKey({ key, format: 'der', type: 'spki' })
    return createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: key.toString('base64url') },
      format: 'jwk',
    })
  } catch {
    return undefined
  }
}
