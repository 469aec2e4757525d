import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'postern'
import { readSecrets, SECRETS_FILE } from './development-secrets.ts'
import { replaceFile } from './state-folder.ts'

/** The secret before a source's own, while one is being rotated. No source's name has such a sign. */
export function olderSecretOf(source: string): string {
  return `${source}#2`
}

/** Until when a source is to be answered 503, as an ISO time: while its secret is being changed at its vendor. */
export function holdOf(source: string): string {
  return `${source}#hold`
}

/** What `secrets.json` says of one source at a time: newest first, and none while it is held. */
export function secretsOf(
  secrets: ReadonlyMap<string, string>,
  source: string,
  nowMs: number,
): readonly string[] {
  const holdUntilMs = Date.parse(secrets.get(holdOf(source)) ?? '')
  if (holdUntilMs > nowMs) return []
  return [secrets.get(source), secrets.get(olderSecretOf(source))].filter((secret) => secret !== undefined)
}

export interface LiveSecretsOptions {
  /** The state folder. */
  readonly folder: string
  /** Sources whose secrets are in `secrets.json`. */
  readonly sources: readonly string[]
  readonly setSecret: (source: string, secrets: readonly string[]) => void
  readonly log: Logger
  readonly now: () => number
}

const LOOK_EVERY_MS = 200

/** Gives a running development gateway what `postern register` and `postern rotate` write into `secrets.json`. */
export class LiveSecrets {
  readonly #options: LiveSecretsOptions
  #timer: NodeJS.Timeout | undefined
  /** What each source has now, to be set only where it changes. */
  readonly #given = new Map<string, string>()
  /** The state of the file that could not be used, to be said once. */
  #unusable: string | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(options: LiveSecretsOptions) {
    this.#options = options
  }

  /** Fulfils when the secrets that are there have been taken. */
  async start(): Promise<void> {
    await this.#look()
    this.#timer = setInterval(() => (this.#looking = this.#looking.then(() => this.#look())), LOOK_EVERY_MS)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
    // Whoever changes the secrets then need not wait for anybody to take them.
    await rm(takenPath(this.#options.folder), { force: true })
  }

  async #look(): Promise<void> {
    const { folder, sources, log } = this.#options
    const version = await versionOf(folder)
    if (version === undefined || version === this.#unusable) return
    try {
      const secrets = (await readSecrets(join(folder, 'secrets.json'))) ?? new Map<string, string>()
      for (const source of sources) this.#give(source, secrets)
      await tellTaken(folder, { version, sources })
    } catch (error) {
      this.#unusable = version
      log.warn(`${SECRETS_FILE} was changed and cannot be used; the secrets stay as they are`, { error })
    }
  }

  #give(source: string, kept: ReadonlyMap<string, string>): void {
    const { setSecret, log, now } = this.#options
    // A source that was taken out of the file keeps what it has: what is gone must not make its requests unanswerable.
    if (!kept.has(source)) return
    const secrets = secretsOf(kept, source, now())
    const given = JSON.stringify(secrets)
    const before = this.#given.get(source)
    if (before === given) return
    setSecret(source, secrets)
    this.#given.set(source, given)
    if (before !== undefined) log.info(`${source}: ${SAID[secrets.length] ?? ''}`)
  }
}

const SAID: readonly string[] = [
  'its secret is being changed at the vendor, and its requests are answered 503 until it is',
  'takes its one secret',
  'takes its new secret, and the one before',
]

/** Tells one state of the file from another: each replacement is a new file. `undefined` where there is none. */
export async function versionOf(folder: string): Promise<string | undefined> {
  const found = await stat(join(folder, 'secrets.json'), { bigint: true }).catch(() => undefined)
  return found && `${found.ino}-${found.mtimeNs}-${found.size}`
}

/** Which state of the file the gateway of this folder has taken, and for which of its sources. */
interface Taken {
  readonly version: string
  readonly sources: readonly string[]
}

async function tellTaken(folder: string, taken: Taken): Promise<void> {
  const text = JSON.stringify(taken)
  const before = await readFile(takenPath(folder), 'utf8').catch(() => undefined)
  if (before !== text) await replaceFile(takenPath(folder), text)
}

/** The state that a running gateway has taken for a source; `undefined` where none follows it. One that was killed leaves it behind. */
export async function takenVersion(folder: string, source: string): Promise<string | undefined> {
  const text = await readFile(takenPath(folder), 'utf8').catch(() => undefined)
  // Our own file, written whole.
  const taken = text === undefined ? undefined : (JSON.parse(text) as Taken)
  return taken?.sources.includes(source) === true ? taken.version : undefined
}

function takenPath(folder: string): string {
  return join(folder, 'secrets.taken.json')
}
