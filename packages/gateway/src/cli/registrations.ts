import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { replaceFile } from './state-folder.ts'

/**
 * What was done at vendors from this folder, without any secret. Written before a vendor is asked to make something whose answer
 * holds a secret that it tells once: a crash before that secret is kept is then known for what it is.
 */
export type Registration =
  | { readonly state: 'creating'; readonly startedMs: number }
  | {
      readonly state: 'kept'
      readonly webhookId: number
      readonly source: string
      readonly keptIn: string
      /** When the secret last changed. */
      readonly changedMs: number
    }

const registration = v.variant('state', [
  v.object({ state: v.literal('creating'), startedMs: v.number() }),
  v.object({
    state: v.literal('kept'),
    webhookId: v.number(),
    source: v.string(),
    keptIn: v.string(),
    changedMs: v.number(),
  }),
])

const schema = v.record(v.string(), registration)

/** The registrations of a state folder, by vendor and URL. */
export class Registrations {
  readonly #path: string

  constructor(folder: string) {
    this.#path = join(folder, 'registrations.json')
  }

  async get(vendor: string, url: string): Promise<Registration | undefined> {
    const all = await this.#read()
    const key = keyOf(vendor, url)
    return Object.hasOwn(all, key) ? all[key] : undefined
  }

  /** On stable storage when it fulfils. */
  async set(vendor: string, url: string, value: Registration | undefined): Promise<void> {
    const others = Object.entries(await this.#read()).filter(([key]) => key !== keyOf(vendor, url))
    const all = Object.fromEntries(value === undefined ? others : [...others, [keyOf(vendor, url), value]])
    await replaceFile(this.#path, `${JSON.stringify(all, undefined, 2)}\n`)
  }

  async #read(): Promise<Readonly<Record<string, Registration>>> {
    const text = await readFile(this.#path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '{}'
      throw error
    })
    const parsed = v.safeParse(schema, parse(text))
    if (parsed.success) return parsed.output
    throw new Error(`${this.#path} is not as it was written; mend it, or delete it`)
  }
}

function keyOf(vendor: string, url: string): string {
  return `${vendor} ${url}`
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
