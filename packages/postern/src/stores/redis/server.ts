import { createHash, randomUUID } from 'node:crypto'
import { PosternError } from '../../core/index.ts'
import type { Link } from './link.ts'
import { assertSound, readSettings } from './safety.ts'

/** A script, and what the server knows it by. */
export interface Script {
  readonly source: string
  readonly sha1: string
}

export function scriptOf(source: string): Script {
  return { source, sha1: createHash('sha1').update(source).digest('hex') }
}

/** After this, an answer counts as lost: a connection may break without either end being told. */
const ANSWER_MS = 10_000

export interface ServerOptions {
  readonly open: () => Promise<Link>
  readonly acceptsLoss: boolean
}

/**
 * The server that the store talks to, through one connection at a time. While there is none, every call rejects; the next
 * one tries to connect. Nothing is sent before the server of this connection has been found safe.
 */
export class Server {
  /** Names this store among all that use the server. */
  readonly id: string = randomUUID()
  readonly #options: ServerOptions
  #link: Promise<Link> | undefined
  #current: Link | undefined
  /** What waits for an answer, with the time it was sent; the oldest first. */
  readonly #waiting = new Set<Waiting>()
  #watch: NodeJS.Timeout | undefined
  #calls = 0

  constructor(options: ServerOptions) {
    this.#options = options
  }

  /** Runs a script for the keys that go with `key`; `args` is given the number of the call, which is never used again. */
  async run(
    script: Script,
    key: string,
    args: (call: number) => readonly (string | Buffer)[],
  ): Promise<Buffer> {
    const link = await this.link()
    const send = (command: string, body: string): Promise<unknown> =>
      this.#answerOf(() => link.command(key, [command, body, '1', key, ...args((this.#calls += 1))]))
    try {
      return asBytes(await send('EVALSHA', script.sha1))
    } catch (error) {
      if (!isUnknownScript(error)) throw unavailable(error)
    }
    try {
      return asBytes(await send('EVAL', script.source))
    } catch (error) {
      throw unavailable(error)
    }
  }

  /** The connection, opened and found safe where there was none. */
  link(): Promise<Link> {
    if (this.#link !== undefined) return this.#link
    const opening = this.#open()
    this.#link = opening
    opening.catch(() => {
      if (this.#link === opening) this.#link = undefined
    })
    return opening
  }

  end(): void {
    clearTimeout(this.#watch)
    this.#current?.end()
    this.#lose('The store is closed')
  }

  async #open(): Promise<Link> {
    let link: Link | undefined
    try {
      link = await this.#options.open()
      const opened = link
      link.onEnd(() => this.#ended(opened))
      this.#current = link
      if (!this.#options.acceptsLoss) assertSound(await readSettings(link))
      return link
    } catch (error) {
      link?.end()
      throw unavailable(error)
    }
  }

  #ended(link: Link): void {
    if (this.#current !== link) return
    this.#current = undefined
    this.#link = undefined
    this.#lose('The connection to Redis was lost; whether it carried this out is not known')
  }

  #lose(message: string): void {
    for (const { reject } of this.#waiting) reject(new PosternError('store_unavailable', message))
    this.#waiting.clear()
  }

  /** The answer, or a rejection once it cannot come any more: clients forget what was under way when a connection breaks. */
  #answerOf(send: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const waiting = { sentMs: performance.now(), reject }
      this.#waiting.add(waiting)
      this.#watchFor(ANSWER_MS)
      send()
        .then(resolve, reject)
        .finally(() => this.#waiting.delete(waiting))
    })
  }

  #watchFor(ms: number): void {
    this.#watch ??= setTimeout(() => {
      this.#watch = undefined
      const [oldest] = this.#waiting
      if (oldest === undefined) return
      const leftMs = oldest.sentMs + ANSWER_MS - performance.now()
      if (leftMs > 0) return this.#watchFor(leftMs)
      const link = this.#current
      link?.end()
      if (link !== undefined) this.#ended(link)
    }, ms).unref()
  }
}

interface Waiting {
  readonly sentMs: number
  readonly reject: (error: PosternError) => void
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

function unavailable(error: unknown): PosternError {
  if (error instanceof PosternError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new PosternError('store_unavailable', `Redis: ${message}`, { cause: error })
}

function asBytes(reply: unknown): Buffer {
  if (Buffer.isBuffer(reply)) return reply
  throw new Error(`The script answered ${typeof reply}, not bytes`)
}
