import { open, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { messageOf } from '../config/problem.ts'
import { narrow, replaceFile, STATE_FOLDER, unlessExists, type Warn } from './state-folder.ts'

/** Where development secrets are, as it is shown. */
export const SECRETS_FILE: string = `${STATE_FOLDER}/secrets.json`

export interface DevelopmentSecretsOptions {
  /** The state folder; it exists. */
  readonly folder: string
  readonly randomBytes: (length: number) => Uint8Array
  readonly warn: Warn
}

const SECRET_BYTES = 32
const LOCK_TRIES = 200
const LOCK_PAUSE_MS = 25
/** Whoever has it needs milliseconds; one that is older was left by a process that was killed. */
const LOCK_STALE_MS = 10_000

/** The secrets of the sources named, made where there is none yet. Of several starts at once all get the same. */
export async function developmentSecrets(
  sources: readonly string[],
  options: DevelopmentSecretsOptions,
): Promise<ReadonlyMap<string, string>> {
  if (sources.length === 0) return new Map()
  const path = join(options.folder, 'secrets.json')
  const existing = await readSecrets(path)
  if (existing !== undefined) await narrow(path, 0o600, SECRETS_FILE, options.warn)
  if (existing !== undefined && sources.every((source) => existing.has(source))) return existing
  return withLock(`${path}.lock`, async () => {
    const secrets = new Map(await readSecrets(path))
    for (const source of sources) {
      if (!secrets.has(source)) secrets.set(source, newSecret(options.randomBytes))
    }
    await replaceFile(path, textOf(secrets))
    return secrets
  })
}

/**
 * Keeps the secret that a handshake has brought for a source. Rejects where there is one for it: nobody signs a handshake,
 * and the first one counts until its line is deleted.
 */
export async function keepSecret(
  source: string,
  secret: string,
  { folder }: Pick<DevelopmentSecretsOptions, 'folder'>,
): Promise<void> {
  const path = join(folder, 'secrets.json')
  await withLock(`${path}.lock`, async () => {
    const secrets = new Map(await readSecrets(path))
    if (secrets.has(source)) {
      throw new Error(`${SECRETS_FILE} has a secret for ${source}; delete its line to take another`)
    }
    await replaceFile(path, textOf(secrets.set(source, secret)))
  })
}

/** Changes the secrets that are kept, whole or not at all; answers what they are then. `undefined` removes one. */
export async function changeSecrets(
  folder: string,
  changes: Readonly<Record<string, string | undefined>>,
): Promise<ReadonlyMap<string, string>> {
  const path = join(folder, 'secrets.json')
  return withLock(`${path}.lock`, async () => {
    const secrets = new Map(await readSecrets(path))
    for (const [name, secret] of Object.entries(changes)) {
      if (secret === undefined) secrets.delete(name)
      else secrets.set(name, secret)
    }
    await replaceFile(path, textOf(secrets))
    return secrets
  })
}

/** The secrets made so far; `undefined` where there is no file. */
export async function readSecrets(path: string): Promise<ReadonlyMap<string, string> | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(`${SECRETS_FILE} cannot be read: ${messageOf(error)}`, { cause: error })
  }
  const secrets = parseSecrets(text)
  if (secrets === undefined) {
    // The parser's own message would quote the text.
    throw new Error(
      `${SECRETS_FILE} is not an object of names and secrets; mend it, or delete it to have new ones made`,
    )
  }
  return secrets
}

function textOf(secrets: ReadonlyMap<string, string>): string {
  return `${JSON.stringify(Object.fromEntries(secrets), undefined, 2)}\n`
}

function parseSecrets(text: string): ReadonlyMap<string, string> | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const entries = Object.entries(value)
  const areSecrets = entries.every(([, secret]) => typeof secret === 'string' && secret.trim() !== '')
  return areSecrets ? new Map(entries as [string, string][]) : undefined
}

/** Hexadecimal: a secret in this form is one in every key format. */
function newSecret(randomBytes: (length: number) => Uint8Array): string {
  return Buffer.from(randomBytes(SECRET_BYTES)).toString('hex')
}

async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await takeLock(path)
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

async function takeLock(path: string): Promise<void> {
  for (let tries = 0; tries < LOCK_TRIES; tries += 1) {
    if (await createLock(path)) return
    await removeIfStale(path)
    await pause(LOCK_PAUSE_MS)
  }
  throw new Error(`${SECRETS_FILE}.lock is held by another start; if there is none, delete it`)
}

async function createLock(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600)
    await file.close()
    return true
  } catch (error) {
    unlessExists(error as NodeJS.ErrnoException)
    return false
  }
}

async function removeIfStale(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found !== undefined && Date.now() - found.mtimeMs > LOCK_STALE_MS) await rm(path, { force: true })
}
