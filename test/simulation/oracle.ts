import type { Claimed, NewEvent, Occurrence, PutResult } from '../../packages/postern/src/inbox/index.ts'
import type { Database } from './database.ts'
import type { Image, ResultOf } from './image.ts'
import type { Process } from './node.ts'
import { isHandled, isOrdered, type Scenario, type SentEvent } from './scenario.ts'
import type { VirtualTime } from './virtual-time.ts'

/** A call of a handler. */
export interface Run {
  readonly process: Process
  readonly event: SentEvent
  readonly destination: string
  readonly attempt: number
  readonly deliverySeq: number
  readonly token: number
  /** Begun when its lease had gone to another. */
  readonly isStale: boolean
  isOver: boolean
}

type DeliveryRow = Image['tables']['deliveries'] extends Map<number, infer Row> ? Row : never

/** What a process holds, as far as the store has told it. */
interface Held {
  readonly claimed: Claimed
  readonly takesPlace: boolean
  hasBegun: boolean
}

/** A healthy node takes what is due within this time; another process's work it sees when it looks again. */
const TAKEN_WITHIN_MS = 1000
const SEEN_BY_OTHERS_WITHIN_MS = 6500
/** How long after a fault nodes may still be pausing or retrying. */
const CALM_AFTER_MS = 8000
const ANSWER_WITHIN_MS = 2500
const SENDER_WAITS_MS = 10_000
const SLACK_MS = 20

/**
 * Says what is wrong. It knows what senders saw, what the durable image says, and the calls of the handlers; nothing of
 * how the inbox comes to its answers.
 */
export class Oracle {
  readonly violations: string[] = []
  readonly #time: VirtualTime
  readonly #database: Database
  readonly #scenario: Scenario
  readonly #acknowledgedMs = new Map<SentEvent, number>()
  readonly #firstSentMs = new Map<SentEvent, number>()
  readonly #byBody = new Map<string, SentEvent>()
  readonly #runs: Run[] = []
  readonly #held = new Map<Process, Held[]>()
  /** Deliveries that could be claimed, since when, and in which state. */
  readonly #claimable = new Map<number, { readonly sinceMs: number; readonly token: number }>()
  readonly #freeSinceMs = new Map<Process, Map<string, number>>()
  /** Events in the durable log, by body, each with the states that its deliveries for `handlers` have ended in. */
  readonly #durable = new Map<string, { readonly isConflict: boolean; readonly ended: Set<string> }>()
  readonly #forced = new Set<number>()
  /** The newest lease of each delivery that was handed out; gone once it is settled. */
  readonly #granted = new Map<number, { readonly token: number; untilMs: number }>()
  /** The original deliveries that a run with the current token has begun, by ordering key and destination. */
  readonly #begun = new Map<string, Run[]>()

  constructor(time: VirtualTime, database: Database, scenario: Scenario) {
    this.#time = time
    this.#database = database
    this.#scenario = scenario
    for (const event of scenario.events) this.#byBody.set(event.body, event)
  }

  broken(promise: string): void {
    this.violations.push(`at ${this.#time.nowMs.toFixed(2)} ms: ${promise}`)
  }

  eventOf(body: Uint8Array): SentEvent | undefined {
    return this.#byBody.get(textOf(body))
  }

  sent(event: SentEvent): void {
    if (!this.#firstSentMs.has(event)) this.#firstSentMs.set(event, this.#time.nowMs)
  }

  /** A process has written an answer. */
  answered(process: Process, event: SentEvent, status: number, tookMs: number, isGenuine: boolean): void {
    if (
      process.stoppedMs !== undefined &&
      status === 200 &&
      this.#time.nowMs > process.stoppedMs + SLACK_MS
    ) {
      this.broken(`${event.label} was answered 200 after the stop`)
    }
    if (!isGenuine && status !== 401) this.broken(`${event.label}, refused, was answered ${status}`)
    if (isGenuine && status !== 200 && status !== 503) this.broken(`${event.label} was answered ${status}`)
    const withinMs = isHandled(event.source) ? SENDER_WAITS_MS : ANSWER_WITHIN_MS
    const wasHalted = process.lastHaltEndsMs >= this.#time.nowMs - tookMs
    if (tookMs > withinMs + SLACK_MS && !wasHalted) {
      this.broken(`${event.label} was answered ${status} after ${tookMs.toFixed(0)} ms`)
    }
    if (status === 200) this.#assertDurable(event)
  }

  #assertDurable(event: SentEvent): void {
    const durable = this.#durable.get(event.body)
    if (durable === undefined) return this.broken(`${event.label} was answered 200 and is not durable`)
    if (!isHandled(event.source) || event.isIgnored) return
    const isHeld = durable.isConflict && this.#scenario.onConflict === 'hold'
    if (!isHeld && durable.ended.size === 0) {
      this.broken(`${event.label} was answered 200 before its delivery succeeded`)
    }
  }

