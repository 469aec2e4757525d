import { realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import {
  DURATION_BOUNDS_MS,
  GroupCommit,
  HistogramCounter,
  SIZE_BOUNDS,
  type CommitStat,
} from '../../inbox/index.ts'
import type { EngineOptions } from './engine.ts'
import type { Operation, OperationResult } from './operation.ts'
import type { ReadOperation, ReadResultOf } from './read-operation.ts'
import { InlinePort, ThreadPort, type EnginePort } from './engine-port.ts'

export interface SharedEngineOptions {
  readonly path: string
  readonly driver: string
  readonly writer: 'thread' | 'inline'
}

/** The most operations that one commit carries. */
const MAX_OPERATIONS = 16_384
/** How much WAL gathers, in bytes of operations, before the reader's thread checkpoints it. */
const CHECKPOINT_EVERY_BYTES = 8 * 1024 * 1024
/** Pages of WAL (4 KiB each) above which the writer finishes the checkpoint itself. */
const LARGE_WAL_PAGES = 16_384
/** Should the checkpoints outside fail: the WAL stays below some 400 MB. */
const BACKSTOP_PAGES = 100_000
const INLINE_CHECKPOINT_PAGES = 1000

/**
 * One file's writer, reader and group commit, shared by all who open that file in this process: with a hot reload, two
 * writers would only wait for each other's lock.
 */
export class SharedEngine {
  readonly #key: string
  readonly #writer: EnginePort
  readonly #reader: EnginePort
  readonly #commit: GroupCommit<Operation, OperationResult>
  readonly #onWork = new Set<() => void>()
  readonly #sizes = new HistogramCounter(SIZE_BOUNDS)
  readonly #durationsMs = new HistogramCounter(DURATION_BOUNDS_MS)
  readonly #fsyncsMs = new HistogramCounter(DURATION_BOUNDS_MS)
  #openers = 0
  #bytesSinceCheckpoint = 0
  #isCheckpointing = false
  #opened: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(key: string, options: SharedEngineOptions) {
    this.#key = key
    const engine = (role: EngineOptions['role'], autoCheckpointPages: number): EngineOptions => ({
      path: options.path,
      driver: options.driver,
      role,
      autoCheckpointPages,
    })
    if (options.writer === 'inline') {
      this.#writer = new InlinePort(engine('writer', INLINE_CHECKPOINT_PAGES))
      this.#reader = this.#writer
    } else {
      this.#writer = new ThreadPort(engine('writer', BACKSTOP_PAGES))
      this.#reader = new ThreadPort(engine('reader', BACKSTOP_PAGES))
    }
    this.#commit = new GroupCommit((operations) => this.#commitMeasured(operations), MAX_OPERATIONS)
  }

  /** The engine of a file, made on first use. */
  static open(options: SharedEngineOptions): SharedEngine {
    const key = `${options.writer}:${realPath(options.path)}`
    const engine = engines().get(key) ?? new SharedEngine(key, { ...options, path: realPath(options.path) })
    engines().set(key, engine)
    engine.#openers += 1
    return engine
  }

  /** Reads beside the commits. The writer comes first: it makes the file and its tables. */
  async read<V extends ReadOperation['verb']>(
    operation: Extract<ReadOperation, { readonly verb: V }>,
  ): Promise<ReadResultOf[V]> {
    await (this.#opened ??= this.#open())
    return this.#reader.read(operation)
  }

  async #open(): Promise<void> {
    try {
      await this.#writer.commit([])
    } catch (error) {
      this.#opened = undefined
      throw error
    }
  }

  /** What the commits so far have cost. */
  get commits(): CommitStat {
    return {
      operations: this.#sizes.read(),
      durationMs: this.#durationsMs.read(),
      fsyncMs: this.#fsyncsMs.read(),
    }
  }

  async #commitMeasured(operations: readonly Operation[]): Promise<readonly OperationResult[]> {
    const startedMs = performance.now()
    const { results, fsyncMs } = await this.#writer.commit(operations)
    this.#sizes.add(operations.length)
    this.#durationsMs.add(performance.now() - startedMs)
    this.#fsyncsMs.add(fsyncMs)
    return results
  }

  /** Puts an operation into the next commit. */
  add(operation: Operation, bytes: number): Promise<OperationResult> {
    this.#bytesSinceCheckpoint += bytes
    if (this.#bytesSinceCheckpoint > CHECKPOINT_EVERY_BYTES) void this.#checkpoint()
    return this.#commit.add(operation)
  }

  /** Tells everybody who waits for work that there may be some. */
  announceWork(): void {
    for (const listener of this.#onWork) listener()
  }

  /** Calls `listener` at the next announcement; answers how to stop listening. */
  onWork(listener: () => void): () => void {
    this.#onWork.add(listener)
    return () => this.#onWork.delete(listener)
  }

  /** Lets go; the last one to do so closes the file, once every commit under way is done. */
  async release(): Promise<void> {
    this.#openers -= 1
    if (this.#openers > 0) return
    if (engines().get(this.#key) === this) engines().delete(this.#key)
    this.#closed ??= this.#close()
    await this.#closed
  }

  async #close(): Promise<void> {
    await this.#commit.idle()
    // The reader first: the last connection to close takes the WAL into the file.
    if (this.#reader !== this.#writer) await this.#reader.close()
    await this.#writer.close()
  }

  /**
   * Copies the WAL into the file from the reader's thread, so that no commit pays for it. Under unbroken load the WAL
   * never empties that way, since each commit appends to it; once it is large, the writer takes over the rest.
   */
  async #checkpoint(): Promise<void> {
    if (this.#isCheckpointing || this.#reader === this.#writer) return
    this.#isCheckpointing = true
    this.#bytesSinceCheckpoint = 0
    try {
      const { walPages } = await this.#reader.read({ verb: 'checkpoint' })
      if (walPages > LARGE_WAL_PAGES) await this.#commit.add({ verb: 'checkpoint', nowMs: 0 })
    } catch {
      // The next one tries again; the backstop bounds the WAL until then.
    } finally {
      this.#isCheckpointing = false
    }
  }
}

const REGISTRY = Symbol.for('postern.sqlite.engines')

/** Kept on the global object: two copies of this module, as a hot reload makes them, must find the same engine. */
function engines(): Map<string, SharedEngine> {
  const holder = globalThis as { [REGISTRY]?: Map<string, SharedEngine> }
  return (holder[REGISTRY] ??= new Map())
}

function realPath(path: string): string {
  const absolute = resolve(path)
  try {
    return realpathSync(absolute)
  } catch {
    // The file is not there yet; its folder is.
    return join(realpathSync(dirname(absolute)), basename(absolute))
  }
}
