import type {
  Delivery,
  DeliveryState,
  DestinationStat,
  EventDetail,
  EventSummary,
  KeptRequest,
  ListPage,
  ListQuery,
  RejectedPage,
  StoreStat,
} from '../../inbox/index.ts'
import type { Reason } from '../../core/index.ts'
import { attemptsOf, deliveryOf } from './delivery-row.ts'
import { readRecord, storedEvent } from './event-record.ts'
import { destinationName, destinationOf } from './names.ts'
import type { Unpacked } from './packing.ts'
import type { Space } from './space.ts'

/** One event with its deliveries and their attempts. */
export async function getDetail(space: Space, eventSeq: number): Promise<EventDetail | undefined> {
  const { value } = await space.read(['get', eventSeq])
  if (value === false) return undefined
  // Packed by lua/read.ts.
  const [record, apart, duplicates, rows] = value as readonly [
    Buffer,
    Unpacked,
    number,
    readonly (readonly [number, Unpacked])[],
  ]
  const event = storedEvent(readRecord(eventSeq, record), apart)
  const deliveries = rows
    .filter(([, row]) => row !== false)
    .map(([seq, row]) => ({ ...deliveryOf(seq, row, event.orderingKey), attempts: attemptsOf(row) }))
  return { event, duplicates, deliveries }
}

/** How many rows one step of a list looks at. */
const STEP_ROWS = 500

/** Events or deliveries of a space in the query's order: one more than the page holds, where there are so many. */
export async function listRows(space: Space, query: ListQuery): Promise<readonly ListedRow[]> {
  const found: ListedRow[] = []
  const wanted = query.limit + 1
  const isRising = query.after !== undefined
  let { after = 0, before = Number.MAX_SAFE_INTEGER } = query
  const isEvents = query.of === 'events'
  const most = Math.max(STEP_ROWS, wanted)
  const index = await indexFor(space, query)
  while (found.length < wanted) {
    const range = [after, before, most, isRising, isEvents] as const
    const indexed = index && (await space.read([index.verb, ...range, index.keys, MOST_GATHERED])).value
    const step = indexed || (await space.read(['walk', ...range])).value
    // Packed by lua/read.ts.
    const [rows, next] = step as readonly [readonly (readonly Unpacked[])[], number]
    for (const row of rows) {
      const listed = isEvents ? eventRow(row) : deliveryRow(row)
      if (isWanted(listed, query)) found.push(listed)
    }
    if (next === 0) break
    if (isRising) after = next
    else before = next
  }
  return found.slice(0, wanted)
}

/** One row of a list. */
export interface ListedRow {
  readonly seq: number
  readonly event: EventSummary
  readonly delivery: Delivery | undefined
}

/** The page that the rows of all spaces make. */
export function pageOf(query: ListQuery, rows: readonly ListedRow[]): ListPage {
  const sign = query.after === undefined ? -1 : 1
  const inOrder = rows.toSorted((left, right) => sign * (left.seq - right.seq))
  const shown = inOrder.slice(0, query.limit)
  return {
    events: query.of === 'events' ? shown.map(({ event }) => event) : [],
    deliveries: shown.flatMap(({ delivery }) => delivery ?? []),
    next: inOrder.length > query.limit ? shown.at(-1)?.seq : undefined,
  }
}

/** Sets that hold all that is wanted, and how they are read. */
interface Index {
  readonly verb: 'pick' | 'gather'
  readonly keys: readonly string[]
}

/** What leads to the rows that are wanted; `undefined` where every number has to be looked at. */
async function indexFor(space: Space, query: ListQuery): Promise<Index | undefined> {
  if (query.of === 'events')
    return query.conflicts === true ? { verb: 'pick', keys: ['conflicts'] } : undefined
  const kinds = query.blocking === true ? SETS_OF.dead : SETS_OF[query.state ?? 'succeeded']
  if (kinds.length === 0) return undefined
  const names =
    query.destination === undefined
      ? (await countSpace(space)).destinations.map(({ name }) => name)
      : [query.destination]
  const keys = names.flatMap((name) => kinds.map((kind) => `${kind}:${destinationName(name)}`))
  return { verb: kinds === SETS_OF.dead ? 'pick' : 'gather', keys }
}

