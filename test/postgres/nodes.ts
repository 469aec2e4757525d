import { Client, Pool, type PoolConfig } from 'pg'
import {
  postgres,
  type PostgresOptions,
  type PostgresStore,
} from '../../packages/postern/src/stores/postgres/index.ts'
import type { Claimed, NewEvent, Outcome } from '../../packages/postern/src/inbox/index.ts'

/** Several nodes on one database: a pool and a store each. */
export interface Nodes {
  readonly url: string
  readonly pools: readonly Pool[]
  readonly stores: readonly PostgresStore[]
  close(): Promise<void>
}

/** Opens nodes at once: making the tables must be one opener's alone. Their pools have no listener for errors, as users' have none. */
export async function openNodes(
  url: string,
  count: number,
  { pool: config = {}, ...options }: PostgresOptions & { readonly pool?: PoolConfig } = {},
): Promise<Nodes> {
  const pools = Array.from({ length: count }, () => new Pool({ connectionString: url, max: 8, ...config }))
  const stores = pools.map((pool) => postgres(pool, options))
  await Promise.all(stores.map((store) => store.stat()))
  const close = async (): Promise<void> => {
    await Promise.all(stores.map((store) => store.close()))
    await Promise.all(pools.map((pool) => pool.end()))
  }
  return { url, pools, stores, close }
}

export function anEvent(change: Partial<NewEvent> = {}): NewEvent {
  return {
    tenant: '',
    source: 'shop',
    id: 'evt_1',
    idKind: 'signed',
    type: 'order.paid',
    createdMs: undefined,
    orderingKey: undefined,
    onDead: undefined,
    verifiedBy: 'hmac',
    body: Buffer.from('{"total":1}'),
    headers: [],
    dedupeWindowMs: 3_600_000,
    onConflict: 'hold',
    destinations: ['handlers'],
    ...change,
  }
}

export async function claimOne(store: PostgresStore, destination = 'handlers'): Promise<Claimed> {
  const [claimed] = await store.claim({
    destinations: [{ name: destination, limit: 1 }],
    leaseMs: 60_000,
    waitMs: 5000,
  })
  if (claimed === undefined) throw new Error('nothing could be claimed')
  return claimed
}

/** Runs one query on a connection of its own. */
export async function ask<Row extends object>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<Row>(text, values)
    return rows
  } finally {
    await client.end()
  }
}

/** Deadlocks of a database so far. A session adds its own up to a second late, and when it ends: so once all have ended. */
export async function deadlocks(url: string): Promise<number> {
  const others = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`
  while ((await ask(url, others)).length > 0) await new Promise((resolve) => setImmediate(resolve))
  const [row] = await ask<{ deadlocks: string }>(
    url,
    'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
  )
  return Number(row!.deadlocks)
}

/** Two nodes put the same ids, each in a line of its own or in none, in opposite orders. Answers how many were stored, and how many failed. */
export async function putInOppositeOrders(
  [left, right]: readonly PostgresStore[],
  { rounds, inLine }: { readonly rounds: number; readonly inLine: boolean },
): Promise<{ stored: number; failed: number }> {
  const count = { stored: 0, failed: 0 }
  for (let round = 0; round < rounds; round += 1) {
    const ids = Array.from({ length: 40 }, (_, index) => `${round} ${index}`)
    const events = ids.map((id) => anEvent({ id, ...(inLine && { orderingKey: id, onDead: 'block' }) }))
    const answers = await Promise.all([left!.put(events), right!.put(events.toReversed())])
    for (const { outcome } of answers.flat()) {
      if (outcome === 'stored') count.stored += 1
      if (outcome === 'failed') count.failed += 1
    }
  }
  return count
}

/** Two nodes put the same other body under a known id, over and over. Answers how often not just one of them was the first. */
export async function conflictAtOnce(
  [left, right]: readonly PostgresStore[],
  rounds: number,
): Promise<number> {
  let doubled = 0
  for (let round = 0; round < rounds; round += 1) {
    const id = `conflict ${round}`
    await left!.put([anEvent({ id, destinations: [] })])
    const other = anEvent({ id, body: Buffer.from('other'), destinations: [] })
    const answers = (await Promise.all([left!.put([other]), right!.put([other])])).flat()
    if (answers.filter(({ outcome }) => outcome === 'conflict').length !== 1) doubled += 1
  }
  return doubled
}

/** All nodes claim at once. Answers how many deliveries were handed out more than once. */
export async function claimAtOnce(stores: readonly PostgresStore[], rounds: number): Promise<number> {
  let shared = 0
  for (let round = 0; round < rounds; round += 1) {
    const events = Array.from({ length: 20 }, (_, index) =>
      anEvent({ id: `claim ${round} ${index}`, destinations: ['claims'] }),
    )
    await stores[0]!.put(events)
    const request = { destinations: [{ name: 'claims', limit: 20 }], leaseMs: 60_000, waitMs: 0 }
    const claimed = (await Promise.all(stores.map((store) => store.claim(request)))).flat()
    shared += claimed.length - new Set(claimed.map(({ deliverySeq }) => deliverySeq)).size
  }
  return shared
}

/**
 * In each round one node puts the next of each line, and while its rows are being written another settles the only one that
 * is there. Answers how many of those next ones could then not be claimed. Its tables must be slow, by `pg_sleep`.
 */
export async function handOver({ pools, stores: [left, right] }: Nodes, rounds: number): Promise<number> {
  const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`)
  const events = (round: number): NewEvent[] =>
    lines.map((key) =>
      anEvent({ id: `${key} ${round}`, orderingKey: key, onDead: 'block', destinations: ['lines'] }),
    )
  const request = { destinations: [{ name: 'lines', limit: 100 }], leaseMs: 60_000, waitMs: 0 }
  await left!.put(events(0))
  let stuck = 0
  for (let round = 1; round <= rounds; round += 1) {
    const leases = await left!.claim(request)
    stuck += lines.length - leases.length
    const put = right!.put(events(round))
    await untilAsleep(pools[0]!, put)
    const outcome = { kind: 'succeeded' } as const
    await Promise.all([put, left!.settle(leases.map((lease) => ({ ...lease, outcome, durationMs: 1 })))])
  }
  return stuck + lines.length - (await left!.claim(request)).length
}

