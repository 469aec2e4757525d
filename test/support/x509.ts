import { sign, type KeyObject } from 'node:crypto'

/**
 * Certificates (RFC 5280) put together byte by byte, in no time and the same in every run. Those of `certificates.ts` are made by
 * `openssl`, which takes half a second each.
 */
export interface CertificateFields {
  readonly subject: string
  /** The subject where absent. */
  readonly issuer?: string
  readonly key: KeyObject
  /** A private key of Ed25519. */
  readonly signedBy: KeyObject
  readonly isAuthority?: boolean
  /** Milliseconds since the epoch, of whole seconds. */
  readonly fromMs?: number
  readonly toMs?: number
  readonly dnsNames?: readonly string[]
  /** What the certificate calls its own key, and that of its issuer. */
  readonly keyId?: string
  readonly issuerKeyId?: string
}

/** A certificate in PEM. */
export function x509(fields: CertificateFields): string {
  const { subject, issuer = subject, key, signedBy } = fields
  const { fromMs = Date.UTC(2020, 0), toMs = Date.UTC(2040, 0) } = fields
  const content = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1)),
    ED25519,
    nameOf(issuer),
    sequence(timeOf(fromMs), timeOf(toMs)),
    nameOf(subject),
    key.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensionsOf(fields))),
  )
  const whole = sequence(content, ED25519, bits(sign(null, content, signedBy)))
  const lines = whole.toString('base64').replaceAll(/.{64}/g, '$&\n').trimEnd()
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

function extensionsOf({
  isAuthority = false,
  dnsNames = [],
  keyId,
  issuerKeyId,
}: CertificateFields): Buffer[] {
  const names = dnsNames.map((name) => der(0x82, Buffer.from(name)))
  return [
    extension('551d13', sequence(...(isAuthority ? [der(0x01, Buffer.of(0xff))] : []))),
    ...(names.length > 0 ? [extension('551d11', sequence(...names))] : []),
    ...(keyId === undefined ? [] : [extension('551d0e', der(0x04, Buffer.from(keyId)))]),
    ...(issuerKeyId === undefined
      ? []
      : [extension('551d23', sequence(der(0x80, Buffer.from(issuerKeyId))))]),
  ]
}

const ED25519 = sequence(der(0x06, Buffer.from('2b6570', 'hex')))

function extension(oid: string, value: Buffer): Buffer {
  return sequence(der(0x06, Buffer.from(oid, 'hex')), der(0x04, value))
}

/** A name that is one common name. */
function nameOf(text: string): Buffer {
  const commonName = sequence(der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from(text)))
  return sequence(der(0x31, commonName))
}

/** UTCTime, which has years from 1950 to 2049. */
function timeOf(ms: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(ms).toISOString().replaceAll(/\D/g, '').slice(2, 14)}Z`))
}

function bits(bytes: Uint8Array): Buffer {
  return der(0x03, Buffer.concat([Buffer.of(0), bytes]))
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(0x30, Buffer.concat(parts))
}

function der(tag: number, content: Uint8Array): Buffer {
  const { length } = content
  const size = length < 0x80 ? [length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...size), content])
}
