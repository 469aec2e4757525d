/**
 * X.509 certificates and the RSA keys in them. One of the files of the core that import `node:crypto`.
 *
 * @module
 */
import { createPublicKey, sign, verify, X509Certificate, type KeyObject } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Reason } from './reason.ts'

/** What stands at an address: a certificate and those that issued it, or a key by itself. */
export interface Certified {
  readonly key: KeyObject
  /** The key's own first. Empty where the address has a key by itself. */
  readonly chain: readonly X509Certificate[]
}

/** More than any chain has. */
export const MAX_CERTIFICATES = 8
/** Less can be factored: NIST SP 800-131A. */
const SHORTEST_RSA_BITS = 2048

const PEM = /-----BEGIN (CERTIFICATE|PUBLIC KEY)-----[A-Za-z0-9+/=\s]+-----END \1-----/g

/** Reads a PEM file; `undefined` where it has no RSA key that is long enough. */
export function readCertified(bytes: Uint8Array): Certified | undefined {
  const text = Buffer.from(bytes).toString()
  const blocks = Array.from(text.matchAll(PEM), ([block, kind]) => ({ block, kind })).slice(
    0,
    MAX_CERTIFICATES,
  )
  try {
    const [first] = blocks
    if (first === undefined) return undefined
    const chain = blocks
      .filter(({ kind }) => kind === 'CERTIFICATE')
      .map(({ block }) => new X509Certificate(block))
    const key = chain[0]?.publicKey ?? createPublicKey(first.block)
    return isLongRsa(key) ? { key, chain } : undefined
  } catch {
    return undefined
  }
}

/** Why a key is not to be trusted, of which the host that serves it is trusted: its certificate is not valid now. */
export function distrustOwn({ chain: [own] }: Certified, nowMs: number): Reason | undefined {
  return own === undefined || isValidAt(own, nowMs) ? undefined : 'untrusted_certificate'
}

export function isValidAt({ validFrom, validTo }: X509Certificate, nowMs: number): boolean {
  return Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo)
}

/** Whether an RSA key signed the content with PKCS #1 v1.5. */
export function isSignedBy(
  { key }: Certified,
  digest: 'sha1' | 'sha256',
  content: readonly (string | Uint8Array)[],
  signature: Uint8Array,
): boolean {
  const signed = Buffer.concat(content.map((part) => Buffer.from(part)))
  return verify(digest, signed, key, signature)
}

/** The inverse, with a private key in PEM: tests have one, receivers do not. */
export function signWithRsa(
  privateKey: string,
  digest: 'sha1' | 'sha256',
  content: readonly (string | Uint8Array)[],
): Uint8Array {
  return sign(digest, Buffer.concat(content.map((part) => Buffer.from(part))), privateKey)
}

/** CRC-32 (ISO 3309) in decimal. */
export function crc32Text(bytes: Uint8Array): string {
  return String(crc32(bytes))
}

function isLongRsa({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  const { modulusLength = 0 } = asymmetricKeyDetails ?? {}
  return asymmetricKeyType === 'rsa' && modulusLength >= SHORTEST_RSA_BITS
}
