/**
 * Compares what a store shows with what the model holds.
 *
 * @module
 */
import assert from 'node:assert/strict'
import type {
  Delivery,
  DestinationStat,
  EventDetail,
  EventSummary,
  ListPage,
  ListQuery,
  StoredEvent,
  StoreStat,
} from '../../packages/postern/src/inbox/index.ts'
import type { StoreModel } from './model.ts'
import { textOf, type DeliveryRow, type EventRow } from './rows.ts'

/** An event as it is handed out, byte for byte. */
export function sameEvent(event: StoredEvent, row: EventRow): void {
  const { body, headers, ...rest } = event
  assert.deepEqual(
    { ...rest, body: textOf(body), headers },
    { ...summaryOf(row), body: textOf(row.said.body), headers: row.said.headers },
  )
}

function summaryOf({ eventSeq, said, receivedMs, conflictsWith }: EventRow): Omit<EventSummary, 'bodyBytes'> {
  const { tenant, source, id, type, createdMs, orderingKey, verifiedBy } = said
  const kept = { tenant, source, id, type, createdMs, orderingKey, verifiedBy }
  return { eventSeq, ...kept, receivedMs, conflictsWith }
}

export function sameDetail(model: StoreModel, eventSeq: number, detail: EventDetail | undefined): void {
  const row = model.eventAt(eventSeq)
  if (row === undefined) return assert.equal(detail, undefined, `event ${eventSeq} is not there`)
  assert.ok(detail, `event ${eventSeq} is there`)
  sameEvent(detail.event, row)
  assert.equal(detail.duplicates, row.duplicates, `copies of event ${eventSeq}`)
  const rows = model.deliveries.filter((each) => each.eventSeq === eventSeq)
  const shown = detail.deliveries.map(({ attempts, ...delivery }) => ({ ...asShown(delivery), attempts }))
  assert.deepEqual(
    shown,
    rows.map((each) => ({ ...deliveryOf(each), attempts: each.attempts })),
  )
}

/** Without what the contract leaves open: the token of what is not leased, the due time of what is not pending. */
function asShown(delivery: Delivery): Delivery {
  const { state, token, dueMs } = delivery
  return { ...delivery, token: state === 'leased' ? token : 0, dueMs: state === 'pending' ? dueMs : 0 }
}

function deliveryOf(row: DeliveryRow): Delivery {
  const { deliverySeq, eventSeq, destination, state, attempt, orderingKey, blocks, leaseUntilMs, error } = row
  return {
    deliverySeq,
    eventSeq,
    destination,
    state,
    attempt,
    token: state === 'leased' ? row.tokens.at(-1)! : 0,
    orderingKey,
    blocks,
    dueMs: state === 'pending' ? row.dueMs : 0,
    leaseUntilMs,
    error,
  }
}

export function samePage(model: StoreModel, query: ListQuery, page: ListPage): void {
  const { before = Infinity, after = 0, limit } = query
  const sign = query.after === undefined ? -1 : 1
  if (query.of === 'events') {
    const rows = model.events
      .filter((row) => row.eventSeq < before && row.eventSeq > after && isOf(row, query))
      .toSorted((left, right) => sign * (left.eventSeq - right.eventSeq))
    const shown = rows.slice(0, limit)
    const events = shown.map((row) => ({ ...summaryOf(row), bodyBytes: row.said.body.byteLength }))
    const next = rows.length > limit ? shown.at(-1)?.eventSeq : undefined
    assert.deepEqual(page, { events, deliveries: [], next })
    return
  }
  const rows = model.deliveries
    .filter((row) => row.deliverySeq < before && row.deliverySeq > after && isWanted(model, row, query))
    .toSorted((left, right) => sign * (left.deliverySeq - right.deliverySeq))
  const shown = rows.slice(0, limit)
  const deliveries = shown.map((row) => deliveryOf(row))
  const next = rows.length > limit ? shown.at(-1)?.deliverySeq : undefined
  assert.deepEqual([page.events, page.next], [[], next])
  assert.deepEqual(page.deliveries.map(asShown), deliveries)
}

function isWanted(model: StoreModel, row: DeliveryRow, query: ListQuery): boolean {
  const { state, destination, blocking } = query
  const asksOfEvent = query.source !== undefined || query.type !== undefined
  return (
    (!asksOfEvent || isOf(model.eventAt(row.eventSeq)!, { ...query, conflicts: false })) &&
    (state === undefined || row.state === state) &&
    (destination === undefined || row.destination === destination) &&
    (blocking !== true || row.blocks)
  )
}

function isOf({ said, conflictsWith }: EventRow, query: ListQuery): boolean {
  return (
    (query.source === undefined || query.source === said.source) &&
    (query.type === undefined || query.type === said.type) &&
    (query.conflicts !== true || conflictsWith !== undefined)
  )
}

/** FREE: the order of destinations, and whether one is named that has nothing unfinished. */
export function sameStat(model: StoreModel, { events, destinations }: StoreStat): void {
  assert.equal(events, model.events.length, 'how many events there are')
  const counted = destinations.filter(({ pending, leased, dead }) => pending + leased + dead > 0)
  assert.deepEqual(
    counted.toSorted((left, right) => (left.name < right.name ? -1 : 1)),
    statOf(model),
  )
}

function statOf(model: StoreModel): DestinationStat[] {
  const open = model.deliveries.filter(({ state }) => state !== 'succeeded' && state !== 'cancelled')
  const names = [...new Set(open.map(({ destination }) => destination))].toSorted()
  return names.map((name) => {
    const mine = open.filter(({ destination }) => destination === name)
    const count = (wanted: string): number => mine.filter(({ state }) => state === wanted).length
    const ages = mine.filter(({ state }) => state === 'pending').map(({ madeMs }) => model.nowMs - madeMs)
    return {
      name,
      pending: count('pending'),
      leased: count('leased'),
      dead: count('dead'),
      blockedKeys: model.blockedLines(name),
      oldestPendingMs: ages.length === 0 ? undefined : Math.max(...ages),
    }
  })
}
