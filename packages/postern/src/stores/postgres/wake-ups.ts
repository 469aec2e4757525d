import { randomUUID } from 'node:crypto'
import type { PooledClient, PostgresPool } from './client.ts'
import type { Server } from './server.ts'

/** Wake-ups of other nodes are at most this frequent: what comes between two is announced by the second. */
const ANNOUNCE_GAP_MS = 20
/** How often the listening connection is asked whether it still hears, and how long until it must have. */
const CHECK_EVERY_MS = 30_000
const HEARD_WITHIN_MS = 5000
/**
 * Until a connection that hears nothing is tried again, twice as long each time. A pooler in transaction mode never will
 * hear; a network that was cut just then will in a moment.
 */
const RETRY_AFTER_MS = 1000
const LONGEST_RETRY_AFTER_MS = 300_000
/** With fewer connections than this, one that only listens is more than can be spared. */
const FEWEST_CONNECTIONS = 3

/**
 * Tells waiting claims of work: what this node commits at once, what others commit by LISTEN, on a connection of its own that
 * is heard to work. Where that is not to be had (a pooler in transaction mode), the claims' own poll finds the work.
 *
 * NOTIFY holds a lock of the whole database through its commit, so it is sent by itself, once for whatever was committed
 * meanwhile, and never with a commit that waits for the disk.
 */
export class WakeUps {
  readonly #pool: PostgresPool
  readonly #server: Server
  readonly #channel: string
  /** Tells this node's own messages from those of others. */
  readonly #self = randomUUID()
  readonly #wakers = new Set<() => void>()
  #client: PooledClient | undefined
  #isListening = false
  #isStarting = false
  #hears = false
  #retryAtMs = 0
  #retryAfterMs = RETRY_AFTER_MS
  #check: NodeJS.Timeout | undefined
  #onHeard: (() => void) | undefined
  #isUnannounced = false
  #announcing: Promise<void> | undefined
  #isClosed = false

  /** @param server Says what is to be heard; on `pool` it is heard. */
  constructor(pool: PostgresPool, server: Server, schema: string) {
    this.#pool = pool
    this.#server = server
    this.#channel = `postern ${schema}`
  }

  /** Whether others' work is told, so that a poll need only be a backstop. */
  get hears(): boolean {
    return this.#hears
  }

  /** Calls `wake` at the next work, until it is forgotten. */
  onWork(wake: () => void): () => void {
    this.#wakers.add(wake)
    if (!this.#isListening && !this.#isStarting && performance.now() >= this.#retryAtMs) void this.#listen()
    return () => void this.#wakers.delete(wake)
  }

  /** Tells of work that was committed: this node now, the others soon. */
  announce(): void {
    this.#wake()
    this.#isUnannounced = true
    this.#announcing ??= this.#announceAll().finally(() => (this.#announcing = undefined))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#check)
    await this.#announcing
    this.#letGo()
  }

  #wake(): void {
    for (const wake of this.#wakers) wake()
  }

  async #announceAll(): Promise<void> {
    while (this.#isUnannounced) {
      this.#isUnannounced = false
      try {
        await this.#notify('work')
      } catch {
        // The server is out of reach: there is nobody to be told, and the others' polls find the work.
        return
      }
      if (!this.#isClosed) await new Promise((resolve) => setTimeout(resolve, ANNOUNCE_GAP_MS))
    }
  }

  async #notify(what: 'work' | 'hello'): Promise<void> {
    await this.#server.call('SELECT pg_notify($1, $2)', [this.#channel, `${what} ${this.#self}`])
  }

  async #listen(): Promise<void> {
    if (this.#isClosed || (this.#pool.options?.max ?? Infinity) < FEWEST_CONNECTIONS) return
    this.#isStarting = true
    try {
      const client = await this.#pool.connect()
      this.#client = client
      client.on('notification', this.#onMessage)
      client.on('error', () => this.#lost(client))
      await client.query(`LISTEN "${this.#channel}"`)
      this.#isListening = true
      await this.#ask()
    } catch {
      this.#letGo()
    } finally {
      this.#isStarting = false
    }
    if (this.#isClosed) this.#letGo()
  }

  readonly #onMessage = ({ payload = '' }: { readonly payload?: string | undefined }): void => {
    const [what, from] = payload.split(' ')
    if (from !== this.#self) return this.#wake()
    if (what === 'hello') this.#onHeard?.()
  }

  /** Says something on another connection that this one must hear. What came between two such checks may have been missed. */
  async #ask(): Promise<void> {
    const heard = new Promise<'heard'>((resolve) => (this.#onHeard = () => resolve('heard')))
    let timer: NodeJS.Timeout | undefined
    const tooLate = new Promise<'silent'>((resolve) => {
      timer = setTimeout(() => resolve('silent'), HEARD_WITHIN_MS).unref()
    })
    try {
      await this.#notify('hello')
      const answer = await Promise.race([heard, tooLate])
      if (answer === 'silent') throw new Error('nothing is heard on the listening connection')
      if (!this.#hears) this.#wake()
      this.#hears = true
      this.#retryAfterMs = RETRY_AFTER_MS
      if (!this.#isClosed) this.#check = setTimeout(() => void this.#askAgain(), CHECK_EVERY_MS).unref()
    } catch (error) {
      this.#retryLater()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** At once where it has heard until now. */
  #retryLater(): void {
    if (this.#hears) return
    this.#retryAtMs = performance.now() + this.#retryAfterMs
    this.#retryAfterMs = Math.min(2 * this.#retryAfterMs, LONGEST_RETRY_AFTER_MS)
  }

  async #askAgain(): Promise<void> {
    await this.#ask().catch(() => this.#letGo())
  }

  /** The next claim that waits listens anew. */
  #lost(client: PooledClient): void {
    if (this.#client === client) this.#letGo()
  }

  /**
   * Closed, not given back: the next to borrow it would be woken by a channel that it never asked for. The listener for
   * errors stays, since a connection that is being closed may still break.
   */
  #letGo(): void {
    clearTimeout(this.#check)
    const client = this.#client
    this.#client = undefined
    this.#isListening = false
    this.#hears = false
    client?.removeListener('notification', this.#onMessage)
    client?.release(true)
  }
}
