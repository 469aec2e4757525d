/**
 * X.509 certificates and the RSA keys in them. One of the files of the core that import `node:crypto`.
 *
 * @module
 */
import { createPublicKey, sign, verify, X509Certificate, type KeyObject } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import { crc32 } from 'node:zlib'
import type { Reason } from './reason.ts'
import type { CertificateRule } from './scheme.ts'

/** What stands at an address: a certificate and those that issued it, or a key by itself. */
export interface Certified {
  readonly key: KeyObject
  /** The key's own first. Empty where the address has a key by itself. */
  readonly chain: readonly X509Certificate[]
}

/** More than any chain has. */
const MAX_CERTIFICATES = 8
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

/** Certificates that chains may lead to, in PEM. */
export function trustedCertificates(pems: readonly string[]): readonly X509Certificate[] {
  return pems.map((pem) => new X509Certificate(pem))
}

/** Why a key is not to be trusted under a rule. */
export function distrust(
  { chain }: Certified,
  rule: CertificateRule,
  nowMs: number,
  trusted: readonly X509Certificate[] | undefined,
): Reason | undefined {
  const [own] = chain
  if (own === undefined) return rule.trust === 'host' ? undefined : 'untrusted_certificate'
  if (!isValidAt(own, nowMs)) return 'untrusted_certificate'
  if (rule.trust === 'host') return undefined
  const isOfName = rule.names?.some((name) => own.checkHost(name) !== undefined) ?? true
  return isOfName && leadsTo(trusted ?? roots(), own, chain, nowMs) ? undefined : 'untrusted_certificate'
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

/**
 * Follows issuers as far as one that is trusted. Each must be a certificate authority that is valid, and have signed. One
 * that was renewed, or signed by two, is there more than once, with one name and one key: all of them are followed.
 * Node shows no length of a path and no constraint of names; both matter to whoever relies on this alone, and here the
 * address that the certificate is from is pinned as well.
 */
function leadsTo(
  trusted: readonly X509Certificate[],
  own: X509Certificate,
  chain: readonly X509Certificate[],
  nowMs: number,
): boolean {
  let reached: readonly X509Certificate[] = [own]
  let left = chain
  for (let step = 0; step < MAX_CERTIFICATES; step += 1) {
    const isIssuer = (each: X509Certificate): boolean =>
      reached.some((certificate) => hasIssued(each, certificate, nowMs))
    if (reached.some((certificate) => isOneOf(trusted, certificate)) || trusted.some(isIssuer)) return true
    const issuers = left.filter(isIssuer)
    left = left.filter((each) => !issuers.includes(each))
    reached = issuers
  }
  return false
}

function isOneOf(trusted: readonly X509Certificate[], { fingerprint256 }: X509Certificate): boolean {
  return trusted.some((each) => each.fingerprint256 === fingerprint256)
}

function hasIssued(issuer: X509Certificate, certificate: X509Certificate, nowMs: number): boolean {
  return (
    issuer.subject === certificate.issuer &&
    issuer.ca &&
    isValidAt(issuer, nowMs) &&
    certificate.checkIssued(issuer) &&
    certificate.verify(issuer.publicKey)
  )
}

function isValidAt({ validFrom, validTo }: X509Certificate, nowMs: number): boolean {
  return Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo)
}

function isLongRsa({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  const { modulusLength = 0 } = asymmetricKeyDetails ?? {}
  return asymmetricKeyType === 'rsa' && modulusLength >= SHORTEST_RSA_BITS
}

let parsedRoots: readonly X509Certificate[] | undefined

/** Those that Node trusts. Parsed once, when the first chain is followed: 150 of them take some milliseconds. */
function roots(): readonly X509Certificate[] {
  parsedRoots ??= trustedCertificates(rootCertificates)
  return parsedRoots
}
