/**
 * How a commit crosses the thread boundary: one JSON text, and one block of bytes that changes owner instead of being
 * copied. What most commits are made of, puts and settles that went well, is written without names and without what the
 * events of a source have in common: both would be most of the text.
 *
 * @module
 */
import type { NewEvent, RejectedRequest, Settlement } from '../../inbox/index.ts'
import { BlockReader, BlockWriter } from './byte-block.ts'
import type { SqliteValue } from './database.ts'
import type {
  ClaimResult,
  Operation,
  OperationResult,
  PutEvent,
  PutRow,
  SettledRow,
  SqliteEffect,
} from './operation.ts'
import { packClaims, unpackClaims, type WireClaims } from './packed-claims.ts'

export interface Packed {
  readonly text: string
  /** Every byte array of the text's values, one after another, in the order they are read. */
  readonly block: Uint8Array<ArrayBuffer>
}

/** Packs the operations of a commit. */
export function packOperations(operations: readonly Operation[]): Packed {
  const bytes = new BlockWriter()
  const manners: Manner[] = []
  const wire = operations.map((operation): WireOperation => {
    if (operation.verb === 'put')
      return [operation.nowMs, operation.events.map((event) => packEvent(event, manners, bytes))]
    if (operation.verb === 'settle')
      return ['settle', operation.nowMs, operation.settlements.map(packSettled)]
    if (operation.verb === 'record')
      return { ...operation, rejected: packRejected(operation.rejected, bytes) }
    return operation
  })
  return { text: JSON.stringify({ manners, wire }), block: bytes.finish() }
}

export function unpackOperations({ text, block }: Packed): Operation[] {
  const bytes = new BlockReader(block)
  // Written by packOperations; what it changed is changed back, in the same order.
  const { manners, wire } = JSON.parse(text) as { manners: Manner[]; wire: WireOperation[] }
  return wire.map((operation): Operation => {
    if (isPut(operation)) {
      const [nowMs, events] = operation
      return { verb: 'put', nowMs, events: events.map((event) => unpackEvent(event, manners, bytes)) }
    }
    if (isSettle(operation)) {
      const [, nowMs, settlements] = operation
      return { verb: 'settle', nowMs, settlements: settlements.map(unpackSettled) }
    }
    if (operation.verb === 'record')
      return { ...operation, rejected: { ...operation.rejected, body: bytes.take(operation.rejected.body) } }
    return operation
  })
}

/** Packs the results of a commit's operations: only claims carry bytes. */
export function packResults(operations: readonly Operation[], results: readonly OperationResult[]): Packed {
  const bytes = new BlockWriter()
  const wire = results.map((result, index): WireResult => {
    if (!result.ok) return result
    // Each verb has its own result.
    const verb = operations[index]?.verb
    if (verb === 'put') return packStored(result.value as readonly PutRow[]) ?? result
    if (verb === 'settle') return packSettledRows(result.value as readonly SettledRow[]) ?? result
    if (verb !== 'claim') return result
    const { claimed, nextMs } = result.value as ClaimResult
    return packClaims(claimed, nextMs, bytes)
  })
  return { text: JSON.stringify(wire), block: bytes.finish() }
}

export function unpackResults({ text, block }: Packed): OperationResult[] {
  const bytes = new BlockReader(block)
  // Written by packResults; what it changed is changed back, in the same order.
  const wire = JSON.parse(text) as WireResult[]
  return wire.map((result): OperationResult => {
    if (typeof result === 'number') return { ok: true, value: [{ outcome: 'stored', eventSeq: result }] }
    if (typeof result === 'string') return { ok: true, value: unpackSettledRows(result) }
    if (!('claimed' in result)) return result
    return { ok: true, value: unpackClaims(result, bytes) }
  })
}

/** An event's number where it was stored and nothing leased; a mark for each delivery that was settled or lost. */
type WireResult = OperationResult | number | string | WireClaims