/** Until a statement of this database sleeps, or the call has ended without. */
async function untilAsleep(pool: Pool, call: Promise<unknown>): Promise<void> {
  const over = { isSo: false }
  const end = (): void => void (over.isSo = true)
  call.then(end, end)
  const asleep = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`
  while (!over.isSo && (await pool.query(asleep)).rows.length === 0);
}

export interface LineTrial {
  readonly keys: number
  readonly eventsPerKey: number
  readonly leaseMs: number
  readonly seed: number
}

/** Where something was lost, it never ends by itself. */
const LONGEST_TRIAL_MS = 15_000

/**
 * Producers put in order on two nodes while every node works: 10 % of the attempts fail, 2 % of the leases are abandoned. Answers
 * the keys of which two were held at once, and the attempts that do not follow the one before in their line.
 */
export async function runLines(
  { url, stores }: Nodes,
  { keys, eventsPerKey, leaseMs, seed }: LineTrial,
): Promise<{ readonly overlaps: string[]; readonly disorder: unknown[]; readonly finished: number }> {
  const random = randomFrom(seed)
  const heldUntilMs = new Map<string, number>()
  const overlaps: string[] = []
  const progress = { finished: 0 }
  const producers = [0, 1].map(async (producer) => {
    const mine = Array.from({ length: keys / 2 }, (_, index) => `key ${index * 2 + producer}`)
    for (let number = 0; number < eventsPerKey; number += 1) {
      const events = mine.map((key) =>
        anEvent({ id: `${key} ${number}`, orderingKey: key, onDead: 'block', type: String(number) }),
      )
      await stores[producer]!.put(shuffled(events, random))
    }
  })
  const work = async (store: PostgresStore): Promise<void> => {
    const claimedMs = Date.now()
    const destinations = [{ name: 'handlers', limit: 50 }]
    const claimed = await store.claim({ destinations, leaseMs, waitMs: 200 })
    for (const { event } of claimed) {
      const key = event.orderingKey!
      if (Date.now() < (heldUntilMs.get(key) ?? 0)) overlaps.push(key)
      heldUntilMs.set(key, claimedMs + leaseMs)
    }
    const kept = claimed.filter(() => random() >= 0.02)
    const outcomes = kept.map((): Outcome =>
      random() < 0.1 ? { kind: 'retry', afterMs: 5, error: 'again' } : { kind: 'succeeded' },
    )
    for (const { event } of kept) heldUntilMs.delete(event.orderingKey!)
    const results = await store.settle(
      kept.map((lease, index) => ({ ...lease, outcome: outcomes[index]!, durationMs: 1 })),
    )
    progress.finished += results.filter(
      ({ result }, index) => result === 'settled' && outcomes[index]!.kind === 'succeeded',
    ).length
  }
  const endMs = Date.now() + LONGEST_TRIAL_MS
  const workers = stores.map(async (store) => {
    while (progress.finished < keys * eventsPerKey && Date.now() < endMs) await work(store)
  })
  await Promise.all([...producers, ...workers])
  return { overlaps, disorder: await disorder(url), finished: progress.finished }
}

/**
 * Deliveries that ended before one that stood before them in their line, as the server has them: a worker's own view proves
 * nothing, since the answer to a commit may come after another worker has run what that commit set free. In the same
 * millisecond none but the first can have ended: a lease and its end are two commits.
 */
async function disorder(url: string): Promise<unknown[]> {
  return ask(
    url,
    `SELECT * FROM (
       SELECT lane, type::integer AS number, lag(type::integer) OVER line AS before
       FROM postern.finished JOIN postern.event ON event.seq = event_seq WHERE lane IS NOT NULL
       WINDOW line AS (PARTITION BY lane ORDER BY ended_ms, finished.seq)) AS run
     WHERE number <> coalesce(before + 1, 0)`,
  )
}

/** Mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  return values
    .map((value) => ({ value, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value)
}
