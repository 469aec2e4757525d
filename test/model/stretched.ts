/**
 * A server's clock runs by itself. So a millisecond of the model is ten minutes of the server: whatever a run takes falls
 * between two of the model's milliseconds, and every moment of the store is one moment of the model.
 *
 * @module
 */
import type {
  Claimed,
  Delivery,
  ListPage,
  NewEvent,
  Outcome,
} from '../../packages/postern/src/inbox/index.ts'
import type { ContractStore } from '../../packages/postern/src/testing/index.ts'

const STRETCH_MS = 600_000

/** The clock of one run, in the model's milliseconds. */
export class StretchedClock {
  readonly #startMs: number
  /** Half a stretch before now: the server's clock may be another than this process's, and may be set back. */
  readonly #serverStartMs = Date.now() - STRETCH_MS / 2
  #passedMs = 0

  constructor(startMs: number) {
    this.#startMs = startMs
  }

  advance(ms: number): void {
    this.#passedMs += ms
  }

  /** What is to be added to the server's clock. */
  readonly offsetMs = (): number => this.#passedMs * STRETCH_MS

  /** The model's moment of a server's. */
  momentOf(serverMs: number): number {
    return this.#startMs + Math.floor((serverMs - this.#serverStartMs) / STRETCH_MS)
  }
}

/** The store as the model knows it. */
export function stretched(store: ContractStore, clock: StretchedClock): ContractStore {
  return {
    put: async (events) => {
      const results = await store.put(events.map(stretchedEvent))
      return results.map((result) =>
        'leased' in result && result.leased !== undefined
          ? { ...result, leased: claimedAt(clock, result.leased) }
          : result,
      )
    },
    claim: async (request) => {
      const claimed = await store.claim({ ...request, leaseMs: request.leaseMs * STRETCH_MS })
      return claimed.map((each) => claimedAt(clock, each))
    },
    settle: (settlements) =>
      store.settle(settlements.map((each) => ({ ...each, outcome: stretchedOutcome(each.outcome) }))),
    extend: (leases, leaseMs) => store.extend(leases, leaseMs * STRETCH_MS),
    move: (moves) => store.move(moves),
    get: async (eventSeq) => {
      const detail = await store.get(eventSeq)
      if (detail === undefined) return undefined
      const deliveries = detail.deliveries.map(({ attempts, ...delivery }) => ({
        ...deliveryAt(clock, delivery),
        attempts: attempts.map((attempt) => ({ ...attempt, endedMs: clock.momentOf(attempt.endedMs) })),
      }))
      return { ...detail, event: receivedAt(clock, detail.event), deliveries }
    },
    list: async (query): Promise<ListPage> => {
      const { events, deliveries, next } = await store.list(query)
      return {
        events: events.map((event) => receivedAt(clock, event)),
        deliveries: deliveries.map((delivery) => deliveryAt(clock, delivery)),
        next,
      }
    },
    replay: (replays) => store.replay(replays),
    // What was received in the same millisecond of the model was not received at the same time.
    prune: ({ eventsOlderThanMs, limit }) =>
      store.prune({ eventsOlderThanMs: (eventsOlderThanMs + 0.5) * STRETCH_MS, limit }),
    stat: async () => {
      const { destinations, ...rest } = await store.stat()
      return {
        ...rest,
        destinations: destinations.map(({ oldestPendingMs, ...counts }) => ({
          ...counts,
          oldestPendingMs:
            oldestPendingMs === undefined ? undefined : Math.floor(oldestPendingMs / STRETCH_MS),
        })),
      }
    },
    inspect: () => store.inspect(),
    close: () => store.close(),
    rejected: {
      record: (request) => store.rejected.record(request),
      list: async (query) => {
        const { requests, next } = await store.rejected.list(query)
        return { requests: requests.map((request) => receivedAt(clock, request)), next }
      },
    },
    state: {
      get: (key) => store.state.get(key),
      set: (key, value, { forMs = Infinity } = {}) =>
        store.state.set(key, value, forMs === Infinity ? {} : { forMs: forMs * STRETCH_MS }),
      list: (prefix) => store.state.list(prefix),
    },
  }
}

function stretchedEvent(event: NewEvent): NewEvent {
  const { lease, dedupeWindowMs } = event
  return {
    ...event,
    dedupeWindowMs: dedupeWindowMs * STRETCH_MS,
    ...(lease && { lease: { ...lease, leaseMs: lease.leaseMs * STRETCH_MS } }),
  }
}

function stretchedOutcome(outcome: Outcome): Outcome {
  return outcome.kind === 'retry' ? { ...outcome, afterMs: outcome.afterMs * STRETCH_MS } : outcome
}

function claimedAt(clock: StretchedClock, claimed: Claimed): Claimed {
  return { ...claimed, event: receivedAt(clock, claimed.event) }
}

function receivedAt<Row extends { readonly receivedMs: number }>(clock: StretchedClock, row: Row): Row {
  return { ...row, receivedMs: clock.momentOf(row.receivedMs) }
}

function deliveryAt<Row extends Delivery>(clock: StretchedClock, row: Row): Row {
  const { dueMs, leaseUntilMs } = row
  return {
    ...row,
    dueMs: clock.momentOf(dueMs),
    leaseUntilMs: leaseUntilMs === undefined ? undefined : clock.momentOf(leaseUntilMs),
  }
}
