import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate and its private key, both in PEM, made by the `openssl` command line. */
export interface Certified {
  readonly certificate: string
  readonly privateKey: string
}

export interface CertificateWishes {
  readonly name: string
  /** Signs itself where absent. */
  readonly issuer?: Certified
  readonly isAuthority?: boolean
  /** As in `20260101000000Z`. */
  readonly from?: string
  readonly to?: string
  readonly bits?: number
  /** Of an RSA key; `ec` makes one over P-256. */
  readonly kind?: 'rsa' | 'ec'
}

/** Makes a certificate. */
export function makeCertificate(wishes: CertificateWishes): Certified {
  const folder = mkdtempSync(join(tmpdir(), 'postern-certificate-'))
  try {
    return made(folder, wishes)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function made(
  folder: string,
  { name, issuer, isAuthority = false, from, to, bits = 2048, kind = 'rsa' }: CertificateWishes,
): Certified {
  const file = (of: string): string => join(folder, of)
  const openssl = (...args: readonly string[]): string =>
    execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  writeFileSync(file('index.txt'), '')
  writeFileSync(file('index.txt.attr'), 'unique_subject = no\n')
  writeFileSync(file('openssl.cnf'), configuration(name, isAuthority))
  const key =
    kind === 'rsa'
      ? ['RSA', '-pkeyopt', `rsa_keygen_bits:${bits}`]
      : ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256']
  openssl('genpkey', '-algorithm', ...key, '-out', 'key.pem')
  openssl(
    'req',
    '-new',
    '-config',
    'openssl.cnf',
    '-key',
    'key.pem',
    '-subj',
    `/CN=${name}`,
    '-out',
    'request.pem',
  )
  if (issuer !== undefined) {
    writeFileSync(file('issuer.pem'), issuer.certificate)
    writeFileSync(file('issuer-key.pem'), issuer.privateKey)
  }
  const by =
    issuer === undefined
      ? ['-selfsign', '-keyfile', 'key.pem']
      : ['-cert', 'issuer.pem', '-keyfile', 'issuer-key.pem']
  const dates = ['-startdate', from ?? '20200101000000Z', '-enddate', to ?? '20400101000000Z']
  const files = ['-config', 'openssl.cnf', '-in', 'request.pem', '-out', 'own.pem']
  openssl('ca', '-batch', '-notext', '-extensions', 'own', ...files, ...dates, ...by)
  return {
    certificate: readFileSync(file('own.pem'), 'utf8'),
    privateKey: readFileSync(file('key.pem'), 'utf8'),
  }
}

function configuration(name: string, isAuthority: boolean): string {
  return `[ca]
default_ca = own_ca
[own_ca]
database = index.txt
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = any
[any]
commonName = supplied
[req]
distinguished_name = none
[none]
[own]
basicConstraints = critical,CA:${isAuthority ? 'TRUE' : 'FALSE'}
${isAuthority ? 'keyUsage = critical,keyCertSign' : `subjectAltName = DNS:${name}`}
`
}
