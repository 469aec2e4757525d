import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { unwatchFile, watchFile } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Logger } from 'postern'
import type { CliContext } from './context.ts'
import { exposureOfFile } from './exposed-file.ts'
import { messageOf, problem, type Checked } from '../config/problem.ts'

/** Where the listener's certificate and key are, and the settings that said so. */
export interface TlsFiles {
  readonly certPath: string
  readonly keyPath: string
  readonly certSetting: string
  readonly keySetting: string
}

/** A certificate with its key, as they are used from now on. */
export interface TlsMaterial {
  readonly files: TlsFiles
  readonly options: SecureContextOptions
  /** When the certificate ends. */
  readonly expiresMs: number
  readonly warnings: readonly TlsWarning[]
}

/** What the operator should see to; nothing that keeps a listener from starting. */
export interface TlsWarning {
  /** The setting of the file that is meant. */
  readonly setting: string
  readonly message: string
  /** Senders do not take the certificate as it is. */
  readonly isRefused: boolean
}

/** TLS 1.0 and 1.1 are not to be used (RFC 8996). */
const MIN_VERSION = 'TLSv1.2'

/** Reads both and sees that they belong together; what is wrong is said of the setting to mend, and never shows a key. */
export async function readTls(files: TlsFiles, nowMs: number): Promise<Checked<TlsMaterial>> {
  const [cert, key] = await Promise.all([
    readPem(files.certPath, files.certSetting),
    readPem(files.keyPath, files.keySetting),
  ])
  if (!cert.ok) return cert
  if (!key.ok) return key
  const certificate = parseCertificate(cert.value, files)
  if (!certificate.ok) return certificate
  const privateKey = parseKey(key.value, files)
  if (!privateKey.ok) return privateKey
  if (!certificate.value.checkPrivateKey(privateKey.value))
    return problem(
      files.keySetting,
      `${files.keyPath} is not the key of the certificate in ${files.certPath} (its first, for ${certificate.value.subject.replaceAll('\n', ', ')}): a server with them could not answer anybody`,
    )
  const options = { cert: cert.value, key: key.value, minVersion: MIN_VERSION } as const
  const usable = isUsable(options, files)
  if (!usable.ok) return usable
  const { validFrom, validTo } = certificate.value
  const expiresMs = Date.parse(validTo)
  const validity = { beginsMs: Date.parse(validFrom), expiresMs }
  return {
    ok: true,
    value: {
      files,
      options,
      expiresMs,
      warnings: [...validityWarnings(files, validity, nowMs), ...modeWarnings(files)],
    },
  }
}

async function readPem(path: string, setting: string): Promise<Checked<Buffer>> {
  try {
    return { ok: true, value: await readFile(path) }
  } catch (error) {
    return problem(setting, `cannot be read: ${messageOf(error)}`)
  }
}

function parseCertificate(pem: Buffer, { certPath, certSetting }: TlsFiles): Checked<X509Certificate> {
  try {
    return { ok: true, value: new X509Certificate(pem) }
  } catch {
    return problem(
      certSetting,
      `${certPath} is not a certificate in PEM; its chain comes after it in the same file`,
    )
  }
}

function parseKey(pem: Buffer, { keyPath, keySetting }: TlsFiles): Checked<KeyObject> {
  try {
    return { ok: true, value: createPrivateKey(pem) }
  } catch {
    // In both forms that there are: `BEGIN ENCRYPTED PRIVATE KEY`, and `Proc-Type: 4,ENCRYPTED`.
    const isEncrypted = pem.includes('ENCRYPTED')
    return problem(
      keySetting,
      isEncrypted
        ? `${keyPath} is encrypted, and there is nobody to ask for its passphrase: openssl pkey -in ${keyPath} -out PLAIN.pem`
        : `${keyPath} is not a private key in PEM`,
    )
  }
}