  /** A sender has read a 200. */
  acknowledged(event: SentEvent): void {
    if (!this.#acknowledgedMs.has(event)) this.#acknowledgedMs.set(event, this.#time.nowMs)
  }

  /** An operation has become durable. */
  durable({ operation, result, atMs }: Database['durable'][number]): void {
    // Each verb answers with its own result, whatever the compiler knows of it here.
    switch (operation.verb) {
      case 'put':
        return this.#durablePut(operation.event, result as PutResult, atMs)
      case 'claim':
        for (const lease of (result as ResultOf['claim']).claimed) {
          this.#grant(lease, atMs, atMs + operation.request.leaseMs)
        }
        return
      case 'settle':
        operation.settlements.forEach((lease, index) => {
          if ((result as ResultOf['settle'])[index]?.result === 'settled') this.#settled(lease)
        })
        return
      case 'extend':
        operation.leases.forEach((lease, index) => {
          if ((result as ResultOf['extend'])[index] !== 'extended') return
          const granted = this.#granted.get(lease.deliverySeq)
          if (granted?.token === lease.token) granted.untilMs = atMs + operation.leaseMs
          else this.broken(`delivery ${lease.deliverySeq} was prolonged with an old token`)
        })
        return
      case 'move':
        for (const { deliverySeq } of operation.moves) this.#noteEnd(deliverySeq)
        return
      default:
    }
  }

  #durablePut(event: NewEvent, result: PutResult, atMs: number): void {
    const body = textOf(event.body)
    const { outcome } = result
    if ((outcome === 'stored' || outcome === 'conflict') && !this.#durable.has(body)) {
      this.#durable.set(body, { isConflict: outcome === 'conflict', ended: new Set() })
    }
    if (outcome !== 'failed' && result.leased !== undefined && event.lease !== undefined) {
      this.#grant(result.leased, atMs, atMs + event.lease.leaseMs)
    }
  }

