/**
 * The algorithms of RFC 9421 §3.3, whose signatures of ECDSA are two numbers side by side and not DER. One of the files of
 * the core that import `node:crypto`.
 *
 * @module
 */
import { constants, createHmac, sign, verify, type KeyObject } from 'node:crypto'
import { constantTimeEqual } from './crypto.ts'
import { PosternError } from './errors.ts'
import { Keyring } from './keyring.ts'
import { readPublicKey } from './read-public-key.ts'
import type { MessageAlgorithm, MessageSignatureScheme } from './scheme.ts'

/** What a public key must be, the digest that is signed, and how: as `node:crypto` calls it. */
interface KeyRule {
  /** Its curve; its type, where that has none of a name. */
  readonly kinds: readonly unknown[]
  readonly digest: string | null
  readonly dsaEncoding?: 'ieee-p1363'
  readonly padding?: number
  readonly saltLength?: number
}

const RULES: Readonly<Record<Exclude<MessageAlgorithm, 'hmac-sha256'>, KeyRule>> = {
  ed25519: { kinds: ['ed25519'], digest: null },
  'ecdsa-p256-sha256': { kinds: ['prime256v1'], digest: 'sha256', dsaEncoding: 'ieee-p1363' },
  'rsa-pss-sha512': {
    kinds: ['rsa', 'rsa-pss'],
    digest: 'sha512',
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: 64,
  },
  'rsa-v1_5-sha256': { kinds: ['rsa'], digest: 'sha256' },
}

/** What a signature may be made by. */
export const ALGORITHMS: readonly string[] = ['hmac-sha256', ...Object.keys(RULES)]

/** Less can be factored: NIST SP 800-131A. */
const SHORTEST_RSA_BITS = 2048

/** Keys by the bytes that a keyring holds: reading one costs more than verifying with it. */
const parsed = new WeakMap<Uint8Array, KeyObject>()

/** The keys of a scheme. Throws `PosternError` for what is none of its algorithm. */
export function messageKeyring(secrets: readonly string[], scheme: MessageSignatureScheme): Keyring {
  const { signedWith, key: format } = scheme
  const keys = new Keyring(secrets, format)
  if (signedWith === 'hmac-sha256') return keys
  keys.forEach((bytes) => {
    const key = readPublicKey(bytes, format, signedWith === 'ed25519')
    if (key === undefined || !isOf(RULES[signedWith], key)) {
      throw new PosternError(
        'bad_secret',
        `The key is no public key for '${signedWith}'; copy it again from the provider`,
      )
    }
    parsed.set(bytes, key)
  })
  return keys
}

/** Whether a signature is that of a key over a content. */
export function isMessageSignature(
  algorithm: MessageAlgorithm,
  bytes: Uint8Array,
  content: string | Uint8Array,
  signature: Uint8Array,
): boolean {
  if (algorithm === 'hmac-sha256') return constantTimeEqual(hmac(bytes, content), signature)
  const key = parsed.get(bytes)
  const { kinds: _, digest, ...options } = RULES[algorithm]
  return (
    key !== undefined &&
    isAsLong(signature, key) &&
    verify(digest, Buffer.from(content), { ...options, key }, signature)
  )
}

/** As long as an RSA key (RFC 8017 §8.1.2): OpenSSL takes one of PSS without the zero that 1 of 256 begin with. */
function isAsLong({ length }: Uint8Array, { asymmetricKeyDetails }: KeyObject): boolean {
  const { modulusLength = length * 8 } = asymmetricKeyDetails ?? {}
  return length === Math.ceil(modulusLength / 8)
}

/** Signs a text: with the key itself where it is shared, and else with a private key in PEM. */
export function signMessage(
  algorithm: MessageAlgorithm,
  bytes: Uint8Array,
  base: string,
  privateKey: string | undefined,
): Uint8Array {
  if (algorithm === 'hmac-sha256') return hmac(bytes, base)
  if (privateKey === undefined) {
    throw new PosternError('bad_scheme', 'Cannot sign without the private key: the source has the public one')
  }
  const { kinds: _, digest, ...options } = RULES[algorithm]
  return sign(digest, Buffer.from(base), { ...options, key: privateKey })
}

function hmac(key: Uint8Array, content: string | Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(content).digest()
}

function isOf({ kinds }: KeyRule, { asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  const { namedCurve, modulusLength = 0 } = asymmetricKeyDetails ?? {}
  const isLong = modulusLength >= SHORTEST_RSA_BITS || !kinds.includes('rsa')
  return isLong && kinds.includes(namedCurve ?? asymmetricKeyType)
}
