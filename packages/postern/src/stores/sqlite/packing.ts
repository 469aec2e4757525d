/**
 * How a commit crosses the thread boundary: one JSON text, and one block of bytes that changes owner instead of being
 * copied.
 *
 * @module
 */
import type { NewEvent } from '../../inbox/index.ts'
import type { SqliteValue } from './database.ts'
import type { ClaimResult, Operation, OperationResult, SqliteEffect } from './operation.ts'

export interface Packed {
  readonly text: string
  /** Every byte array of the text's values, one after another, in the order they are read. */
  readonly block: Uint8Array<ArrayBuffer>
}

/** Packs the operations of a commit. */
export function packOperations(operations: readonly Operation[]): Packed {
  const bytes = new BlockWriter()
  const wire = operations.map((operation) => {
    if (operation.verb === 'put') {
      return { ...operation, events: operation.events.map((event) => packEvent(event, bytes)) }
    }
    if (operation.verb === 'record') {
      const { body, ...rest } = operation.rejected
      return { ...operation, rejected: { ...rest, body: bytes.add(body) } }
    }
    return operation.verb === 'settle' ? packEffects(operation) : operation
  })
  return { text: JSON.stringify(wire), block: bytes.finish() }
}

export function unpackOperations({ text, block }: Packed): Operation[] {
  const bytes = new BlockReader(block)
  // Written by packOperations; each verb's byte arrays and effects are put back below.
  const wire = JSON.parse(text) as Operation[]
  return wire.map((operation) => {
    if (operation.verb === 'put') {
      const events = operation.events as unknown as readonly WireEvent[]
      return { ...operation, events: events.map((event) => unpackEvent(event, bytes)) }
    }
    if (operation.verb === 'record') {
      const length = operation.rejected.body as unknown as number
      return { ...operation, rejected: { ...operation.rejected, body: bytes.take(length) } }
    }
    return operation.verb === 'settle' ? unpackEffects(operation) : operation
  })
}

/** Packs the results of a commit: only claims carry bytes. */
export function packResults(results: readonly OperationResult[]): Packed {
  const bytes = new BlockWriter()
  const wire = results.map((result) => {
    if (!isClaim(result)) return result
    const { claimed, nextMs } = result.value
    return {
      ok: true,
      value: {
        nextMs,
        claimed: claimed.map((row) => ({ ...row, event: { ...row.event, body: bytes.add(row.event.body) } })),
      },
    }
  })
  return { text: JSON.stringify(wire), block: bytes.finish() }
}

export function unpackResults({ text, block }: Packed): OperationResult[] {
  const bytes = new BlockReader(block)
  // Written by packResults; the bodies of claims are put back below.
  const wire = JSON.parse(text) as OperationResult[]
  return wire.map((result) => {
    if (!isClaim(result)) return result
    const claimed = result.value.claimed.map((row) => {
      const length = row.event.body as unknown as number
      return { ...row, event: { ...row.event, body: bytes.take(length) } }
    })
    return { ok: true, value: { claimed, nextMs: result.value.nextMs } }
  })
}

/** An event whose byte arrays are their lengths. */
type WireEvent = Omit<NewEvent, 'body' | 'digest' | 'keys'> & {
  readonly keys: readonly { readonly kind: 'id' | 'body'; readonly key: number }[]
  readonly digest: number
  readonly body: number
}

function packEvent(event: NewEvent, bytes: BlockWriter): WireEvent {
  return {
    ...event,
    keys: event.keys.map(({ kind, key }) => ({ kind, key: bytes.add(key) })),
    digest: bytes.add(event.digest),
    body: bytes.add(event.body),
  }
}

function unpackEvent(event: WireEvent, bytes: BlockReader): NewEvent {
  return {
    ...event,
    createdMs: event.createdMs,
    orderingKey: event.orderingKey,
    keys: event.keys.map(({ kind, key }) => ({ kind, key: bytes.take(key) })),
    digest: bytes.take(event.digest),
    body: bytes.take(event.body),
  }
}

type Settle = Extract<Operation, { readonly verb: 'settle' }>

/** Effects are rare and their parameters of any SQLite type: what JSON cannot say is tagged text. */
function packEffects(operation: Settle): object {
  if (operation.settlements.every(({ effects }) => !effects?.length)) return operation
  return {
    ...operation,
    settlements: operation.settlements.map((settlement) => ({
      ...settlement,
      effects: (settlement.effects ?? []).map(({ sql, params = [] }) => ({ sql, params: params.map(tag) })),
    })),
  }
}

function unpackEffects(operation: Settle): Operation {
  return {
    ...operation,
    settlements: operation.settlements.map((settlement) => ({
      ...settlement,
      effects: (settlement.effects ?? []).map(({ sql, params = [] }): SqliteEffect => ({
        sql,
        params: params.map(untag),
      })),
    })),
  }
}

type Tagged = null | number | string | { readonly bytes: string } | { readonly integer: string }

function tag(value: SqliteValue): Tagged {
  if (typeof value === 'bigint') return { integer: String(value) }
  return value instanceof Uint8Array ? { bytes: Buffer.from(value).toString('base64') } : value
}

function untag(value: SqliteValue): SqliteValue {
  const tagged = value as Tagged
  if (typeof tagged !== 'object' || tagged === null) return tagged
  return 'bytes' in tagged ? Buffer.from(tagged.bytes, 'base64') : BigInt(tagged.integer)
}

function isClaim(result: OperationResult): result is { readonly ok: true; readonly value: ClaimResult } {
  return result.ok && typeof result.value === 'object' && 'claimed' in result.value
}

class BlockWriter {
  readonly #arrays: Uint8Array[] = []
  #length = 0

  /** Adds bytes, and answers how many: what stands in their place. */
  add(array: Uint8Array): number {
    this.#arrays.push(array)
    this.#length += array.byteLength
    return array.byteLength
  }

  finish(): Uint8Array<ArrayBuffer> {
    // Its own memory, never a slice of Buffer's pool: the whole of it changes owner.
    const block = new Uint8Array(this.#length)
    let at = 0
    for (const array of this.#arrays) {
      block.set(array, at)
      at += array.byteLength
    }
    return block
  }
}

class BlockReader {
  readonly #block: Uint8Array
  #at = 0

  constructor(block: Uint8Array) {
    this.#block = block
  }

  /** A view, not a copy. */
  take(length: number): Uint8Array {
    this.#at += length
    return this.#block.subarray(this.#at - length, this.#at)
  }
}
