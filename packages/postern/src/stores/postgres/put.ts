import {
  asStored,
  fingerprintTextOf,
  type FingerprintText,
  type NewEvent,
  type PutResult,
} from '../../inbox/index.ts'
import { onceIfSame, plainArray, plainArrayOrNull, textArray, textArrayOrNull } from './array-literal.ts'
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

/** Of the function `put_1`. */
const PARAMETERS = Array.from({ length: 26 }, (_, index) => `$${index + 1}`).join()

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
  const fingerprints = events.map(fingerprintTextOf)
  const call = async (conflictKeys: string | null): Promise<Answer> => {
    const row = await server.call<{ put: string }>(`SELECT ${settings.schema}.put_1(${PARAMETERS}) AS put`, [
      settings.lockTimeoutMs,
      settings.offsetMs,
      ...keyParameters(events, fingerprints, conflictKeys),
      ...eventParameters(events),
      ...deliveryParameters(events),
    ])
    // Written by the function.
    return JSON.parse(row.put) as Answer
  }
  const answer = await call(null).catch((error: unknown) => {
    if (codeOf(error) !== NEEDS_CONFLICT_KEYS) throw error
    return call(plainArray(fingerprints.map(({ conflictKey }) => conflictKey())))
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
  fingerprints: readonly FingerprintText[],
  conflictKeys: string | null,
): unknown[] {
  const keyCount = fingerprints.reduce(
    (count, { idKey, bodyKey }) => count + Number(idKey !== undefined) + Number(bodyKey !== undefined),
    0,
  )
  return [
    plainArrayOrNull(fingerprints.map(({ idKey }) => idKey ?? null)),
    plainArrayOrNull(fingerprints.map(({ bodyKey }) => bodyKey ?? null)),
    keyCount,
    conflictKeys,
    plainArray(fingerprints.map(({ digest }) => digest)),
    plainArray(onceIfSame(events.map(({ dedupeWindowMs }) => Math.ceil(dedupeWindowMs)))),
  ]
}

/** The bodies cross over as one parameter: an array of them would go as hexadecimal text, twice their size. */
function eventParameters(events: readonly NewEvent[]): unknown[] {
  let next = 1
  const starts = events.map(({ body }) => (next += body.byteLength) - body.byteLength)
  return [
    textArray(onceIfSame(events.map(({ tenant }) => tenant))),
    textArray(onceIfSame(events.map(({ source }) => source))),
    textArray(events.map(({ id }) => id)),
    textArray(onceIfSame(events.map(({ type }) => type))),
    plainArrayOrNull(events.map(({ createdMs }) => createdMs ?? null)),
    textArrayOrNull(events.map(({ orderingKey }) => orderingKey ?? null)),
    textArray(onceIfSame(events.map(({ verifiedBy }) => verifiedBy))),
    plainArrayOrNull(events.map(({ onDead }) => onDead ?? null)),
    events.map(({ headers }) => JSON.stringify(headers)).join('\n'),
    Buffer.concat(events.map(({ body }) => body)),
    plainArray(starts),
    plainArray(events.map(({ body }) => body.byteLength)),
    plainArrayOrNull(events.map(({ onConflict }) => (onConflict === 'dispatch' ? true : null))),
  ]
}

function deliveryParameters(events: readonly NewEvent[]): unknown[] {
  const numbers: number[] = []
  const slots: (number | null)[] = []
  const destinations: string[] = []
  const leases: (number | null)[] = []
  const lanes: (string | null)[] = []
  for (const [index, event] of events.entries()) {
    const leased = event.lease === undefined ? -1 : event.destinations.lastIndexOf(event.lease.destination)
    for (const [slot, destination] of event.destinations.entries()) {
      numbers.push(index + 1)
      slots.push(slot === 0 ? null : slot)
      destinations.push(destination)
      leases.push(slot === leased ? Math.ceil(event.lease?.leaseMs ?? 0) : null)
      lanes.push(laneOf(event, destination) ?? null)
    }
  }
  return [
    plainArray(numbers),
    plainArrayOrNull(slots),
    textArray(onceIfSame(destinations)),
    plainArrayOrNull(leases),
    plainArrayOrNull(lanes),
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
