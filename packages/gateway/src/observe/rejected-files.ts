import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

export interface RejectedFilesOptions {
  readonly folder: string
  /** How many are kept. Default 20. */
  readonly keep?: number
  /** Longer bodies are not kept. Default 1 MiB. */
  readonly maxBytes?: number
}

const NAME = /^(\d{6,15})\.json$/

/** Keeps the bodies of refused requests as files, newest only, readable by their owner only. Nothing in them is verified. */
export class RejectedFiles {
  readonly #folder: string
  readonly #keep: number
  readonly #maxBytes: number
  #last: Promise<unknown> = Promise.resolve()

  constructor({ folder, keep = 20, maxBytes = 1024 * 1024 }: RejectedFilesOptions) {
    this.#folder = folder
    this.#keep = keep
    this.#maxBytes = maxBytes
  }

  /** Writes a body byte-exactly and answers the file's name; `undefined` for one that is too long. One at a time, in order. */
  save(body: Uint8Array): Promise<string | undefined> {
    const saved = this.#last.then(() => (body.byteLength > this.#maxBytes ? undefined : this.#write(body)))
    this.#last = saved.catch(() => {})
    return saved
  }

  async #write(body: Uint8Array): Promise<string> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const existing = (await readdir(this.#folder)).filter((name) => NAME.test(name)).toSorted(byNumber)
    for (const name of existing.slice(0, Math.max(0, existing.length - this.#keep + 1))) {
      await rm(join(this.#folder, name), { force: true })
    }
    return this.#create(body, numberOf(existing.at(-1)) + 1)
  }

  /** Exclusively: a second gateway in the same folder may have taken the number. */
  async #create(body: Uint8Array, number: number): Promise<string> {
    const name = `${String(number).padStart(6, '0')}.json`
    try {
      const file = await open(join(this.#folder, name), 'wx', 0o600)
      await file.writeFile(body).finally(() => file.close())
      return name
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      return this.#create(body, number + 1)
    }
  }
}

function byNumber(left: string, right: string): number {
  return numberOf(left) - numberOf(right)
}

function numberOf(name: string | undefined): number {
  return Number(NAME.exec(name ?? '')?.[1] ?? 0)
}
