import { createHash, randomUUID } from 'node:crypto'
import { PosternError } from '../../core/index.ts'
import type { Link } from './link.ts'
import type { StoreInspection, StoreSetting } from '../../inbox/index.ts'
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
const ANSWER_MS = 5000
/** How long opening a connection may take, the server's loading of its file included. */
const OPEN_MS = 10_000
/** Settings can be changed while the server runs. */
const CHECK_EVERY_MS = 60_000
/** Answers of a server that is to be left: it became a replica, or is loading its file. */
const LEAVE = /^(READONLY|LOADING|MASTERDOWN|NOREPLICAS|UNKILLABLE) /

export interface ServerOptions {
  readonly open: () => Promise<Link>
  readonly acceptsLoss: boolean
  /** Where the version of the layout stands. */
  readonly layoutKey: string
}

/** The version of the keys and what they hold. A store leaves alone what a later one has written. */
const LAYOUT = 2

const CLOCK = "local time = redis.call('TIME') return time[1] * 1000 + math.floor(time[2] / 1000)"

interface Connection {
  readonly link: Link
  settings: readonly StoreSetting[]
  checkedMs: number
  hasLayout: boolean
}

/**
 * The server that the store talks to, through one connection at a time. While there is none, every call rejects; the next
 * one tries to connect. Nothing is written before the server of this connection has been found safe.
 */
