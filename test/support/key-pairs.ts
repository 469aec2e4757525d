import { createECDH, createHash, createPrivateKey, createPublicKey } from 'node:crypto'

/** A key pair that is the same in every run: the public key as providers show it, the private one in PEM. */
export interface KeyPair {
  /** 32 bytes for Ed25519, and else an SPKI in DER. */
  readonly publicKey: Buffer
  readonly privateKey: string
}

/** The pair of a number. */
export function keyPair(algorithm: 'ed25519' | 'ecdsa-p256-sha256', number: number): KeyPair {
  const seed = createHash('sha256').update(`${algorithm} ${number}`).digest()
  const key = createPrivateKey({
    key: algorithm === 'ed25519' ? ed25519(seed) : p256(seed),
    format: 'der',
    type: 'pkcs8',
  })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    // The last 32 bytes of an Ed25519 SPKI are the key itself (RFC 8410 §4).
    publicKey: algorithm === 'ed25519' ? spki.subarray(-32) : spki,
    privateKey: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
  }
}

/** RFC 8410 §7. */
function ed25519(seed: Buffer): Buffer {
  return Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
}

/** RFC 5915, inside RFC 5958, for prime256v1. */
function p256(seed: Buffer): Buffer {
  const pair = createECDH('prime256v1')
  pair.setPrivateKey(seed)
  return Buffer.concat([
    Buffer.from('308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420', 'hex'),
    seed,
    Buffer.from('a144034200', 'hex'),
    pair.getPublicKey(),
  ])
}
