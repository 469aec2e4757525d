import type { Attempt, Delivery, StoredEvent } from '../../inbox/index.ts'
import { DueQueue } from './due-queue.ts'

export interface EventRow {
  readonly event: StoredEvent
  readonly duplicates: number
  readonly deliverySeqs: readonly number[]
}

export interface DeliveryRow extends Delivery {
  readonly madeMs: number
  readonly attempts: readonly Attempt[]
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
  #lastEventSeq = 0
  #lastDeliverySeq = 0

  get lastEventSeq(): number {
    return this.#lastEventSeq
  }

  get lastDeliverySeq(): number {
    return this.#lastDeliverySeq
  }

  addEvent(event: Omit<StoredEvent, 'eventSeq'>): number {
    const eventSeq = ++this.#lastEventSeq
    this.events.set(eventSeq, { event: { ...event, eventSeq }, duplicates: 0, deliverySeqs: [] })
    return eventSeq
  }

  /** Makes a delivery that is due now. */
  addDelivery(row: EventRow, destination: string, nowMs: number): number {
    const { eventSeq } = row.event
    const deliverySeq = ++this.#lastDeliverySeq
    this.events.set(eventSeq, { ...row, deliverySeqs: [...row.deliverySeqs, deliverySeq] })
    this.setDelivery({
      deliverySeq,
      eventSeq,
      destination,
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

  /** Replaces a delivery's row, and queues it for when it can be claimed. */
  setDelivery(row: DeliveryRow): void {
    const { deliverySeq, dueMs, leaseUntilMs } = row
    this.deliveries.set(deliverySeq, row)
    const queues = this.queuesOf(row.destination)
    if (row.state === 'pending') queues.pending.add({ atMs: dueMs, deliverySeq })
    if (leaseUntilMs !== undefined) queues.leased.add({ atMs: leaseUntilMs, deliverySeq })
  }

  deliveriesOf(row: EventRow): DeliveryRow[] {
    return row.deliverySeqs.flatMap((deliverySeq) => this.deliveries.get(deliverySeq) ?? [])
  }

  deleteEvent(row: EventRow): void {
    for (const deliverySeq of row.deliverySeqs) this.deliveries.delete(deliverySeq)
    this.events.delete(row.event.eventSeq)
  }

  queuesOf(destination: string): DestinationQueues {
    const queues = this.#queues.get(destination) ?? this.#newQueues()
    this.#queues.set(destination, queues)
    return queues
  }

  #newQueues(): DestinationQueues {
    return {
      pending: new DueQueue(({ deliverySeq, atMs }) => {
        const row = this.deliveries.get(deliverySeq)
        return row?.state === 'pending' && row.dueMs === atMs
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