  #grant({ deliverySeq, token }: Claimed, atMs: number, untilMs: number): void {
    const granted = this.#granted.get(deliverySeq)
    if (granted !== undefined && granted.untilMs > atMs) {
      this.broken(`delivery ${deliverySeq} was handed out while its lease held`)
    }
    this.#granted.set(deliverySeq, { token, untilMs })
  }

  #settled({ deliverySeq, token }: { readonly deliverySeq: number; readonly token: number }): void {
    if (this.#granted.get(deliverySeq)?.token !== token) {
      this.broken(`delivery ${deliverySeq} was settled with an old token`)
    }
    this.#granted.delete(deliverySeq)
    this.#noteEnd(deliverySeq)
  }

  #noteEnd(deliverySeq: number): void {
    const row = this.#row(deliverySeq)
    const event = row && this.#database.image.tables.events.get(row.eventSeq)?.event
    if (row === undefined || event === undefined || row.destination !== 'handlers') return
    if (row.state === 'succeeded' || row.state === 'cancelled')
      this.#durable.get(textOf(event.body))?.ended.add(row.state)
  }

  forced(deliverySeq: number): void {
    this.#forced.add(deliverySeq)
  }

  claimed(process: Process, claimed: readonly Claimed[]): void {
    for (const each of claimed) this.#hold(process, each, true)
  }

  put(process: Process, event: NewEvent, result: PutResult): void {
    if (result.outcome === 'failed')
      return this.broken(`${event.id} could not be stored: ${result.error.message}`)
    // What a request waits for takes no place of the worker's.
    const takesPlace = event.lease?.leavesCopies === true
    if (result.leased !== undefined) this.#hold(process, result.leased, takesPlace)
  }

  #hold(process: Process, claimed: Claimed, takesPlace: boolean): void {
    const held = this.#held.get(process) ?? []
    this.#held.set(process, held)
    held.push({ claimed, takesPlace, hasBegun: false })
    this.#countPlaces(process)
  }

  occurred(process: Process, occurrence: Occurrence): void {
    if (occurrence.kind !== 'attempted') return
    const held = this.#held.get(process) ?? []
    const index = held.findIndex(
      ({ claimed }) =>
        claimed.event.eventSeq === occurrence.eventSeq &&
        claimed.destination === occurrence.destination &&
        claimed.attempt === occurrence.attempt,
    )
    if (index < 0) return this.broken(`${occurrence.id} was attempted without a lease`)
    held.splice(index, 1)
    this.#countPlaces(process)
  }

  /** Since when each destination of a process has had a free place. */
  #countPlaces(process: Process): void {
    const held = this.#held.get(process) ?? []
    const free = this.#freeSinceMs.get(process) ?? new Map<string, number>()
    this.#freeSinceMs.set(process, free)
    for (const destination of ['handlers', 'audit']) {
      const taken = held.filter(
        ({ claimed, takesPlace }) => takesPlace && claimed.destination === destination,
      ).length
      if (taken >= this.#scenario.concurrency) free.delete(destination)
      else if (!free.has(destination)) free.set(destination, this.#time.nowMs)
    }
  }

  started(process: Process): void {
    this.#countPlaces(process)
  }

  verb(process: Process, verb: string): void {
    if (process.stoppedMs !== undefined) this.broken(`${verb} was asked of the store after the stop`)
  }

  /** A handler is called. */
  runs(process: Process, event: SentEvent, destination: string, attempt: number): Run {
    if (process.stoppedMs !== undefined)
      this.broken(`the handler of ${event.label} was called after the stop`)
    const lease = this.#held
      .get(process)
      ?.findLast(
        (held) =>
          !held.hasBegun &&
          held.claimed.destination === destination &&
          held.claimed.attempt === attempt &&
          textOf(held.claimed.event.body) === event.body,
      )
    if (lease === undefined) this.broken(`the handler of ${event.label} was called without a lease`)
    else lease.hasBegun = true
    const { deliverySeq = 0, token = 0 } = lease?.claimed ?? {}
    const isStale = !this.#isCurrent({ deliverySeq, token })
    const run = { process, event, destination, attempt, deliverySeq, token, isStale, isOver: false }
    if (!isStale) this.#assertTurn(run)
    this.#runs.push(run)
    return run
  }

  #isCurrent({ deliverySeq, token }: Pick<Run, 'deliverySeq' | 'token'>): boolean {
    const row = this.#row(deliverySeq)
    return row?.state === 'leased' && row.token === token
  }

  #row(deliverySeq: number): DeliveryRow | undefined {
    return this.#database.image.tables.deliveries.get(deliverySeq)
  }

  #assertTurn(run: Run): void {
    const { event, destination, deliverySeq } = run
    const twin = this.#runs.find((other) => other.deliverySeq === deliverySeq && this.#isRunning(other))
    if (twin !== undefined) this.broken(`${event.label} runs twice at once for ${destination}`)
    if (!isOrdered(event.source)) return
    const isMate = (other: Run): boolean => isSameLane(other, run) && other.deliverySeq !== deliverySeq
    const other = this.#runs.find((each) => isMate(each) && this.#isRunning(each))
    if (other !== undefined) this.broken(`${event.label} runs beside ${other.event.label} of the same key`)
    for (const earlier of this.#scenario.events) {
      if (this.#isBefore(earlier, event)) this.#assertOver(earlier, run)
    }
    this.#assertNotOvertaken(run)
  }

  #isRunning(run: Run): boolean {
    return !run.isOver && run.process.owner.isAlive && this.#isCurrent(run)
  }

  /** Whether the first was acknowledged before the second was sent at all, under the same key. */
  #isBefore(first: SentEvent, second: SentEvent): boolean {
    if (first.source !== second.source || first.key !== second.key || first === second) return false
    const acknowledgedMs = this.#acknowledgedMs.get(first) ?? Infinity
    return acknowledgedMs < (this.#firstSentMs.get(second) ?? Infinity)
  }

  #assertOver(earlier: SentEvent, { event, destination }: Run): void {
    const original = this.#originalOf(earlier, destination)
    if (original === undefined || this.#forced.has(original.deliverySeq)) return
    const { state } = original
    const isInTheWay =
      state === 'pending' || state === 'leased' || (state === 'dead' && this.#scenario.onDead === 'block')
    if (isInTheWay)
      this.broken(`${event.label} runs while ${earlier.label}, acknowledged before it came, is ${state}`)
  }

  #originalOf({ body }: SentEvent, destination: string): DeliveryRow | undefined {
    const { tables } = this.#database.image
    const row = [...tables.events.values()].find((each) => textOf(each.event.body) === body)
    const seq = row?.deliverySeqs.find((each) => this.#row(each)?.destination === destination)
    return seq === undefined ? undefined : this.#row(seq)
  }

  #assertNotOvertaken(run: Run): void {
    const { event, destination, deliverySeq } = run
    if (this.#originalOf(event, destination)?.deliverySeq !== deliverySeq) return
    const lane = `${event.source} ${event.key} ${destination}`
    const begun = this.#begun.get(lane) ?? []
    this.#begun.set(lane, begun)
    const later = begun.find((other) => this.#isBefore(event, other.event))
    if (later !== undefined && !this.#forced.has(deliverySeq)) {
      this.broken(`${event.label} runs after ${later.event.label}, which came later`)
    }
    begun.push(run)
  }

  /** Looks whether anything is left lying that a healthy node should have taken. */
  look(processes: readonly Process[]): void {
    const nowMs = this.#time.nowMs
    const isCalm = this.#database.isUp && nowMs - this.#database.lastFaultMs > CALM_AFTER_MS
    for (const row of this.#database.image.tables.deliveries.values()) {
      const taker =
        isCalm && this.#isClaimable(row) ? this.#healthyFor(processes, row.destination) : undefined
      if (taker === undefined) {
        this.#claimable.delete(row.deliverySeq)
        continue
      }
      const known = this.#claimable.get(row.deliverySeq)
      if (known?.token !== row.token) {
        this.#claimable.set(row.deliverySeq, { sinceMs: nowMs, token: row.token })
        continue
      }
      // The operator's steps come from another process too.
      const isAlone = this.#scenario.nodes === 1 && this.#scenario.steps.length === 0
      const isOthers = row.state === 'pending' && !isAlone
      const withinMs = isOthers ? SEEN_BY_OTHERS_WITHIN_MS : TAKEN_WITHIN_MS
      const sinceMs = Math.max(known.sinceMs, taker)
      if (nowMs - sinceMs > withinMs) {
        this.broken(`delivery ${row.deliverySeq} for ${row.destination}, ${row.state}, is left lying`)
        this.#claimable.delete(row.deliverySeq)
      }
    }
  }

  #isClaimable(row: DeliveryRow): boolean {
    const { clockMs } = this.#database
    if (row.state === 'leased') return (row.leaseUntilMs ?? Infinity) <= clockMs
    return row.state === 'pending' && row.dueMs <= clockMs && !this.#waitsItsTurn(row)
  }

  #waitsItsTurn(row: DeliveryRow): boolean {
    const { tables } = this.#database.image
    const event = tables.events.get(row.eventSeq)?.event
    if (event === undefined || !isOrdered(event.source)) return false
    return [...tables.deliveries.values()].some((other) => {
      const mate = tables.events.get(other.eventSeq)?.event
      if (other === row || other.destination !== row.destination) return false
      if (mate?.source !== event.source || mate.orderingKey !== event.orderingKey) return false
      const isOpen = other.state === 'pending' || (other.state === 'dead' && other.blocks)
      return other.state === 'leased' || (isOpen && other.deliverySeq < row.deliverySeq)
    })
  }

  /** Since when a process that could take more work for a destination has been healthy; `undefined` where none is. */
  #healthyFor(processes: readonly Process[], destination: string): number | undefined {
    const since = processes.flatMap((process) => {
      const freeMs = this.#freeSinceMs.get(process)?.get(destination)
      const isUp =
        process.isListening && !process.isStopping && process.owner.haltedUntilMs <= this.#time.nowMs
      if (!isUp || freeMs === undefined) return []
      return [Math.max(freeMs, process.startedMs ?? Infinity, process.lastHaltEndsMs)]
    })
    return since.length === 0 ? undefined : Math.min(...since)
  }

  /** A process has stopped in order. */
  stopped(process: Process, tookMs: number): void {
    const isCalm = this.#time.nowMs - tookMs - this.#database.lastFaultMs > CALM_AFTER_MS
    const wasHalted = process.lastHaltEndsMs >= this.#time.nowMs - tookMs
    if (!isCalm || wasHalted) return
    if (tookMs > this.#scenario.graceMs + 500) this.broken(`a stop took ${tookMs.toFixed(0)} ms`)
    for (const { claimed } of this.#held.get(process) ?? []) {
      if (this.#isCurrent(claimed))
        this.broken(`a stop left ${claimed.event.id} leased for ${claimed.destination}`)
    }
    if (this.#time.isBusy(process.owner)) this.broken('a stop left timers behind')
  }

  /** Whether nothing is left to do: what is not over waits for a dead delivery. */
  isAtRest(): boolean {
    return [...this.#database.image.tables.deliveries.values()].every(
      (row) => row.state !== 'leased' && (row.state !== 'pending' || this.#isBlocked(row)),
    )
  }

  #isBlocked(row: DeliveryRow): boolean {
    const { tables } = this.#database.image
    const event = tables.events.get(row.eventSeq)?.event
    return [...tables.deliveries.values()].some((other) => {
      const mate = tables.events.get(other.eventSeq)?.event
      return (
        other.state === 'dead' &&
        other.destination === row.destination &&
        other.deliverySeq < row.deliverySeq &&
        this.#scenario.onDead === 'block' &&
        mate?.source === event?.source &&
        mate?.orderingKey === event?.orderingKey &&
        isOrdered(event?.source ?? '')
      )
    })
  }

  /** After everything has come to rest: what was acknowledged is there, once, and its effects with it. */
  atTheEnd(): { readonly unacknowledged: number } {
    const image = this.#database.rebuilt()
    const all = [...image.pruned, ...image.details()]
    const bodies = all.map(({ event }) => textOf(event.body))
    for (const event of this.#acknowledgedMs.keys()) {
      if (!bodies.includes(event.body)) this.broken(`${event.label} was acknowledged and is gone`)
    }
    this.#assertOnce(all, bodies)
    this.#assertEffects(all, image.effects)
    this.#assertPruned(image)
    const acknowledged = new Set([...this.#acknowledgedMs.keys()].map(({ body }) => body))
    return { unacknowledged: bodies.filter((body) => !acknowledged.has(body)).length }
  }

  #assertOnce(all: Image['pruned'], bodies: readonly string[]): void {
    for (const [index, { event }] of all.entries()) {
      const sent = this.#byBody.get(bodies[index] ?? '')
      if (sent === undefined || sent.isForged || sent.isStale)
        this.broken(`${event.id} is stored and was never sent so`)
      else if (sent.id !== event.id || sent.source !== event.source)
        this.broken(`${event.id} is stored under another name`)
      if (bodies.indexOf(bodies[index] ?? '') !== index) this.broken(`${event.id} is stored twice`)
      const first = all.filter(
        (other) => other.event.id === event.id && other.event.conflictsWith === undefined,
      )
      if (first.length !== 1) this.broken(`${event.id} has ${first.length} events that are no conflict`)
    }
  }

  #assertEffects(all: Image['pruned'], effects: readonly string[]): void {
    const succeeded = new Map<string, number>()
    for (const { event, deliveries } of all) {
      for (const { destination, state } of deliveries) {
        const row = effectRow(textOf(event.body), destination)
        if (state === 'succeeded') succeeded.set(row, (succeeded.get(row) ?? 0) + 1)
        const calls = this.#runs.filter(
          (run) => run.destination === destination && run.event.body === textOf(event.body),
        )
        if (state === 'succeeded' && calls.length === 0)
          this.broken(`${event.id} succeeded at ${destination} unhandled`)
      }
    }
    for (const row of new Set([...effects, ...succeeded.keys()])) {
      const written = effects.filter((effect) => effect === row).length
      const wanted = succeeded.get(row) ?? 0
      if (written !== wanted)
        this.broken(`${wanted} deliveries succeeded and ${written} effects are there of ${row}`)
    }
  }

  #assertPruned({ pruned }: Image): void {
    for (const { event, deliveries } of pruned) {
      const open = deliveries.find(({ state }) => state !== 'succeeded' && state !== 'cancelled')
      if (open !== undefined) this.broken(`${event.id} was pruned with a delivery that is ${open.state}`)
    }
  }
}

/** What a handler writes through `tx`. */
export function effectRow(body: string, destination: string): string {
  return `${destination} ${body}`
}

function isSameLane(left: Run, right: Run): boolean {
  return (
    left.event.source === right.event.source &&
    left.event.key === right.event.key &&
    left.destination === right.destination
  )
}

function textOf(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
}
