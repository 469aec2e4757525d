import { X509Certificate } from 'node:crypto'

const BEGINNING = '-----BEGIN CERTIFICATE-----'
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/**
 * What is wrong with certificate authorities in PEM; `undefined` where nothing is. What cannot be read would be found out by each
 * delivery anew, or be passed over.
 */
export function authoritiesProblem(text: string): string | undefined {
  const certificates = text.match(CERTIFICATE) ?? []
  if (certificates.length === 0) return 'is no certificate in PEM'
  const begun = text.split(BEGINNING).length - 1
  return certificates.length === begun && certificates.every(isCertificate)
    ? undefined
    : 'has a certificate that cannot be read'
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.byteLength > 0
  } catch {
    return false
  }
}
