import { coveredPlaces } from './certified-content.ts'
import type { CertificateScheme } from './scheme.ts'
import { samePlace } from './sound-scheme.ts'

/** Why a scheme of certificates looks protected and is not. */
export function unsoundCertified(scheme: CertificateScheme): string | undefined {
  const { content, timestamp, certificate, expected } = scheme
  if (!coveredPlaces(scheme).some((place) => samePlace(place, timestamp.in))) {
    return 'has a timestamp that is not part of the signed content, so anyone could renew it'
  }
  if (expected === undefined && !content.includes('configured')) {
    return 'neither signs nor expects what is configured, so that anybody who has such a certificate could send'
  }
  if (expected !== undefined && !coveredPlaces(scheme).some((place) => samePlace(place, expected))) {
    return 'expects what is not part of the signed content, so that anyone could write it'
  }
  return certificate.hosts === '' ? 'names no host that a certificate may be fetched from' : undefined
}