/** What the events of a source have in common, unless its configuration or its provider's data make them differ. */
type Manner = Pick<
  NewEvent,
  | 'tenant'
  | 'source'
  | 'idKind'
  | 'verifiedBy'
  | 'dedupeWindowMs'
  | 'destinations'
  | 'onDead'
  | 'onConflict'
  | 'lease'
>

/** The rest of an event, with lengths in place of bytes. */
type WireEvent = readonly [
  manner: number,
  id: string,
  type: string,
  createdMs: number | null,
  orderingKey: string | null,
  headersBytes: number,
  bodyBytes: number,
]

type WirePut = readonly [nowMs: number, events: readonly WireEvent[]]
type WireSettle = readonly ['settle', nowMs: number, settlements: readonly WireSettlement[]]

type WireOperation =
  | WirePut
  | WireSettle
  | Exclude<Operation, { readonly verb: 'put' | 'settle' | 'record' }>
  | { readonly verb: 'record'; readonly nowMs: number; readonly rejected: WireRejected }

type WireRejected = Omit<RejectedRequest, 'body'> & { readonly body: number }

function isPut(operation: WireOperation): operation is WirePut {
  return Array.isArray(operation) && operation.length === 2
}

function isSettle(operation: WireOperation): operation is WireSettle {
  return Array.isArray(operation) && operation.length === 3
}

function packEvent(event: PutEvent, manners: Manner[], bytes: BlockWriter): WireEvent {
  const { id, type, createdMs, orderingKey, body } = event
  const manner = mannerIn(manners, event)
  const headersBytes = bytes.add(headersOf(event))
  return [manner, id, type, createdMs ?? null, orderingKey ?? null, headersBytes, bytes.add(body)]
}

function unpackEvent(wire: WireEvent, manners: readonly Manner[], bytes: BlockReader): PutEvent {
  const [manner, id, type, createdMs, orderingKey, headersBytes, bodyBytes] = wire
  const { tenant, source, idKind, verifiedBy, dedupeWindowMs, destinations, onDead, onConflict, lease } =
    manners[manner] as Manner
  return {
    tenant,
    source,
    id,
    idKind,
    type,
    createdMs: createdMs ?? undefined,
    orderingKey: orderingKey ?? undefined,
    verifiedBy,
    headers: bytes.take(headersBytes),
    body: bytes.take(bodyBytes),
    dedupeWindowMs,
    destinations,
    onDead,
    onConflict,
    lease,
  }
}

/** Where a search for an event's manner ends: should all events of a large commit differ, it must not grow with their square. */
const NEWEST_MANNERS = 8

function mannerIn(manners: Manner[], event: PutEvent): number {
  const oldest = Math.max(0, manners.length - NEWEST_MANNERS)
  for (let index = manners.length - 1; index >= oldest; index -= 1) {
    if (isLike(manners[index] as Manner, event)) return index
  }
  return manners.push(mannerOf(event)) - 1
}

function mannerOf(event: PutEvent): Manner {
  const { tenant, source, idKind, verifiedBy, dedupeWindowMs, destinations, onDead, onConflict, lease } =
    event
  return { tenant, source, idKind, verifiedBy, dedupeWindowMs, destinations, onDead, onConflict, lease }
}

function isLike(manner: Manner, event: PutEvent): boolean {
  return (
    manner.source === event.source &&
    manner.verifiedBy === event.verifiedBy &&
    manner.idKind === event.idKind &&
    manner.tenant === event.tenant &&
    manner.dedupeWindowMs === event.dedupeWindowMs &&
    isSameList(manner.destinations, event.destinations) &&
    manner.onDead === event.onDead &&
    manner.onConflict === event.onConflict &&
    isSameLease(manner.lease, event.lease)
  )
}

function isSameList(left: readonly string[], right: readonly string[]): boolean {
  if (left === right) return true
  return left.length === right.length && left.every((each, index) => each === right[index])
}

function isSameLease(left: NewEvent['lease'], right: NewEvent['lease']): boolean {
  if (left === right) return true
  return (
    left !== undefined &&
    right !== undefined &&
    left.destination === right.destination &&
    left.leaseMs === right.leaseMs &&
    left.keepMs === right.keepMs &&
    left.leavesCopies === right.leavesCopies
  )
}

