/**
 * How a commit crosses the thread boundary: one JSON text, and one block of bytes that changes owner instead of being
 * copied.
 *
 * @module
 */
import type { NewEvent, RejectedRequest } from '../../inbox/index.ts'
import type { SqliteValue } from './database.ts'
import type { EventRow } from './event-row.ts'
import type { ClaimedRow, ClaimResult, Operation, OperationResult, SqliteEffect } from './operation.ts'

export interface Packed {
  readonly text: string
  /** Every byte array of the text's values, one after another, in the order they are read. */
  readonly block: Uint8Array<ArrayBuffer>
}

/** Packs the operations of a commit. */
export function packOperations(operations: readonly Operation[]): Packed {
  const bytes = new BlockWriter()
  const wire = operations.map((operation): WireOperation => {
    if (operation.verb === 'put')
      return [operation.nowMs, operation.events.map((event) => packEvent(event, bytes))]
    if (operation.verb === 'record')
      return { ...operation, rejected: packRejected(operation.rejected, bytes) }
    return operation.verb === 'settle' ? packEffects(operation) : operation
  })
  return { text: JSON.stringify(wire), block: bytes.finish() }
}

export function unpackOperations({ text, block }: Packed): Operation[] {
  const bytes = new BlockReader(block)
  // Written by packOperations; what it changed is changed back, in the same order.
  const wire = JSON.parse(text) as WireOperation[]
  return wire.map((operation): Operation => {
    if (Array.isArray(operation)) {
      const [nowMs, events] = operation as WirePut
      return { verb: 'put', nowMs, events: events.map((event) => unpackEvent(event, bytes)) }
    }
    const named = operation as Exclude<WireOperation, WirePut>
    if (named.verb === 'record') {
      return { ...named, rejected: { ...named.rejected, body: bytes.take(named.rejected.body) } }
    }
    return named.verb === 'settle' ? unpackEffects(named) : named
  })
}

/** Packs the results of a commit: only claims carry bytes. */
export function packResults(results: readonly OperationResult[]): Packed {
  const bytes = new BlockWriter()
  const wire = results.map((result): object => {
    if (!isClaim(result)) return result
    const { claimed, nextMs } = result.value
    return { ok: true, value: { nextMs, claimed: claimed.map((row) => packClaimed(row, bytes)) } }
  })
  return { text: JSON.stringify(wire), block: bytes.finish() }
}

export function unpackResults({ text, block }: Packed): OperationResult[] {
  const bytes = new BlockReader(block)
  // Written by packResults; what it changed is changed back, in the same order.
  const wire = JSON.parse(text) as OperationResult[]
  return wire.map((result) => {
    if (!isClaim(result)) return result
    const rows = result.value.claimed as unknown as readonly WireClaimed[]
    return {
      ok: true,
      value: { claimed: rows.map((row) => unpackClaimed(row, bytes)), nextMs: result.value.nextMs },
    }
  })
}

/** An event as a row of values, with lengths in place of bytes: names would be most of its text. */
type WireEvent = readonly [
  tenant: string,
  source: string,
  id: string,
  idKind: NewEvent['idKind'],
  type: string,
  createdMs: number | null,
  orderingKey: string | null,
  verifiedBy: string,
  headers: readonly string[],
  bodyBytes: number,
  dedupeWindowMs: number,
  destinations: readonly string[],
  onDead: NewEvent['onDead'] | null,
  onConflict: NewEvent['onConflict'],
  lease: NewEvent['lease'] | null,
]

/** Most of what commits carry, and so without names as well. */
type WirePut = readonly [nowMs: number, events: readonly WireEvent[]]

type WireOperation =
  | WirePut
  | Exclude<Operation, { readonly verb: 'put' | 'record' }>
  | { readonly verb: 'record'; readonly nowMs: number; readonly rejected: WireRejected }

type WireRejected = Omit<RejectedRequest, 'body'> & { readonly body: number }

function packEvent(event: NewEvent, bytes: BlockWriter): WireEvent {
  return [
    event.tenant,
    event.source,
    event.id,
    event.idKind,
    event.type,
    event.createdMs ?? null,
    event.orderingKey ?? null,
    event.verifiedBy,
    event.headers,
    bytes.add(event.body),
    event.dedupeWindowMs,
    event.destinations,
    event.onDead ?? null,
    event.onConflict,
    event.lease ?? null,
  ]
}

function unpackEvent(wire: WireEvent, bytes: BlockReader): NewEvent {
  const [tenant, source, id, idKind, type, createdMs, orderingKey, verifiedBy, headers, bodyBytes] = wire
  const [, , , , , , , , , , dedupeWindowMs, destinations, onDead, onConflict, lease] = wire
  return {
    tenant,
    source,
    id,
    idKind,
    type,
    createdMs: createdMs ?? undefined,
    orderingKey: orderingKey ?? undefined,
    verifiedBy,
    headers,
    body: bytes.take(bodyBytes),
    dedupeWindowMs,
    destinations,
    onDead: onDead ?? undefined,
    onConflict,
    ...(lease !== null && lease !== undefined && { lease }),
  }
}

function packRejected(rejected: RejectedRequest, bytes: BlockWriter): WireRejected {
  return { ...rejected, body: bytes.add(rejected.body) }
}

type WireClaimed = readonly [
  deliverySeq: number,
  token: number,
  destination: string,
  attempt: number,
  event: Omit<EventRow, 'body'>,
  bodyBytes: number,
]

function packClaimed(
  { deliverySeq, token, destination, attempt, event }: ClaimedRow,
  bytes: BlockWriter,
): WireClaimed {
  const { body, ...rest } = event
  return [deliverySeq, token, destination, attempt, rest, bytes.add(body)]
}

function unpackClaimed(wire: WireClaimed, bytes: BlockReader): ClaimedRow {
  const [deliverySeq, token, destination, attempt, event, bodyBytes] = wire
  return { deliverySeq, token, destination, attempt, event: { ...event, body: bytes.take(bodyBytes) } }
}

type Settle = Extract<Operation, { readonly verb: 'settle' }>

/** Effects are rare and their parameters of any SQLite type: what JSON cannot say is tagged text. */
function packEffects(operation: Settle): Settle {
  if (operation.settlements.every(({ effects }) => !effects?.length)) return operation
  return {
    ...operation,
    settlements: operation.settlements.map((settlement) => ({
      ...settlement,
      effects: (settlement.effects ?? []).map(({ sql, params = [] }) => ({
        sql,
        // Put back by unpackEffects.
        params: params.map(tag) as unknown as SqliteValue[],
      })),
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
