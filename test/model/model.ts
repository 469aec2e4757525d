/**
 * The Store contract once more, from the words of `inbox/store.ts`: arrays that are searched from end to end, and no
 * thought of speed. It does not predict a store, it judges one: each verb is told what the store answered, throws where
 * the contract does not allow it, and takes the store's word where the contract leaves a choice (numbers, tokens, the
 * order of what is due at the same time).
 *
 * @module
 */
import assert from 'node:assert/strict'
import type {
  Claimed,
  ClaimRequest,
  Lease,
  Move,
  MoveResult,
  NewEvent,
  PruneRequest,
  PruneResult,
  PutResult,
  RejectedRequest,
  Replay,
  ReplayResult,
  Settlement,
  SettleResult,
} from '../../packages/postern/src/inbox/index.ts'
import type { Effect } from './effect.ts'
import {
  textOf,
  type DeliveryRow,
  type EntryRow,
  type EventRow,
  type LeaseRow,
  type MemoRow,
  type RejectedRow,
} from './rows.ts'
import { sameEvent } from './same.ts'

/** The numbers that a store gave an event's deliveries, as `get` showed them. */
export type Numbers = ReadonlyMap<number, readonly number[]>

/** What an answer to a put may be. */
type Allowed =
  | { readonly outcome: 'stored' }
  | { readonly outcome: 'duplicate'; readonly of: number }
  | { readonly outcome: 'conflict'; readonly with: number }

export class StoreModel {
  nowMs: number
  events: EventRow[] = []
  deliveries: DeliveryRow[] = []
  memos: MemoRow[] = []
  leases: LeaseRow[] = []
  rejected: RejectedRow[] = []
  entries: EntryRow[] = []
  /** Names of the effects of settlements that counted, in their order. */
  effects: string[] = []
  effectCount = 0
  /** Every event that was put and could be stored, copies too. */
  heard: NewEvent[] = []
  /** Events that are gone, as they were put. */
  pruned: NewEvent[] = []
  /** What was done, for whoever reads of a failure. */
  story: string[] = []
  lastEventSeq = 0
  lastDeliverySeq = 0
  /** Names of the effects of settlements that failed. */
  undone: string[] = []
  /** Of the records past their window, how many are gone: the contract does not say which. */
  goneMemos = 0
  /** When the first window of all ended or will end. */
  firstExpiryMs = Infinity
  /** FREE: a store that reads its records from its events at the start may count again what it had forgotten. */
  hasReopened = false
  /** Of the step that is judged now. */
  isSideBySide = false
  numbersBefore = { event: 0, delivery: 0 }

  constructor(nowMs: number) {
    this.nowMs = nowMs
  }

  /** A model that goes on by itself. */
  copy(): StoreModel {
    return Object.assign(new StoreModel(this.nowMs), structuredClone({ ...this }))
  }

  /** Before each step. @param isSideBySide Whether its calls are carried out at the same time. */
  begin(isSideBySide: boolean): void {
    this.isSideBySide = isSideBySide
    this.numbersBefore = { event: this.lastEventSeq, delivery: this.lastDeliverySeq }
  }

  // put