/** As the column has them, so that the engine's thread neither reads nor writes them again. */
function headersOf({ headers }: PutEvent): Uint8Array {
  return headers instanceof Uint8Array ? headers : Buffer.from(JSON.stringify(headers))
}

function packRejected(rejected: RejectedRequest, bytes: BlockWriter): WireRejected {
  return { ...rejected, body: bytes.add(rejected.body) }
}

/** A success without effects in three numbers; others as they are. */
type WireSettlement =
  | readonly [deliverySeq: number, token: number, durationMs: number]
  | Settlement<SqliteEffect>

function packSettled(settlement: Settlement<SqliteEffect>): WireSettlement {
  const { deliverySeq, token, outcome, durationMs, effects } = settlement
  if (outcome.kind === 'succeeded' && !effects?.length) return [deliverySeq, token, durationMs]
  return effects?.length ? withTaggedEffects(settlement, effects) : settlement
}

const SUCCEEDED = { kind: 'succeeded' } as const

function unpackSettled(wire: WireSettlement): Settlement<SqliteEffect> {
  if (isTriple(wire)) {
    const [deliverySeq, token, durationMs] = wire
    return { deliverySeq, token, outcome: SUCCEEDED, durationMs }
  }
  return wire.effects?.length ? withUntaggedEffects(wire, wire.effects) : wire
}

function isTriple(wire: WireSettlement): wire is readonly [number, number, number] {
  return Array.isArray(wire)
}

/** The most frequent result: one event, stored. */
function packStored([row, another]: readonly PutRow[]): number | undefined {
  const isPlain = another === undefined && row?.outcome === 'stored' && row.lease === undefined
  return isPlain ? row.eventSeq : undefined
}

const SETTLED: Readonly<Record<string, SettledRow>> = {
  s: { result: 'settled', makesWork: false },
  w: { result: 'settled', makesWork: true },
  l: { result: 'lost' },
}

function packSettledRows(rows: readonly SettledRow[]): string | undefined {
  let marks = ''
  for (const row of rows) {
    if (row.result === 'failed') return undefined
    marks += row.result === 'lost' ? 'l' : row.makesWork ? 'w' : 's'
  }
  return marks
}

function unpackSettledRows(marks: string): SettledRow[] {
  // Every mark is one of them.
  return Array.from(marks, (mark) => SETTLED[mark] as SettledRow)
}

/** Effects are rare and their parameters of any SQLite type: what JSON cannot say is tagged text. */
function withTaggedEffects(
  settlement: Settlement<SqliteEffect>,
  effects: readonly SqliteEffect[],
): Settlement<SqliteEffect> {
  // Put back by withUntaggedEffects.
  const tagged = effects.map(({ sql, params = [] }) => ({
    sql,
    params: params.map(tag) as unknown as SqliteValue[],
  }))
  return { ...settlement, effects: tagged }
}

function withUntaggedEffects(
  settlement: Settlement<SqliteEffect>,
  effects: readonly SqliteEffect[],
): Settlement<SqliteEffect> {
  return {
    ...settlement,
    effects: effects.map(({ sql, params = [] }) => ({ sql, params: params.map(untag) })),
  }
}

type Tagged =
  | null
  | number
  | string
  | { readonly bytes: string }
  | { readonly integer: string }
  | { readonly real: string }

function tag(value: SqliteValue): Tagged {
  if (typeof value === 'bigint') return { integer: String(value) }
  // JSON would make null of it.
  if (value === Infinity || value === -Infinity) return { real: String(value) }
  return value instanceof Uint8Array ? { bytes: Buffer.from(value).toString('base64') } : value
}

function untag(value: SqliteValue): SqliteValue {
  const tagged = value as Tagged
  if (typeof tagged !== 'object' || tagged === null) return tagged
  if ('real' in tagged) return Number(tagged.real)
  return 'bytes' in tagged ? Buffer.from(tagged.bytes, 'base64') : BigInt(tagged.integer)
}