/** In which sets the deliveries of each state stand. */
const SETS_OF: Readonly<Record<DeliveryState, readonly string[]>> = {
  pending: ['pending', 'aged'],
  leased: ['leased'],
  dead: ['dead'],
  succeeded: [],
  cancelled: [],
}
/** Of sets that are sorted by time so many are read at once; where there are more, they are not rare among all. */
const MOST_GATHERED = 5000

function eventRow(row: readonly Unpacked[]): ListedRow {
  const [seq, record] = row as readonly [number, Buffer]
  return { seq, event: readRecord(seq, record).summary, delivery: undefined }
}

function deliveryRow(row: readonly Unpacked[]): ListedRow {
  const [seq, packed, record] = row as readonly [number, readonly [number], Buffer]
  const event = readRecord(packed[0], record).summary
  return { seq, event, delivery: deliveryOf(seq, packed, event.orderingKey) }
}

function isWanted({ event, delivery }: ListedRow, query: ListQuery): boolean {
  if (query.source !== undefined && query.source !== event.source) return false
  if (query.type !== undefined && query.type !== event.type) return false
  if (delivery === undefined) return query.conflicts !== true || event.conflictsWith !== undefined
  if (query.state !== undefined && query.state !== delivery.state) return false
  if (query.destination !== undefined && query.destination !== delivery.destination) return false
  return query.blocking !== true || delivery.blocks
}

/** What a space counts; the age by the store's clock, which `offsetMs` moves from the server's. */
export interface SpaceCounts {
  readonly events: number
  readonly destinations: readonly (Omit<DestinationStat, 'oldestPendingMs'> & {
    readonly oldestMadeMs: number | undefined
  })[]
  readonly serverMs: number
}

export async function countSpace(space: Space): Promise<SpaceCounts> {
  const { value } = await space.read(['stat'])
  // Packed by lua/read.ts.
  const [events, rows, serverMs] = value as readonly [
    number,
    readonly (readonly [Buffer, number, number, number, number, number | false])[],
    number,
  ]
  const destinations = rows.map(([name, pending, leased, dead, blockedKeys, oldest]) => ({
    name: destinationOf(name.toString()),
    pending,
    leased,
    dead,
    blockedKeys,
    oldestMadeMs: oldest === false ? undefined : oldest,
  }))
  return { events, destinations, serverMs }
}

/** The counts of all spaces together. */
export function statOf(
  counts: readonly SpaceCounts[],
  nowMs: (serverMs: number) => number,
): Omit<StoreStat, 'commits'> {
  const destinations = new Map<string, DestinationStat>()
  for (const { destinations: each, serverMs } of counts) {
    for (const { oldestMadeMs, ...counted } of each) {
      if (counted.pending + counted.leased + counted.dead === 0) continue
      const before = destinations.get(counted.name)
      const ageMs = oldestMadeMs === undefined ? undefined : nowMs(serverMs) - oldestMadeMs
      destinations.set(counted.name, {
        name: counted.name,
        pending: counted.pending + (before?.pending ?? 0),
        leased: counted.leased + (before?.leased ?? 0),
        dead: counted.dead + (before?.dead ?? 0),
        blockedKeys: counted.blockedKeys + (before?.blockedKeys ?? 0),
        oldestPendingMs: oldestOf(ageMs, before?.oldestPendingMs),
      })
    }
  }
  const events = counts.reduce((sum, each) => sum + each.events, 0)
  return { events, destinations: [...destinations.values()] }
}

function oldestOf(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || right === undefined ? (left ?? right) : Math.max(left, right)
}

type KeptTexts = readonly [
  source: string,
  reason: Reason,
  method: string,
  url: string,
  headers: string[],
  bodyBytes: number,
]

/** A refused request, as `lua/side-ports.ts` keeps it. */
function keptRequest(row: Unpacked): KeptRequest {
  const [receivedMs, texts, body, copies, rejectedSeq] = row as readonly [
    number,
    Buffer,
    Buffer,
    number,
    number,
  ]
  // Written by `record`.
  const [source, reason, method, url, headers, bodyBytes] = JSON.parse(texts.toString()) as KeptTexts
  const exact = { headers, body: Uint8Array.from(body), bodyBytes }
  return { rejectedSeq, source, reason, method, url, ...exact, receivedMs, copies }
}

/** A page of refused requests, as `lua/read.ts` packs it. */
export function rejectedPage(value: Unpacked): RejectedPage {
  const [rows, next] = value as readonly [readonly Unpacked[], number]
  return { requests: rows.map(keptRequest), next: next === 0 ? undefined : next }
}