  put(events: readonly NewEvent[], results: readonly PutResult[], numbers: Numbers): void {
    assert.equal(results.length, events.length, 'one result for each event')
    events.forEach((event, index) => this.#putOne(event, results[index]!, numbers))
  }

  #putOne(event: NewEvent, result: PutResult, numbers: Numbers): void {
    if (!(event.body instanceof Uint8Array)) {
      assert.equal(result.outcome, 'failed', 'what is no event fails')
      return
    }
    this.heard.push(event)
    const allowed = this.#allowedOf(event)
    const chosen = allowed.find((each) => isSame(each, result))
    assert.ok(chosen, `put answers ${inWords(result)}; allowed: ${JSON.stringify(allowed)}`)
    if (result.outcome === 'failed') return
    if (result.outcome === 'duplicate') return this.#countCopy(event, result)
    const conflictsWith = result.outcome === 'conflict' ? result.conflictsWith : undefined
    this.#addEvent(event, result.eventSeq, conflictsWith)
    if (conflictsWith === undefined || event.onConflict === 'dispatch') {
      const seqs = numbers.get(result.eventSeq) ?? []
      assert.ok(seqs.length >= event.destinations.length, 'one delivery for each destination')
      event.destinations.forEach((name, index) => this.#addDelivery(result.eventSeq, name, seqs[index]!))
    }
    this.#takeLease(event, result.eventSeq, result.leased, 'new')
  }

  /** A copy under any key comes before a conflict: nothing of it is new. */
  #allowedOf(event: NewEvent): Allowed[] {
    const body = textOf(event.body)
    const live = this.memos.filter(
      ({ tenant, source, expiresMs }) =>
        tenant === event.tenant && source === event.source && this.nowMs < expiresMs,
    )
    const byId = live.filter(({ by, id }) => by === 'id' && event.idKind !== 'digest' && id === event.id)
    const byBody = live.filter(
      (memo) => memo.by === 'body' && event.idKind !== 'signed' && memo.body === body,
    )
    const conflicts = live.filter(
      ({ by, id }) => by === 'conflict' && event.idKind !== 'digest' && id === event.id,
    )
    const copies = [...byId, ...conflicts, ...byBody].filter((memo) => memo.body === body)
    const isCopy = [...byId, ...byBody].some((memo) => memo.body === body)
    const duplicates = copies.map(({ eventSeq }): Allowed => ({ outcome: 'duplicate', of: eventSeq }))
    if (isCopy || (byId.length > 0 && duplicates.length > 0)) return duplicates
    if (byId.length > 0) return byId.map(({ eventSeq }) => ({ outcome: 'conflict', with: eventSeq }))
    // FREE: the first event of an id is forgotten, one that came in conflict with it is not. The text says that the id is
    // remembered for the window of each; the stores look for conflicts only under an id that is still its first event's.
    const rest = conflicts.map(({ eventSeq }): Allowed => ({ outcome: 'conflict', with: eventSeq }))
    return [{ outcome: 'stored' }, ...(duplicates.length > 0 ? duplicates : rest)]
  }

