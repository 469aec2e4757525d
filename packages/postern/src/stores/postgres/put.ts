import { asStored, fingerprintOf, type NewEvent, type PutResult } from '../../inbox/index.ts'
import { plainArray, textArray } from './array-literal.ts'
import { codeOf } from './failure.ts'
import { toStatus, type StatusRow } from './handed-out.ts'
import { laneOf } from './lane.ts'
import { NEEDS_CONFLICT_KEYS } from './migrations/put-function.ts'
import type { Server } from './server.ts'

export type Recorded = Exclude<PutResult, { readonly outcome: 'failed' }>

export interface Batch {
  readonly results: readonly Recorded[]
  /** The highest number drawn. */
  readonly lastSeq: number
  /** Whether deliveries were made that the put itself did not lease. */
  readonly bringsWork: boolean
}

/** As the function `put_1` writes it. What is null where nothing was leased, and absent where every event was new. */
interface Answer {
  readonly now: number
  readonly seqs: readonly number[]
  readonly leased: readonly (readonly [eventSeq: number, deliverySeq: number])[] | null
  readonly outcomes?: readonly Recorded['outcome'][]
  readonly others?: readonly (number | null)[]
  readonly statuses?: readonly StatusRow[] | null
}

export interface PutSettings {
  readonly schema: string
  readonly offsetMs: number
  /** How long to wait for a key or a lane that another node holds. */
  readonly lockTimeoutMs: number
}

/** Records a batch of events, once each, all of them or none. */
export async function putAll(
  server: Server,
  events: readonly NewEvent[],
  settings: PutSettings,
): Promise<Batch> {
  const fingerprints = events.map(fingerprintOf)
  const call = async (conflictKeys: string | null): Promise<Answer> => {
    const values = [
      settings.lockTimeoutMs,
      settings.offsetMs,
      ...keyParameters(events, fingerprints, conflictKeys),
      ...eventParameters(events),
      ...deliveryParameters(events),
    ]
    const numbered = values.map((_value, index) => `$${index + 1}`).join()
    const row = await server.call<{ put: string }>(
      `SELECT ${settings.schema}.put_1(${numbered}) AS put`,
      values,
    )
    // Written by the function.
    return JSON.parse(row.put) as Answer
  }
  const answer = await call(null).catch((error: unknown) => {
    if (codeOf(error) !== NEEDS_CONFLICT_KEYS) throw error
    return call(plainArray(fingerprints.map(({ conflictKey }) => uuidOf(conflictKey()))))
  })
  const results = readAnswer(events, answer)
  const bringsWork = results.some((result, index) => leavesWork(result, events[index]))
  return { results, lastSeq: answer.seqs.at(-1) ?? 0, bringsWork }
}

function leavesWork(result: Recorded, event: NewEvent | undefined): boolean {
  if (event === undefined || result.outcome === 'duplicate') return false
  const made = result.outcome === 'stored' || event.onConflict === 'dispatch' ? event.destinations.length : 0
  return made > (result.leased === undefined ? 0 : 1)
}

function keyParameters(
  events: readonly NewEvent[],
  fingerprints: readonly ReturnType<typeof fingerprintOf>[],
  conflictKeys: string | null,
): unknown[] {
  const keysOf = (kind: 'id' | 'body'): (string | null)[] =>
    fingerprints.map(({ records }) => {
      const record = records.find((each) => each.kind === kind)
      return record === undefined ? null : uuidOf(record.key)
    })
  return [
    plainArray(keysOf('id')),
    plainArray(keysOf('body')),
    fingerprints.reduce((sum, { records }) => sum + records.length, 0),
    conflictKeys,
    plainArray(fingerprints.map(({ digest }) => uuidOf(digest))),
    plainArray(events.map(({ dedupeWindowMs }) => Math.ceil(dedupeWindowMs))),
  ]
}

/** The bodies cross over as one parameter: an array of them would go as hexadecimal text, twice their size. */
function eventParameters(events: readonly NewEvent[]): unknown[] {
  let next = 1
  const starts = events.map(({ body }) => (next += body.byteLength) - body.byteLength)
  return [
    textArray(events.map(({ tenant }) => tenant)),
    textArray(events.map(({ source }) => source)),
    textArray(events.map(({ id }) => id)),
    textArray(events.map(({ type }) => type)),
    plainArray(events.map(({ createdMs }) => createdMs ?? null)),
    textArray(events.map(({ orderingKey }) => orderingKey ?? null)),
    textArray(events.map(({ verifiedBy }) => verifiedBy)),
    plainArray(events.map(({ onDead }) => onDead ?? null)),
    textArray(events.map(({ headers }) => JSON.stringify(headers))),
    Buffer.concat(events.map(({ body }) => body)),
    plainArray(starts),
    plainArray(events.map(({ body }) => body.byteLength)),
    plainArray(events.map(({ onConflict }) => onConflict === 'dispatch')),
  ]
}

function deliveryParameters(events: readonly NewEvent[]): unknown[] {
  const deliveries = events.flatMap((event, index) => {
    const leased = event.lease === undefined ? -1 : event.destinations.lastIndexOf(event.lease.destination)
    return event.destinations.map((destination, slot) => ({
      number: index + 1,
      slot,
      destination,
      leaseMs: slot === leased ? Math.ceil(event.lease?.leaseMs ?? 0) : null,
      lane: laneOf(event, destination),
    }))
  })
  return [
    plainArray(deliveries.map(({ number }) => number)),
    plainArray(deliveries.map(({ slot }) => slot)),
    textArray(deliveries.map(({ destination }) => destination)),
    plainArray(deliveries.map(({ leaseMs }) => leaseMs)),
    plainArray(deliveries.map(({ lane }) => lane ?? null)),
  ]
}

function readAnswer(events: readonly NewEvent[], answer: Answer): readonly Recorded[] {
  const leased = new Map(answer.leased ?? [])
  return events.map((event, index): Recorded => {
    const eventSeq = answer.seqs[index] ?? 0
    const outcome = answer.outcomes?.[index] ?? 'stored'
    const other = answer.others?.[index] ?? 0
    if (outcome === 'duplicate') {
      const statuses = answer.statuses?.filter(([of]) => of === other) ?? []
      return { outcome, eventSeq: other, deliveries: statuses.map(toStatus) }
    }
    const result = outcome === 'stored' ? { outcome, eventSeq } : { outcome, eventSeq, conflictsWith: other }
    const deliverySeq = leased.get(eventSeq)
    if (deliverySeq === undefined) return result
    const conflictsWith = outcome === 'conflict' ? other : undefined
    const stored = asStored(event, { eventSeq, conflictsWith, receivedMs: answer.now })
    const destination = event.lease?.destination ?? ''
    return { leased: { deliverySeq, token: 1, destination, attempt: 1, event: stored }, ...result }
  })
}

/** The first 128 bits. */
export function uuidOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex')
}
