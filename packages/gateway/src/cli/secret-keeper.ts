import { open, rm, stat, type FileHandle } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { secretVariable } from '../config/secret-variable.ts'
import type { CliContext } from './context.ts'
import { changeSecrets, readSecrets, SECRETS_FILE } from './development-secrets.ts'
import { holdOf, olderSecretOf, takenVersion, versionOf } from './live-secrets.ts'
import { UsageError } from './usage-error.ts'
import { join } from 'node:path'

export interface KeeperFlags {
  readonly secretFile?: string
  readonly printSecret?: boolean
}

/** Where a secret goes that a vendor tells once. */
export interface SecretKeeper {
  /** For people, and never the secret. */
  readonly place: string
  /** Whether a development gateway of this folder takes it by itself. */
  readonly isLive: boolean
  /** Finds out that a secret could be kept, before there is one. */
  prepare(): Promise<void>
  /** On stable storage, or printed, when it fulfils. `older` goes on counting beside it. */
  keep(secret: string, older?: string): Promise<void>
  /** Takes back what `prepare` has made. */
  discard(): Promise<void>
}

/** Chooses by the flags; refuses what could not have any effect. */
export function secretKeeper(
  source: string,
  { secretFile, printSecret }: KeeperFlags,
  folder: string,
  context: Pick<CliContext, 'cwd' | 'env' | 'stdout'>,
): SecretKeeper {
  const variable = secretVariable(source)
  if (secretFile !== undefined && printSecret === true) {
    throw new UsageError('Either --secret-file or --print-secret: a secret is told once')
  }
  if (secretFile !== undefined) return new FileKeeper(resolve(context.cwd, secretFile), secretFile, variable)
  if (printSecret === true) return new Printer(variable, context)
  if ((context.env[variable] ?? '').trim() !== '') {
    throw new UsageError(
      `${variable} is set here, and counts before ${SECRETS_FILE}: unset it, or say --secret-file FILE or --print-secret`,
    )
  }
  return new FolderKeeper(source, folder)
}

/** `.postern/secrets.json`, which `postern dev` reads while it runs. */
class FolderKeeper implements SecretKeeper {
  readonly place = SECRETS_FILE
  readonly isLive = true
  readonly #source: string
  readonly #folder: string

  constructor(source: string, folder: string) {
    this.#source = source
    this.#folder = folder
  }

  async prepare(): Promise<void> {
    await readSecrets(join(this.#folder, 'secrets.json'))
  }

  async keep(secret: string, older?: string): Promise<void> {
    await changeSecrets(this.#folder, {
      [this.#source]: secret,
      [olderSecretOf(this.#source)]: older,
      [holdOf(this.#source)]: undefined,
    })
  }

  async discard(): Promise<void> {}
}

/** A file in the form of an environment, for `serve`: systemd's `EnvironmentFile`, `docker run --env-file`. */
class FileKeeper implements SecretKeeper {
  readonly place: string
  readonly isLive = false
  readonly #path: string
  readonly #variable: string
  #file: FileHandle | undefined

  constructor(path: string, shownAs: string, variable: string) {
    this.#path = path
    this.place = shownAs
    this.#variable = variable
  }

  async prepare(): Promise<void> {
    // One that is empty was left by a run that ended between this and its secret.
    const left = await stat(this.#path).catch(() => undefined)
    if (left?.size === 0) await rm(this.#path)
    this.#file = await open(this.#path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') throw new UsageError(`--secret-file: ${this.place} is there already`)
      throw error
    })
  }

  async keep(secret: string, older?: string): Promise<void> {
    if (this.#file === undefined) await this.prepare()
    await this.#file?.writeFile(variablesText(this.#variable, secret, older))
    await this.#file?.sync()
    await this.#file?.close()
    this.#file = undefined
  }

  async discard(): Promise<void> {
    if (this.#file === undefined) return
    await this.#file.close()
    await rm(this.#path, { force: true })
    this.#file = undefined
  }
}

/** Standard output, which then holds nothing else. */
class Printer implements SecretKeeper {
  readonly place = 'standard output'
  readonly isLive = false
  readonly #variable: string
  readonly #context: Pick<CliContext, 'stdout'>

  constructor(variable: string, context: Pick<CliContext, 'stdout'>) {
    this.#variable = variable
    this.#context = context
  }

  async prepare(): Promise<void> {}

  async keep(secret: string, older?: string): Promise<void> {
    this.#context.stdout.write(variablesText(this.#variable, secret, older))
  }

  async discard(): Promise<void> {}
}

function variablesText(variable: string, secret: string, older: string | undefined): string {
  return `${variable}=${secret}\n${older === undefined ? '' : `${variable}_2=${older}\n`}`
}

const TAKEN_WITHIN_MS = 3000
const LOOK_EVERY_MS = 50

/** Waits until the development gateway of a folder has taken what `secrets.json` says now of a source; `false` where none did. */
export async function isTaken(folder: string, source: string): Promise<boolean> {
  const untilMs = performance.now() + TAKEN_WITHIN_MS
  for (;;) {
    const [version, taken] = [await versionOf(folder), await takenVersion(folder, source)]
    if (version !== undefined && taken === version) return true
    if (taken === undefined || performance.now() >= untilMs) return false
    await pause(LOOK_EVERY_MS)
  }
}
