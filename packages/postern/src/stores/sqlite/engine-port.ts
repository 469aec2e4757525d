import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { PosternError } from '../../core/index.ts'
import { BUILT_IN } from './driver.ts'
import { ENGINE_SOURCE } from './engine-source.ts'
import { Engine, type EngineOptions } from './engine.ts'
import type { ThreadData, ThreadRequest, ThreadResponse } from './engine-thread.ts'
import { ExitGate } from './exit-gate.ts'
import type { Operation, OperationResult } from './operation.ts'
import { packOperations, unpackResults } from './packing.ts'
import type { ReadOperation, ReadResultOf } from './read-operation.ts'
import { read } from './reads.ts'

/** An engine, wherever it runs. */
export interface EnginePort {
  commit(operations: readonly Operation[]): Promise<CommitResult>
  read<V extends ReadOperation['verb']>(
    operation: Extract<ReadOperation, { readonly verb: V }>,
  ): Promise<ReadResultOf[V]>
  close(): Promise<void>
}

/** What a commit answers. */
export interface CommitResult {
  readonly results: readonly OperationResult[]
  readonly fsyncMs: number
}

/** The engine in a thread: the event loop never waits for the disk. */
export class ThreadPort implements EnginePort {
  readonly #options: EngineOptions
  #thread: Thread | undefined

  constructor(options: EngineOptions) {
    this.#options = options
  }

  async commit(operations: readonly Operation[]): Promise<CommitResult> {
    const packed = packOperations(operations)
    const response = await this.#ask({ kind: 'commit', packed }, [packed.block.buffer])
    if (response.kind !== 'committed')
      throw new PosternError('store_unavailable', 'SQLite: no results came back')
    return { results: unpackResults(response.packed), fsyncMs: response.fsyncMs }
  }

  async read<V extends ReadOperation['verb']>(
    operation: Extract<ReadOperation, { readonly verb: V }>,
  ): Promise<ReadResultOf[V]> {
    const response = await this.#ask({ kind: 'read', operation }, [])
    // The thread answers each verb with its own result.
    return (response.kind === 'value' ? response.value : undefined) as ReadResultOf[V]
  }

  async close(): Promise<void> {
    await this.#thread?.end()
    this.#thread = undefined
  }

  /** A thread that has died is replaced at the next request. */
  async #ask(request: ThreadRequest, transfer: readonly ArrayBuffer[]): Promise<ThreadResponse> {
    if (this.#thread?.isAlive !== true) this.#thread = new Thread(this.#options)
    const response = await this.#thread.ask(request, transfer)
    if (response.kind === 'failed') throw unavailable(response.message)
    return response
  }
}

/** The same engine in the caller's thread, for tests and for places without threads. */
export class InlinePort implements EnginePort {
  readonly #engine: Engine

  constructor(options: EngineOptions) {
    this.#engine = new Engine(options, createRequire(import.meta.url))
  }

  async commit(operations: readonly Operation[]): Promise<CommitResult> {
    const results = rethrown(() => this.#engine.commit(operations))
    return { results, fsyncMs: this.#engine.lastFsyncMs }
  }

  async read<V extends ReadOperation['verb']>(
    operation: Extract<ReadOperation, { readonly verb: V }>,
  ): Promise<ReadResultOf[V]> {
    // Each verb has its own result.
    return rethrown(() => read(this.#engine.connection, operation) as ReadResultOf[V])
  }

  async close(): Promise<void> {
    this.#engine.close()
  }
}

function rethrown<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw unavailable(error instanceof Error ? error.message : String(error))
  }
}

function unavailable(message: string): PosternError {
  return new PosternError('store_unavailable', `SQLite: ${message}`)
}

/** Every thread's gate; closed as the process exits. */
const openGates = new Set<ExitGate>()
let isWatchingExit = false

function watchExit(gate: ExitGate): void {
  openGates.add(gate)
  if (isWatchingExit) return
  isWatchingExit = true
  process.on('exit', () => openGates.forEach((each) => each.close()))
}

/**
 * Node 22 calls its SQLite experimental, and would print so once for each thread. What the store calls of it (`exec`, `prepare`,
 * `run`, `get`, `all`, `close`) is the same in 22, 24 and 26, where the whole suite runs over it. For this thread only: the
 * process's own warnings are the user's.
 */
const QUIET = ['--disable-warning=ExperimentalWarning']

/** One worker thread and the requests it has not answered. */
class Thread {
  readonly #worker: Worker
  readonly #waiting: { resolve: (response: ThreadResponse) => void; reject: (error: Error) => void }[] = []
  readonly #ended: Promise<void>
  #isEnding = false
  isAlive = true
  #failure: Error | undefined

  constructor(options: EngineOptions) {
    const gate = new ExitGate()
    watchExit(gate)
    const workerData: ThreadData = { options, gate: gate.buffer }
    this.#worker = new Worker(ENGINE_SOURCE, {
      eval: true,
      workerData,
      // Not the process's own: `--input-type=module` would make the source an ES module, and a worker refuses V8's flags.
      execArgv: options.driver === BUILT_IN ? QUIET : [],
      // Blocks of bytes are garbage as soon as they are written: collected often, they stay few.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
      name: `postern-sqlite-${options.role}`,
    })
    // Only a request under way keeps the process alive.
    this.#worker.unref()
    this.#worker.on('message', (response: ThreadResponse) => this.#answered(response))
    this.#worker.on('error', (error) => (this.#failure = error))
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        openGates.delete(gate)
        this.#exited()
        resolve()
      })
    })
  }

  /** Closes the connection and ends the thread. */
  async end(): Promise<void> {
    if (!this.isAlive) return
    const closed = this.ask({ kind: 'close' }, [])
    // Until it is gone: a script that has nothing else to wait for would exit before the file is closed.
    this.#isEnding = true
    await closed
    await this.#ended
  }

  ask(request: ThreadRequest, transfer: readonly ArrayBuffer[]): Promise<ThreadResponse> {
    return new Promise((resolve, reject) => {
      // Before anything waits for its answer: what cannot be copied into the thread is thrown here, and never answered.
      this.#worker.postMessage(request, transfer)
      if (this.#waiting.length === 0) this.#worker.ref()
      this.#waiting.push({ resolve, reject })
    })
  }

  #answered(response: ThreadResponse): void {
    this.#waiting.shift()?.resolve(response)
    if (this.#waiting.length === 0 && !this.#isEnding) this.#worker.unref()
  }

  #exited(): void {
    this.isAlive = false
    const error = unavailable(this.#failure?.message ?? 'the engine thread ended')
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