  #addEvent(event: NewEvent, eventSeq: number, conflictsWith: number | undefined): void {
    const { isSideBySide, lastEventSeq, numbersBefore } = this
    assert.ok(
      eventSeq > (isSideBySide ? numbersBefore.event : lastEventSeq),
      'a later event has a higher number',
    )
    assert.ok(
      this.events.every((row) => row.eventSeq !== eventSeq),
      'a number is given once',
    )
    this.lastEventSeq = Math.max(lastEventSeq, eventSeq)
    const said = { ...event, body: event.body.slice() }
    this.events.push({ eventSeq, said, receivedMs: this.nowMs, conflictsWith, duplicates: 0 })
    this.events.sort((left, right) => left.eventSeq - right.eventSeq)
    const { tenant, source, idKind } = event
    const body = textOf(event.body)
    const rest = { tenant, source, body, eventSeq, expiresMs: this.nowMs + event.dedupeWindowMs }
    if (conflictsWith !== undefined) this.#remember({ ...rest, by: 'conflict', id: event.id })
    else if (idKind !== 'digest') this.#remember({ ...rest, by: 'id', id: event.id })
    if (idKind !== 'signed') this.#remember({ ...rest, by: 'body', id: undefined })
  }

  /** In place of what was remembered under the same before. */
  #remember(memo: MemoRow): void {
    this.firstExpiryMs = Math.min(this.firstExpiryMs, memo.expiresMs)
    const isOld = (each: MemoRow): boolean =>
      each.by === memo.by &&
      each.tenant === memo.tenant &&
      each.source === memo.source &&
      each.id === memo.id &&
      (memo.by === 'id' || each.body === memo.body)
    this.memos = [...this.memos.filter((each) => !isOld(each)), memo]
  }

  #countCopy(event: NewEvent, result: Extract<PutResult, { outcome: 'duplicate' }>): void {
    const row = this.events.find(({ eventSeq }) => eventSeq === result.eventSeq)
    const mine = this.deliveries.filter(({ eventSeq }) => eventSeq === result.eventSeq)
    const states = mine.map(({ deliverySeq, destination, state }) => ({ deliverySeq, destination, state }))
    assert.deepEqual(result.deliveries, states, 'a duplicate shows the deliveries as they were')
    if (row !== undefined) row.duplicates += 1
    this.#takeLease(event, result.eventSeq, result.leased, 'copy')
  }

  #takeLease({ lease }: NewEvent, eventSeq: number, leased: Claimed | undefined, what: 'copy' | 'new'): void {
    const there = this.deliveries.filter(
      (row) => row.eventSeq === eventSeq && row.destination === lease?.destination,
    )
    const newest = there.at(-1)
    const isFree =
      lease !== undefined &&
      !(what === 'copy' && lease.leavesCopies === true) &&
      newest !== undefined &&
      newest.state !== 'cancelled' &&
      there.every((row) => row.state !== 'succeeded' && !this.#isRunning(row))
    const turns = isFree ? this.#turnsOf(newest) : [false]
    assert.ok(turns.includes(leased !== undefined), `put ${leased ? 'leases' : 'does not lease'}`)
    if (leased === undefined || newest === undefined || lease === undefined) return
    if (newest.state === 'dead') newest.attempt = 0
    this.#lease(newest, leased, lease.leaseMs)
  }

  #isRunning({ state, leaseUntilMs }: DeliveryRow): boolean {
    return state === 'leased' && leaseUntilMs !== undefined && this.nowMs < leaseUntilMs
  }

  /** Whether it is a delivery's turn; both where the contract leaves it open. */
  #turnsOf(row: DeliveryRow): boolean[] {
    // It had its turn when it was leased.
    if (row.state === 'leased') return [true]
    const others = this.#inLine(row.line).filter((other) => other !== row)
    const isFirst = others.every((other) => other.state !== 'leased' && other.deliverySeq > row.deliverySeq)
    if (!isFirst) return [false]
    return row.state === 'dead' ? this.#overtaken(row).map((overtaken) => !overtaken) : [true]
  }

  /**
   * Whether a later delivery of the line has been claimed since.
   *
   * FREE: since it was made, or since it died: they differ where one that was overtaken was redriven by force, and died again.
   */
  #overtaken(row: DeliveryRow): boolean[] {
    const later = (all: readonly LeaseRow[]): boolean =>
      row.line !== undefined &&
      all.some(({ line, deliverySeq }) => line === row.line && deliverySeq > row.deliverySeq)
    if (later(this.leases.slice(row.diedAfter))) return [true]
    return later(this.leases) ? [true, false] : [false]
  }

  /** What stands in a line: pending, leased, or dead and in the way. */
  #inLine(line: string | undefined): DeliveryRow[] {
    if (line === undefined) return []
    return this.deliveries.filter(
      (row) => row.line === line && (row.state === 'pending' || row.state === 'leased' || row.blocks),
    )
  }

  #addDelivery(eventSeq: number, destination: string, deliverySeq: number): void {
    const { tenant, source, orderingKey, onDead } = this.eventAt(eventSeq)!.said
    const isInOrder = orderingKey !== undefined && onDead !== undefined
    const line = isInOrder ? JSON.stringify([destination, tenant, source, orderingKey]) : undefined
    const { isSideBySide, lastDeliverySeq, numbersBefore } = this
    assert.ok(
      deliverySeq > (isSideBySide ? numbersBefore.delivery : lastDeliverySeq),
      'a later delivery has a higher number',
    )
    assert.ok(
      this.deliveries.every((row) =>
        row.deliverySeq === deliverySeq
          ? false
          : row.line === undefined || row.line !== line || row.deliverySeq < deliverySeq,
      ),
      'a number is given once, and rises within a line',
    )
    this.lastDeliverySeq = Math.max(lastDeliverySeq, deliverySeq)
    this.deliveries.push({
      deliverySeq,
      eventSeq,
      destination,
      line,
      orderingKey: isInOrder ? orderingKey : undefined,
      onDead,
      madeMs: this.nowMs,
      state: 'pending',
      attempt: 0,
      tokens: [],
      dueMs: this.nowMs,
      leaseUntilMs: undefined,
      error: undefined,
      blocks: false,
      attempts: [],
      diedAfter: 0,
    })
    this.deliveries.sort(bySeq)
  }

  #lease(row: DeliveryRow, claimed: Claimed, leaseMs: number): void {
    row.attempt += 1
    row.state = 'leased'
    row.blocks = false
    row.leaseUntilMs = this.nowMs + leaseMs
    const { deliverySeq, token, destination, attempt, event } = claimed
    assert.deepEqual(
      [deliverySeq, destination, attempt],
      [row.deliverySeq, row.destination, row.attempt],
      'a lease is on the delivery, with its attempt',
    )
    assert.ok(!row.tokens.includes(token), 'a token is never used again')
    row.tokens.push(token)
    sameEvent(event, this.eventAt(row.eventSeq)!)
    this.leases.push({ deliverySeq, token, line: row.line })
  }

  // claim

  claim(request: Pick<ClaimRequest, 'destinations' | 'leaseMs'>, claimed: readonly Claimed[]): void {
    const asked = new Set(request.destinations.map(({ name }) => name))
    for (const { destination } of claimed)
      assert.ok(asked.has(destination), `nobody asked for ${destination}`)
    for (const { name, limit } of request.destinations) {
      const mine = claimed.filter(({ destination }) => destination === name)
      this.#claimAt(name, limit, request.leaseMs, mine)
    }
  }

  /** Leases that ended come first, then what is due; by time. FREE: the order of those whose time is the same. */
  #claimAt(name: string, limit: number, leaseMs: number, claimed: readonly Claimed[]): void {
    const due = this.deliveries.filter((row) => row.destination === name && this.#isDue(row))
    const most = Math.min(limit, due.length)
    if (this.isSideBySide) assert.ok(claimed.length <= most, `at most ${most} are claimed at ${name}`)
    else assert.equal(claimed.length, most, `how many are claimed at ${name}`)
    const rows = claimed.map((each) => {
      const row = due.find(({ deliverySeq }) => deliverySeq === each.deliverySeq)
      assert.ok(row, `delivery ${each.deliverySeq} is claimed, but not its turn or not due`)
      return row
    })
    assert.equal(new Set(rows).size, rows.length, 'each is claimed once')
    if (!this.isSideBySide) inOrder(rows, due)
    claimed.forEach((each, index) => this.#lease(rows[index]!, each, leaseMs))
  }

  /** In a line one at a time: whoever runs, even one whose lease ended, and else the first. */
  #isDue(row: DeliveryRow): boolean {
    const line = this.#inLine(row.line)
    const head = line.find(({ state }) => state === 'leased') ?? line.toSorted(bySeq)[0]
    if (head !== undefined && head !== row) return false
    if (row.state === 'pending') return row.dueMs <= this.nowMs
    return row.state === 'leased' && row.leaseUntilMs! <= this.nowMs
  }

  // settle, extend

  settle(settlements: readonly Settlement<Effect>[], results: readonly SettleResult[]): void {
    assert.equal(results.length, settlements.length, 'one result for each settlement')
    settlements.forEach((settlement, index) => {
      const expected = this.#settleOne(settlement)
      assert.equal(results[index]!.result, expected, `settlement ${index} of ${settlement.deliverySeq}`)
    })
  }

  #settleOne(settlement: Settlement<Effect>): SettleResult['result'] {
    const { outcome, effects = [], durationMs } = settlement
    const row = this.#leasedBy(settlement)
    if (row === undefined) return 'lost'
    if (effects.some(({ fails }) => fails)) {
      this.undone.push(...effects.map(({ name }) => name))
      return 'failed'
    }
    this.effects.push(...effects.map(({ name }) => name))
    row.leaseUntilMs = undefined
    const error = 'error' in outcome ? outcome.error : undefined
    if (outcome.kind === 'released') row.attempt -= 1
    else {
      const number = row.attempt
      row.attempts.push({ number, endedMs: this.nowMs, durationMs, outcome: outcome.kind, error })
    }
    if (error !== undefined) row.error = error
    row.state = outcome.kind === 'retry' || outcome.kind === 'released' ? 'pending' : outcome.kind
    row.dueMs = this.nowMs + (outcome.kind === 'retry' ? outcome.afterMs : 0)
    if (outcome.kind === 'dead') {
      row.blocks = row.line !== undefined && row.onDead === 'block'
      row.diedAfter = this.leases.length
    }
    return 'settled'
  }

  extend(leases: readonly Lease[], leaseMs: number, results: readonly ('extended' | 'lost')[]): void {
    const expected = leases.map((lease) => {
      const row = this.#leasedBy(lease)
      if (row === undefined) return 'lost'
      row.leaseUntilMs = this.nowMs + leaseMs
      return 'extended'
    })
    assert.deepEqual(results, expected, 'extend')
  }

  /** One that ended and that nobody has claimed since is still its holder's. */
  #leasedBy({ deliverySeq, token }: Lease): DeliveryRow | undefined {
    const row = this.deliveryAt(deliverySeq)
    return row?.state === 'leased' && row.tokens.at(-1) === token ? row : undefined
  }

  // move, replay

  move(moves: readonly Move[], results: readonly MoveResult[]): void {
    assert.equal(results.length, moves.length, 'one result for each move')
    moves.forEach((step, index) => {
      const allowed = this.#allowedMoves(step)
      const result = results[index]!
      assert.ok(allowed.includes(result), `${step.to} answers ${result}; allowed: ${allowed.join()}`)
      if (result === 'moved') this.#moveOne(this.deliveryAt(step.deliverySeq)!, step)
    })
  }

  #allowedMoves({ deliverySeq, to, force }: Move): MoveResult[] {
    const row = this.deliveryAt(deliverySeq)
    if (row === undefined) return ['unknown']
    if (row.state !== (to === 'cancel' ? 'pending' : 'dead')) return ['illegal']
    if (to !== 'redrive' || force === true) return ['moved']
    return this.#overtaken(row).map((overtaken) => (overtaken ? 'overtaken' : 'moved'))
  }

  #moveOne(row: DeliveryRow, { to }: Move): void {
    row.blocks = false
    row.state = to === 'redrive' ? 'pending' : 'cancelled'
    if (to !== 'redrive') return
    row.attempt = 0
    row.dueMs = this.nowMs
  }

  replay(replays: readonly Replay[], results: readonly ReplayResult[]): void {
    assert.equal(results.length, replays.length, 'one result for each replay')
    replays.forEach(({ eventSeq, destinations }, index) => {
      const result = results[index]!
      if (this.eventAt(eventSeq) === undefined) return assert.equal(result, 'unknown')
      if (result === 'unknown') assert.fail(`event ${eventSeq} is known`)
      assert.equal(result.deliverySeqs.length, destinations.length, 'one delivery for each destination')
      destinations.forEach((name, each) => this.#addDelivery(eventSeq, name, result.deliverySeqs[each]!))
    })
  }

  // prune

  prune({ eventsOlderThanMs, limit }: PruneRequest, result: PruneResult): void {
    const old = this.events.filter(
      ({ eventSeq, receivedMs }) =>
        this.nowMs - receivedMs > eventsOlderThanMs &&
        this.deliveries.every(
          (row) => row.eventSeq !== eventSeq || row.state === 'succeeded' || row.state === 'cancelled',
        ),
    )
    const gone = new Set(old.slice(0, limit).map(({ eventSeq }) => eventSeq))
    assert.equal(result.events, gone.size, 'how many events are pruned')
    this.pruned.push(...old.slice(0, limit).map(({ said }) => said))
    this.events = this.events.filter(({ eventSeq }) => !gone.has(eventSeq))
    this.deliveries = this.deliveries.filter(({ eventSeq }) => !gone.has(eventSeq))
    this.#pruneMemos(limit, result.dedupeRecords)
  }

  /** FREE: how many records a store keeps for an event, and whether one that was replaced is counted. */
  #pruneMemos(limit: number, count: number): void {
    const most = this.nowMs >= this.firstExpiryMs ? limit : 0
    assert.ok(count <= most, `${count} records are pruned of ${most} at most`)
    if (this.hasReopened) return
    const past = this.memos.filter(({ expiresMs }) => expiresMs <= this.nowMs).length
    assert.ok(count >= Math.min(limit, past - this.goneMemos), `only ${count} records are pruned`)
    if (count === limit) this.goneMemos += count
    else {
      this.memos = this.memos.filter(({ expiresMs }) => expiresMs > this.nowMs)
      this.goneMemos = 0
    }
  }

  // time and the side ports

  advance(ms: number): void {
    this.nowMs += ms
  }

  reject(request: RejectedRequest): void {
    const same = this.rejected.find(
      ({ request: kept }) =>
        kept.source === request.source &&
        kept.reason === request.reason &&
        textOf(kept.body) === textOf(request.body),
    )
    if (same !== undefined) same.copies += 1
    else this.rejected.push({ request, receivedMs: this.nowMs, copies: 1 })
  }

  setEntry(key: string, value: string | undefined, forMs: number): void {
    this.entries = this.entries.filter((entry) => entry.key !== key)
    if (value !== undefined) this.entries.push({ key, value, expiresMs: this.nowMs + forMs })
  }

  /** What the small state holds under a prefix. */
  entriesOf(prefix: string): { readonly key: string; readonly value: string }[] {
    return this.entries
      .filter(({ key, expiresMs }) => key.startsWith(prefix) && this.nowMs < expiresMs)
      .map(({ key, value }) => ({ key, value }))
      .toSorted((left, right) => (left.key < right.key ? -1 : 1))
  }

  /** A name that no effect has had. */
  nextEffect(): string {
    this.effectCount += 1
    return `effect ${this.effectCount}`
  }

  eventAt(eventSeq: number): EventRow | undefined {
    return this.events.find((row) => row.eventSeq === eventSeq)
  }

  deliveryAt(deliverySeq: number): DeliveryRow | undefined {
    return this.deliveries.find((row) => row.deliverySeq === deliverySeq)
  }

  /** Lines at a destination whose first is dead and in the way. FREE: whether one counts that nobody waits behind. */
  blockedLines(destination: string): number {
    const blocking = this.deliveries.filter((row) => row.destination === destination && row.blocks)
    return blocking.filter((row) => {
      const line = this.#inLine(row.line)
      return line.every((other) => other.state !== 'leased' && other.deliverySeq >= row.deliverySeq)
    }).length
  }
}

