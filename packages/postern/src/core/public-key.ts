/**
 * Signatures that are verified with a public key, and the digest over a key and its content. One of the
 * files of the core that import `node:crypto`.
 *
 * @module
 */
import { createHash, sign, verify, type KeyObject } from 'node:crypto'
import { check, mismatch, type MatchingKey } from './check.ts'
import { constantTimeEqual } from './crypto.ts'
import { PosternError } from './errors.ts'
import { Keyring } from './keyring.ts'
import type { Method } from './method.ts'
import type { KeyFormat, OtherAlgorithm, SignatureScheme } from './scheme.ts'
import { readPublicKey } from './read-public-key.ts'
import { decodeSignature } from './signature-header.ts'
import { isSigned } from './sound-scheme.ts'
import { unsoundSignature } from './sound-signature.ts'

/** What a public key must be, and the digest that is signed; Ed25519 has its own. */
const KEYS: Readonly<Record<Exclude<OtherAlgorithm, 'sha256'>, { type: string; digest: string | null }>> = {
  ed25519: { type: 'ed25519', digest: null },
  'ecdsa-p256-sha256': { type: 'ec', digest: 'sha256' },
  'rsa-sha256': { type: 'rsa', digest: 'sha256' },
}

/** Less can be factored: NIST SP 800-131A. */
const SHORTEST_RSA_BITS = 2048

/** Ed25519 (RFC 8032), ECDSA over P-256 with signatures in DER, and RSASSA-PKCS1-v1_5, the last two with SHA-256. */
export const publicKeys: Method<SignatureScheme> = {
  algorithms: ['ed25519', 'ecdsa-p256-sha256', 'rsa-sha256'],
  complaint: unsoundSignature,
  signs: isSigned,
  keyring: (secrets, { key, algorithm }) => {
    const keys = new Keyring(secrets, key)
    keys.forEach((bytes) => assertPublicKey(algorithm, bytes, key))
    return keys
  },
  check: (scheme, keys, request, options) => check(scheme, keys, request, options, verifyingKey),
}

/** SHA-256 over the key and the content, one after another. */
export const keyedDigests: Method<SignatureScheme> = {
  algorithms: ['sha256'],
  complaint: unsoundSignature,
  signs: isSigned,
  keyring: (secrets, { key }) => new Keyring(secrets, key),
  check: (scheme, keys, request, options) => check(scheme, keys, request, options, digestingKey),
}

const verifyingKey: MatchingKey = (scheme, keys, written, content) => {
  const signed = joined(content)
  const signatures = decoded(scheme, written)
  const { digest } = KEYS[scheme.algorithm as keyof typeof KEYS]
  let matched: number | undefined
  keys.forEach((bytes, index) => {
    const key = parsed.get(bytes)
    if (key === undefined) return
    for (const signature of signatures) if (verify(digest, signed, key, signature)) matched ??= index
  })
  return matched ?? mismatch(signatures.length > 0)
}

const digestingKey: MatchingKey = (scheme, keys, written, content) => {
  const signatures = decoded(scheme, written)
  let matched: number | undefined
  keys.forEach((key, index) => {
    const expected = digestOf(key, content)
    for (const signature of signatures) if (constantTimeEqual(expected, signature)) matched ??= index
  })
  return matched ?? mismatch(signatures.length > 0)
}

/** The shortest and the longest signature in bytes: DER has no leading zeros, and RSA keys are of 2048 bits to 16384. */
const SIGNATURE_LENGTHS: Readonly<Record<OtherAlgorithm, readonly [number, number]>> = {
  sha256: [32, 32],
  ed25519: [64, 64],
  'ecdsa-p256-sha256': [8, 72],
  'rsa-sha256': [256, 2048],
}

/** Those that are strictly encoded, and as long as signatures of the algorithm are. */
export function decoded(
  { algorithm, signature }: Pick<SignatureScheme, 'algorithm' | 'signature'>,
  written: readonly string[],
): readonly Uint8Array[] {
  const lengths = SIGNATURE_LENGTHS[algorithm as OtherAlgorithm]
  return written.flatMap((text) => decodeSignature(text, signature.encoding, ...lengths) ?? [])
}

/** The digest that is the signature of `sha256`. */
export function digestOf(key: Uint8Array, content: readonly (string | Uint8Array)[]): Uint8Array {
  return createHash('sha256').update(key).update(joined(content)).digest()
}

/** Signs with a private key in PEM, where there is one: tests have it, receivers do not. */
export function signWith(
  privateKey: string,
  algorithm: SignatureScheme['algorithm'],
  content: readonly (string | Uint8Array)[],
): Uint8Array {
  if (!(algorithm in KEYS)) throw new PosternError('bad_scheme', `No private key signs with '${algorithm}'`)
  return sign(KEYS[algorithm as keyof typeof KEYS].digest, joined(content), privateKey)
}

/** Keys by the bytes that a keyring holds: reading one costs more than verifying with it. */
const parsed = new WeakMap<Uint8Array, KeyObject>()

/** Refuses what is no public key of the algorithm, and keeps the one that is. */
function assertPublicKey(
  algorithm: SignatureScheme['algorithm'],
  bytes: Uint8Array,
  format: KeyFormat,
): void {
  const key = readPublicKey(bytes, format, algorithm === 'ed25519')
  const { type } = KEYS[algorithm as keyof typeof KEYS]
  const { namedCurve, modulusLength } = key?.asymmetricKeyDetails ?? {}
  const isOfCurve = type !== 'ec' || namedCurve === 'prime256v1'
  const isLong = type !== 'rsa' || (modulusLength ?? 0) >= SHORTEST_RSA_BITS
  if (key === undefined || key.asymmetricKeyType !== type || !isOfCurve || !isLong) {
    throw new PosternError(
      'bad_secret',
      `The key is no public key for '${algorithm}'; copy it again from the provider`,
    )
  }
  parsed.set(bytes, key)
}

function joined(content: readonly (string | Uint8Array)[]): Uint8Array {
  return Buffer.concat(content.map((part) => (typeof part === 'string' ? Buffer.from(part, 'utf8') : part)))
}
