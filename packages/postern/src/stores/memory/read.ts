import {
  DURATION_BOUNDS_MS,
  HistogramCounter,
  SIZE_BOUNDS,
  type Delivery,
  type DestinationStat,
  type EventDetail,
  type EventSummary,
  type ListPage,
  type ListQuery,
  type StoredEvent,
  type StoreStat,
} from '../../inbox/index.ts'
import { handOut, type DeliveryRow, type Tables } from './tables.ts'

/** One event, its deliveries and their attempts. */
export function detailOf(tables: Tables, eventSeq: number): EventDetail | undefined {
  const row = tables.events.get(eventSeq)
  if (row === undefined) return undefined
  const deliveries = tables.deliveriesOf(row).map((delivery) => ({
    ...deliveryOf(delivery),
    attempts: delivery.attempts.map((attempt) => ({ ...attempt })),
  }))
  return { event: handOut(row.event), duplicates: row.duplicates, deliveries }
}

/** A page of events or deliveries. */
export function pageOf(tables: Tables, query: ListQuery): ListPage {
  if (query.of === 'events') {
    const page = walk(query, tables.lastEventSeq, (seq) => {
      const event = tables.events.get(seq)?.event
      if (event === undefined || !isOf(event, query)) return undefined
      return query.conflicts === true && event.conflictsWith === undefined ? undefined : summaryOf(event)
    })
    return { events: page.rows, deliveries: [], next: page.next }
  }
  const page = walk(query, tables.lastDeliverySeq, (seq) => matchingDelivery(tables, query, seq))
  return { events: [], deliveries: page.rows, next: page.next }
}

/** Counts of what is not finished, by destination. */
export function statOf(tables: Tables, nowMs: number): StoreStat {
  const destinations = new Map<string, DestinationStat>()
  for (const row of tables.deliveries.values()) {
    if (row.state === 'succeeded' || row.state === 'cancelled') continue
    const { destination: name, state } = row
    const stat = destinations.get(name) ?? {
      name,
      pending: 0,
      leased: 0,
      dead: 0,
      blockedKeys: tables.blockedKeys(name),
      oldestPendingMs: undefined,
    }
    const ageMs = state === 'pending' ? nowMs - row.madeMs : 0
    const oldestPendingMs =
      state === 'pending' ? Math.max(ageMs, stat.oldestPendingMs ?? 0) : stat.oldestPendingMs
    destinations.set(name, { ...stat, [state]: stat[state] + 1, oldestPendingMs })
  }
  return { events: tables.events.size, destinations: [...destinations.values()], commits: NO_COMMITS }
}

/** Nothing is committed: what is here is gone with the process. */
const NO_COMMITS = {
  operations: new HistogramCounter(SIZE_BOUNDS).read(),
  durationMs: new HistogramCounter(DURATION_BOUNDS_MS).read(),
  fsyncMs: new HistogramCounter(DURATION_BOUNDS_MS).read(),
}

/** Goes down the sequence numbers, or up them, until the page is full; one row more tells whether another page follows. */
function walk<Row>(
  { before = Infinity, after, limit }: ListQuery,
  lastSeq: number,
  rowAt: (seq: number) => Row | undefined,
): { readonly rows: readonly Row[]; readonly next: number | undefined } {
  const rows: Row[] = []
  let nextSeq: number | undefined
  const [lowest, highest] = [Math.max(0, after ?? 0) + 1, Math.min(before - 1, lastSeq)]
  const step = after === undefined ? -1 : 1
  for (let seq = step < 0 ? highest : lowest; seq >= lowest && seq <= highest; seq += step) {
    const row = rowAt(seq)
    if (row === undefined) continue
    if (rows.length === limit) return { rows, next: nextSeq }
    rows.push(row)
    nextSeq = seq
  }
  return { rows, next: undefined }
}

function matchingDelivery(tables: Tables, query: ListQuery, seq: number): Delivery | undefined {
  const row = tables.deliveries.get(seq)
  const event = row && tables.events.get(row.eventSeq)?.event
  if (row === undefined || event === undefined || !isOf(event, query)) return undefined
  if (query.state !== undefined && query.state !== row.state) return undefined
  if (query.destination !== undefined && query.destination !== row.destination) return undefined
  if (query.blocking === true && !row.blocks) return undefined
  return deliveryOf(row)
}

function isOf(event: StoredEvent, { source, type }: ListQuery): boolean {
  return (source === undefined || source === event.source) && (type === undefined || type === event.type)
}

function summaryOf(event: StoredEvent): EventSummary {
  const { body, headers: _headers, ...summary } = event
  return { ...summary, bodyBytes: body.byteLength }
}

function deliveryOf(row: DeliveryRow): Delivery {
  const { attempts: _attempts, madeMs: _madeMs, lane: _lane, ...delivery } = row
  return delivery
}