function isSame(allowed: Allowed, result: PutResult): boolean {
  if (allowed.outcome !== result.outcome) return false
  if (allowed.outcome === 'duplicate' && result.outcome === 'duplicate') return allowed.of === result.eventSeq
  if (allowed.outcome === 'conflict' && result.outcome === 'conflict')
    return allowed.with === result.conflictsWith
  return true
}

function inWords(result: PutResult): string {
  if (result.outcome === 'failed') return `failed: ${result.error.message}`
  return `${result.outcome} ${result.eventSeq}`
}

type Place = readonly [isPending: number, atMs: number]

function placeOf(row: DeliveryRow): Place {
  return row.state === 'leased' ? [0, row.leaseUntilMs!] : [1, row.dueMs]
}

function byPlace(left: Place, right: Place): number {
  return left[0] - right[0] || left[1] - right[1]
}

function inOrder(claimed: readonly DeliveryRow[], due: readonly DeliveryRow[]): void {
  const left = due.filter((row) => !claimed.includes(row))
  const places = [...claimed, ...left].map(placeOf)
  const times = places.slice(0, claimed.length)
  assert.deepEqual(times, times.toSorted(byPlace), 'what has waited longest comes first')
  const next = places.slice(claimed.length).toSorted(byPlace)[0]
  const last = times.at(-1)
  if (next && last) assert.ok(byPlace(last, next) <= 0, 'what has waited longer is left')
}

function bySeq(left: DeliveryRow, right: DeliveryRow): number {
  return left.deliverySeq - right.deliverySeq
}
