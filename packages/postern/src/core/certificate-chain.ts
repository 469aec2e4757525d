/**
 * Chains of X.509 certificates. One of the files of the core that import `node:crypto`.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import { distrustOwn, isValidAt, MAX_CERTIFICATES, type Certified } from './certificate.ts'
import type { Reason } from './reason.ts'
import type { CertificateRule } from './scheme.ts'

/** Certificates that chains may lead to, in PEM. */
export function trustedCertificates(pems: readonly string[]): readonly X509Certificate[] {
  return pems.map((pem) => new X509Certificate(pem))
}

/** Why a key is not to be trusted under a rule. */
export function distrust(
  certified: Certified,
  rule: CertificateRule,
  nowMs: number,
  trusted: readonly X509Certificate[] | undefined,
): Reason | undefined {
  const reason = distrustOwn(certified, nowMs)
  if (rule.trust === 'host' || reason !== undefined) return reason
  const { chain } = certified
  const [own] = chain
  const isOfName = rule.names?.some((name) => own?.checkHost(name) !== undefined) ?? true
  return own !== undefined && isOfName && leadsTo(trusted ?? roots(), own, chain, nowMs)
    ? undefined
    : 'untrusted_certificate'
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

let parsedRoots: readonly X509Certificate[] | undefined

/** Those that Node trusts. Parsed once, when the first chain is followed: 150 of them take some milliseconds. */
function roots(): readonly X509Certificate[] {
  parsedRoots ??= trustedCertificates(rootCertificates)
  return parsedRoots
}
