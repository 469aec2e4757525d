/**
 * The engine in a thread of its own: the entry of the string module that `scripts/build-engine-source.mjs` makes.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads'
import { Engine, type EngineOptions } from './engine.ts'
import { ExitGate } from './exit-gate.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { packResults, unpackOperations, type Packed } from './packing.ts'
import type { ReadOperation } from './read-operation.ts'
import { read } from './reads.ts'

/** What the main thread asks for. */
export type ThreadRequest =
  | { readonly kind: 'commit'; readonly packed: Packed }
  | { readonly kind: 'read'; readonly operation: ReadOperation }
  | { readonly kind: 'close' }

/** Answered in the order asked. */
export type ThreadResponse =
  | { readonly kind: 'committed'; readonly packed: Packed; readonly fsyncMs: number }
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly message: string }

/** What the main thread starts this one with. */
export interface ThreadData {
  readonly options: EngineOptions
  readonly gate: SharedArrayBuffer
}

// Given by Thread, in engine-port.ts.
const { options, gate: gateBuffer } = workerData as ThreadData
const engine = new Engine(options, require)
const gate = new ExitGate(gateBuffer)
const keeper = new LeaseKeeper((operation) => {
  if (!gate.enter()) return
  try {
    engine.commit([operation])
  } catch {
    // The file or disk fails: the next beat tries again, and commits of the main thread report it.
  } finally {
    gate.leave()
  }
})

parentPort?.on('message', (request: ThreadRequest) => {
  if (!gate.enter()) return
  const response = answer(request)
  gate.leave()
  const transfer = response.kind === 'committed' ? [response.packed.block.buffer] : []
  parentPort?.postMessage(response, transfer)
  if (request.kind === 'close') parentPort?.close()
})

function answer(request: ThreadRequest): ThreadResponse {
  try {
    if (request.kind === 'commit') {
      const operations = unpackOperations(request.packed)
      const results = engine.commit(operations)
      keeper.note(operations, results)
      return { kind: 'committed', packed: packResults(operations, results), fsyncMs: engine.lastFsyncMs }
    }
    if (request.kind === 'read') return { kind: 'value', value: read(engine.connection, request.operation) }
    keeper.close()
    engine.close()
    return { kind: 'value', value: undefined }
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) }
  }
}