/** The chain behind the first certificate is only read here; so is what OpenSSL's own rules refuse, as a key of 512 bits. */
function isUsable(
  options: SecureContextOptions,
  { certPath, keyPath, certSetting }: TlsFiles,
): Checked<true> {
  try {
    createSecureContext(options)
    return { ok: true, value: true }
  } catch (error) {
    return problem(
      certSetting,
      `${certPath}, with its chain, and ${keyPath} cannot be used together: ${messageOf(error)}`,
    )
  }
}

/** For whoever renews by hand. What renews by itself has done so by then: of 90 days, a third is left. */
const WARN_BEFORE_END_MS = 14 * 24 * 60 * 60 * 1000

function validityWarnings(
  { certPath, certSetting: setting }: TlsFiles,
  { beginsMs, expiresMs }: { readonly beginsMs: number; readonly expiresMs: number },
  nowMs: number,
): readonly TlsWarning[] {
  const [begins, ends] = [beginsMs, expiresMs].map((ms) => new Date(ms).toISOString())
  const what = `the certificate ${certPath}`
  if (nowMs < beginsMs)
    return [
      { setting, message: `${what} begins at ${begins}: senders refuse it until then`, isRefused: true },
    ]
  if (nowMs >= expiresMs)
    return [{ setting, message: `${what} ended at ${ends}: senders refuse it`, isRefused: true }]
  if (expiresMs - nowMs > WARN_BEFORE_END_MS) return []
  return [{ setting, message: `${what} ends at ${ends}: renew it before`, isRefused: false }]
}

function modeWarnings({ keyPath, keySetting: setting }: TlsFiles): readonly TlsWarning[] {
  const message = exposureOfFile(keyPath, { called: `the key ${keyPath}`, remedy: `chmod 600 '${keyPath}'` })
  return message === undefined ? [] : [{ setting, message, isRefused: false }]
}

/** How often the files are looked at. Their times and not the system's own notices: those miss a link that is turned. */
const LOOK_EVERY_MS = 5000

const NOT_RENEWED = 'the certificate was not renewed; the one before stays in use'

export interface TlsReloadOptions {
  readonly files: TlsFiles
  readonly use: (options: SecureContextOptions) => void
  readonly log: Logger
  readonly now: () => number
  readonly lookEveryMs?: number
}

/** Takes up what the files hold when they change, and when it is told to. What is wrong leaves in use what was. */
export class TlsReload {
  readonly #options: TlsReloadOptions
  #reloading: Promise<void> = Promise.resolve()

  constructor(options: TlsReloadOptions) {
    this.#options = options
    const { certPath, keyPath } = options.files
    for (const path of [certPath, keyPath])
      watchFile(path, { interval: options.lookEveryMs ?? LOOK_EVERY_MS, persistent: false }, this.reload)
  }

  /** Reads the files again, one reading after the other. Never rejects. */
  readonly reload = (): Promise<void> => {
    this.#reloading = this.#reloading
      .then(() => this.#reload())
      .catch((error: unknown) => this.#options.log.error(NOT_RENEWED, { error }))
    return this.#reloading
  }

  stop(): void {
    const { certPath, keyPath } = this.#options.files
    for (const path of [certPath, keyPath]) unwatchFile(path, this.reload)
  }

  async #reload(): Promise<void> {
    const { files, use, log, now } = this.#options
    const read = await readTls(files, now())
    if (!read.ok) {
      const [wrong] = read.problems
      return log.error(NOT_RENEWED, {
        setting: wrong?.path,
        reason: wrong?.message,
      })
    }
    use(read.value.options)
    for (const { message } of read.value.warnings) log.warn(message)
    log.info('the certificate was read again', { ends: new Date(read.value.expiresMs).toISOString() })
  }
}

/** Takes up a renewed certificate without a restart, from then on; answers how to stop that. */
export function followTls(
  { files, warnings }: TlsMaterial,
  server: { renew(options: SecureContextOptions): void },
  { log, onReload }: { readonly log: Logger; readonly onReload: CliContext['onReload'] },
): () => void {
  for (const { message } of warnings) log.warn(message)
  const follow = new TlsReload({ files, use: (options) => server.renew(options), log, now: Date.now })
  const forget = onReload?.(() => void follow.reload())
  return () => {
    forget?.()
    follow.stop()
  }
}