export class Server {
  /** Names this store among all that use the server. */
  readonly id: string = randomUUID()
  readonly #options: ServerOptions
  #connecting: Promise<Connection> | undefined
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
    const { link } = await this.#checked()
    const send = (command: string, body: string): Promise<unknown> =>
      this.#answerOf(() => link.command(key, [command, body, '1', key, ...args((this.#calls += 1))]))
    try {
      return asBytes(await send('EVALSHA', script.sha1))
    } catch (error) {
      if (!isUnknownScript(error)) throw this.#unavailable(error, link)
    }
    try {
      return asBytes(await send('EVAL', script.source))
    } catch (error) {
      throw this.#unavailable(error, link)
    }
  }

  /** What the server is, also where it is not safe. */
  async inspect(): Promise<StoreInspection> {
    const connection = await this.#connection()
    const { link } = connection
    try {
      connection.settings = await this.#answerOf(() => readSettings(link))
      const { layoutKey, acceptsLoss } = this.#options
      const ask = (...args: string[]): Promise<unknown> => this.#answerOf(() => link.command(layoutKey, args))
      const sentMs = Date.now()
      const [layout, info, time] = await Promise.all([
        ask('GET', layoutKey),
        this.#answerOf(() => link.everywhere(['INFO', 'server'])),
        ask('EVAL', CLOCK, '1', layoutKey),
      ])
      return {
        engine: engineOf(String(info[0])),
        schemaVersion: Buffer.isBuffer(layout) ? Number(layout.toString()) : undefined,
        clockAheadMs: Math.round(Number(time) - (sentMs + Date.now()) / 2),
        settings: connection.settings,
        acceptsLoss,
      }
    } catch (error) {
      throw this.#unavailable(error, link)
    }
  }

  end(): void {
    clearTimeout(this.#watch)
    this.#current?.end()
    this.#lose('The store is closed')
  }

  /** The connection, to a server that keeps what it acknowledges, or to any where the loss is accepted. */
  async #checked(): Promise<Connection> {
    const connection = await this.#connection()
    try {
      if (!this.#options.acceptsLoss) await this.#assertSound(connection)
      if (!connection.hasLayout) await this.#assertLayout(connection)
      return connection
    } catch (error) {
      throw this.#unavailable(error, connection.link)
    }
  }

  /** What was not sound is read again, since it may have been set right; and what was, now and then. */
  async #assertSound(connection: Connection): Promise<void> {
    const isOld = performance.now() - connection.checkedMs > CHECK_EVERY_MS
    if (isOld || connection.settings.some(({ isSound }) => !isSound)) {
      connection.checkedMs = performance.now()
      connection.settings = await this.#answerOf(() => readSettings(connection.link))
    }
    assertSound(connection.settings)
  }

  async #assertLayout(connection: Connection): Promise<void> {
    const { layoutKey } = this.#options
    const ask = (...args: string[]): Promise<unknown> =>
      this.#answerOf(() => connection.link.command(layoutKey, args))
    await ask('SET', layoutKey, String(LAYOUT), 'NX')
    const reply = await ask('GET', layoutKey)
    const found = Buffer.isBuffer(reply) ? reply.toString() : 'unknown'
    if (found !== String(LAYOUT)) {
      throw new PosternError(
        'bad_config',
        `This Redis holds events in layout ${found}; this version of Postern knows layout ${LAYOUT}`,
      )
    }
    connection.hasLayout = true
  }

  #connection(): Promise<Connection> {
    if (this.#connecting !== undefined) return this.#connecting
    const connecting = this.#connect()
    this.#connecting = connecting
    connecting.catch(() => {
      if (this.#connecting === connecting) this.#connecting = undefined
    })
    return connecting
  }

  async #connect(): Promise<Connection> {
    try {
      const link = await within(OPEN_MS, this.#options.open())
      this.#current = link
      link.onEnd(() => this.#ended(link))
      const settings = await this.#answerOf(() => readSettings(link))
      return { link, settings, checkedMs: performance.now(), hasLayout: false }
    } catch (error) {
      throw this.#unavailable(error, this.#current)
    }
  }

  /** What a broken connection, or a server that no longer takes writes, is answered with; both are left for a new one. */
  #unavailable(error: unknown, link: Link | undefined): PosternError {
    if (error instanceof PosternError) return error
    const message = error instanceof Error ? error.message : String(error)
    const isOfServer = error instanceof Error && /^[A-Z]+ /.test(message)
    if (!isOfServer || LEAVE.test(message)) link?.end()
    return new PosternError('store_unavailable', `Redis: ${message}`, { cause: error })
  }

  #ended(link: Link): void {
    if (this.#current !== link) return
    this.#current = undefined
    this.#connecting = undefined
    this.#lose('The connection to Redis was lost; whether it carried this out is not known')
  }

  #lose(message: string): void {
    for (const { reject } of this.#waiting) reject(new PosternError('store_unavailable', message))
    this.#waiting.clear()
  }

  /** The answer, or a rejection once it cannot come any more: clients forget what was under way when a connection breaks. */
  #answerOf<T>(send: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiting = { sentMs: performance.now(), reject }
      this.#waiting.add(waiting)
      this.#watchFor(ANSWER_MS)
      void (async () => {
        try {
          resolve(await send())
        } catch (error) {
          reject(error)
        } finally {
          this.#waiting.delete(waiting)
        }
      })()
    })
  }

  #watchFor(ms: number): void {
    this.#watch ??= setTimeout(() => {
      // Where the event loop was held up for long, the answer may be there and only not read yet.
      setImmediate(() => this.#giveUpSilent())
    }, ms).unref()
  }

  #giveUpSilent(): void {
    this.#watch = undefined
    const [oldest] = this.#waiting
    if (oldest === undefined) return
    const leftMs = oldest.sentMs + ANSWER_MS - performance.now()
    if (leftMs > 0) return this.#watchFor(leftMs)
    const link = this.#current
    link?.end()
    if (link !== undefined) this.#ended(link)
  }
}

interface Waiting {
  readonly sentMs: number
  readonly reject: (error: PosternError) => void
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

function asBytes(reply: unknown): Buffer {
  if (Buffer.isBuffer(reply)) return reply
  throw new Error(`The script answered ${typeof reply}, not bytes`)
}

function engineOf(info: string): string {
  const versions = ['valkey_version', 'redis_version'].map(
    (name) => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1],
  )
  const [valkey, redis] = versions.map((version) => version?.trim())
  return valkey === undefined ? `Redis ${redis ?? 'of unknown version'}` : `Valkey ${valkey}`
}

/** A promise's value, or a rejection after a time; a connection that comes too late is ended. */
async function within(ms: number, opening: Promise<Link>): Promise<Link> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new PosternError('store_unavailable', `Redis: no connection within ${ms} ms`))
      opening.then(
        (link) => link.end(),
        () => {},
      )
    }, ms)
  })
  try {
    return await Promise.race([opening, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
