import type {
  Claimed,
  Delivery,
  EventDetail,
  NewEvent,
  PutResult,
  StoredEvent,
} from '../../packages/postern/src/inbox/index.ts'
import type { MemoryStore } from '../../packages/postern/src/stores/memory/index.ts'

/** Puts events other than those given. */
export function putting(store: MemoryStore, change: (event: NewEvent) => NewEvent): Partial<MemoryStore> {
  return { put: (events) => store.put(events.map(change)) }
}

/** Answers puts with other results. */
export function answering(
  store: MemoryStore,
  change: (result: PutResult, event: NewEvent) => PutResult | Promise<PutResult>,
): Partial<MemoryStore> {
  return {
    put: async (events) => {
      const results: PutResult[] = []
      for (const [index, result] of (await store.put(events)).entries()) {
        results.push(await change(result, events[index]!))
      }
      return results
    },
  }
}

/** Hands out other events. */
export function handingOut(
  store: MemoryStore,
  change: (event: StoredEvent) => StoredEvent,
): Partial<MemoryStore> {
  return {
    get: async (eventSeq) => {
      const detail = await store.get(eventSeq)
      return detail && { ...detail, event: change(detail.event) }
    },
    claim: async (request) =>
      (await store.claim(request)).map((claimed) => ({ ...claimed, event: change(claimed.event) })),
  }
}

/** Shows other deliveries in `get`. */
export function showing(
  store: MemoryStore,
  change: (delivery: EventDetail['deliveries'][number], detail: EventDetail) => Partial<Delivery> & object,
): Partial<MemoryStore> {
  return {
    get: async (eventSeq) => {
      const detail = await store.get(eventSeq)
      if (detail === undefined) return undefined
      const deliveries = detail.deliveries.map((delivery) => ({ ...delivery, ...change(delivery, detail) }))
      return { ...detail, deliveries }
    },
  }
}

/** Answers claims otherwise. */
export function claiming(
  store: MemoryStore,
  change: (claimed: Claimed[]) => Claimed[] | Promise<Claimed[]>,
): Partial<MemoryStore> {
  return { claim: async (request) => change(await store.claim(request)) }
}

/** Claims everything there is, lets `choose` pick, and gives back the rest. */
export function choosing(
  store: MemoryStore,
  choose: (claimed: Claimed[], limits: ReadonlyMap<string, number>) => Claimed[],
): Partial<MemoryStore> {
  return {
    claim: async (request) => {
      const all = request.destinations.map(({ name }) => ({ name, limit: 10_000 }))
      const claimed = await store.claim({ ...request, destinations: all })
      const limits = new Map(request.destinations.map(({ name, limit }) => [name, limit]))
      const chosen = choose(claimed, limits)
      await release(
        store,
        claimed.filter((lease) => !chosen.includes(lease)),
      )
      return chosen
    },
  }
}

export async function release(store: MemoryStore, leases: readonly Claimed[]): Promise<void> {
  await store.settle(leases.map((lease) => ({ ...lease, outcome: { kind: 'released' }, durationMs: 0 })))
}

/** Every delivery, with what is needed to act on it. */
export async function allDeliveries(store: MemoryStore): Promise<readonly Delivery[]> {
  return (await store.list({ of: 'deliveries', limit: 1000 })).deliveries
}

/** One delivery. */
export async function deliveryAt(store: MemoryStore, deliverySeq: number): Promise<Delivery | undefined> {
  return (await allDeliveries(store)).find((delivery) => delivery.deliverySeq === deliverySeq)
}

/** Bytes that were never used. */
export function freshBytes(): Uint8Array {
  lastFresh += 1
  return Buffer.from(`fresh ${lastFresh}`)
}
let lastFresh = 0

/** An event that no other is compared with. */
export function incomparable(event: NewEvent): NewEvent {
  return salted(event, hex(freshBytes()))
}

/** An event that is compared only with those of the same salt. */
export function salted(event: NewEvent, salt: string): NewEvent {
  return { ...event, tenant: `${salt} ${event.tenant}` }
}

/** What an event has in common with its copies and conflicts. */
export function nameOf({ tenant, source, id }: NewEvent): string {
  return JSON.stringify([tenant, source, id])
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
