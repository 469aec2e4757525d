import type { Attempt, Delivery, OnDead, StoredEvent } from '../../inbox/index.ts'
import { DueQueue } from './due-queue.ts'
import { Lane } from './lane.ts'

export interface EventRow {
  readonly event: StoredEvent
  readonly duplicates: number
  readonly deliverySeqs: readonly number[]
  /** Set where its deliveries stand in line. */
  readonly onDead: OnDead | undefined
}

export interface DeliveryRow extends Delivery {
  readonly madeMs: number
  readonly attempts: readonly Attempt[]
  /** Name of its lane; `undefined` where no order was asked for. */
  readonly lane: string | undefined
}

export interface DedupeRow {
  readonly eventSeq: number
  /** In hexadecimal. */
  readonly digest: string
  readonly expiresMs: number
}

interface DestinationQueues {
  readonly pending: DueQueue
  readonly leased: DueQueue
}

/**
 * What the store holds. Rows are never changed but replaced, so that undoing a step is putting the old row back.
 * Sequence numbers count up and are never used again.
 */
export class Tables {
  readonly events: Map<number, EventRow> = new Map()
  readonly deliveries: Map<number, DeliveryRow> = new Map()
  /** By key, in hexadecimal. */
  readonly dedupe: Map<string, DedupeRow> = new Map()
  readonly #queues = new Map<string, DestinationQueues>()
  readonly #lanes = new Map<string, Lane>()
  #lastEventSeq = 0
  #lastDeliverySeq = 0

  get lastEventSeq(): number {
    return this.#lastEventSeq
  }

  get lastDeliverySeq(): number {
    return this.#lastDeliverySeq
  }

  addEvent(event: Omit<StoredEvent, 'eventSeq'>, onDead: OnDead | undefined): number {
    const eventSeq = ++this.#lastEventSeq
    this.events.set(eventSeq, { event: { ...event, eventSeq }, duplicates: 0, deliverySeqs: [], onDead })
    return eventSeq
  }

  /** Makes a delivery that is due now, of an event that was stored now or, for a replay, before. */
  addDelivery(row: EventRow, destination: string, nowMs: number, is: 'new' | 'replayed'): number {
    const { eventSeq, orderingKey } = row.event
    const deliverySeq = ++this.#lastDeliverySeq
    const lane = this.#laneFor(row, destination, is)
    this.events.set(eventSeq, { ...row, deliverySeqs: [...row.deliverySeqs, deliverySeq] })
    this.setDelivery({
      deliverySeq,
      eventSeq,
      destination,
      orderingKey: lane === undefined ? undefined : orderingKey,
      lane,
      blocks: false,
      state: 'pending',
      attempt: 0,
      token: 0,
      dueMs: nowMs,
      leaseUntilMs: undefined,
      error: undefined,
      madeMs: nowMs,
      attempts: [],
    })
    return deliverySeq
  }

  /** Replaces a delivery's row, and queues what can be claimed next: itself, or in order the head of its lane. */
  setDelivery(row: DeliveryRow): void {
    this.deliveries.set(row.deliverySeq, row)
    const lane = this.laneOf(row)
    if (lane === undefined) return this.#queue(row)
    const before = lane.headSeq
    lane.update(row)
    const { headSeq } = lane
    const head = headSeq === undefined ? undefined : this.deliveries.get(headSeq)
    if (head !== undefined && (headSeq !== before || headSeq === row.deliverySeq)) this.#queue(head)
  }

  /** The lane of a delivery that has one. */
  laneOf({ lane }: DeliveryRow): Lane | undefined {
    return lane === undefined ? undefined : this.#lanes.get(lane)
  }

  /** How many ordering keys wait for a dead delivery at a destination. */
  blockedKeys(destination: string): number {
    let blocked = 0
    for (const { headSeq } of this.#lanes.values()) {
      const head = headSeq === undefined ? undefined : this.deliveries.get(headSeq)
      if (head?.blocks && head.destination === destination) blocked += 1
    }
    return blocked
  }

  #queue({ deliverySeq, state, dueMs, leaseUntilMs, destination }: DeliveryRow): void {
    const queues = this.queuesOf(destination)
    if (state === 'pending') queues.pending.add({ atMs: dueMs, deliverySeq })
    if (leaseUntilMs !== undefined) queues.leased.add({ atMs: leaseUntilMs, deliverySeq })
  }

  /** A key of another tenant, source or destination is another lane. A replay is no news of what its source asks for. */
  #laneFor({ event, onDead }: EventRow, destination: string, is: 'new' | 'replayed'): string | undefined {
    if (onDead === undefined || event.orderingKey === undefined) return undefined
    const name = JSON.stringify([destination, event.tenant, event.source, event.orderingKey])
    const lane = this.#lanes.get(name) ?? new Lane(onDead)
    if (is === 'new') lane.onDead = onDead
    this.#lanes.set(name, lane)
    return name
  }

  deliveriesOf(row: EventRow): DeliveryRow[] {
    return row.deliverySeqs.flatMap((deliverySeq) => this.deliveries.get(deliverySeq) ?? [])
  }

  deleteEvent(row: EventRow): void {
    for (const delivery of this.deliveriesOf(row)) {
      this.deliveries.delete(delivery.deliverySeq)
      if (delivery.lane !== undefined && this.laneOf(delivery)?.isIdle) this.#lanes.delete(delivery.lane)
    }
    this.events.delete(row.event.eventSeq)
  }

  queuesOf(destination: string): DestinationQueues {
    const queues = this.#queues.get(destination) ?? this.#newQueues()
    this.#queues.set(destination, queues)
    return queues
  }

  #isHead(row: DeliveryRow): boolean {
    const lane = this.laneOf(row)
    return lane === undefined || lane.headSeq === row.deliverySeq
  }

  #newQueues(): DestinationQueues {
    return {
      pending: new DueQueue(({ deliverySeq, atMs }) => {
        const row = this.deliveries.get(deliverySeq)
        return row?.state === 'pending' && row.dueMs === atMs && this.#isHead(row)
      }),
      leased: new DueQueue(({ deliverySeq, atMs }) => {
        const row = this.deliveries.get(deliverySeq)
        return row?.state === 'leased' && row.leaseUntilMs === atMs
      }),
    }
  }
}

/** A stored event as it is handed out: with a body of its own, so that nobody's change reaches the stored one. */
export function handOut(event: StoredEvent): StoredEvent {
  return { ...event, body: event.body.slice() }
}
