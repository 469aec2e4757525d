/**
 * What only shows where two nodes do something at the same time, or on the server itself: short stories that a sound store
 * comes through, for what the contract's cases and the model would need luck to meet.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Claimed, NewEvent } from '../../packages/postern/src/inbox/index.ts'
import type { ContractStore } from '../../packages/postern/src/testing/index.ts'
import { anEvent } from '../../packages/postern/src/testing/store-contract/fixtures.ts'
import type { PostgresWorlds, RedisWorlds } from './server-worlds.ts'

type Race<Worlds> = (worlds: Worlds) => Promise<void>

const ROUNDS = 4
const AT_ONCE = 100
const LEASE_MS = 60_000
/** How long a wake-up may take on a machine under load. */
const WOKEN_WITHIN_MS = 3000

export const postgresRaces: Readonly<Record<PostgresRace, Race<PostgresWorlds>>> = {
  'keys of two nodes': (worlds) =>
    withoutDeadlock(worlds, async ([one, other]) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const events = many((n) => ({ id: `${round} ${n}` }))
        await startedTogether(worlds, 'dedupe', [() => one.put(events), () => other.put(events.toReversed())])
      }
    }),

  'ids whose window is over': (worlds) =>
    withNodes(worlds, async ([one, other], clock) => {
      const event = anEvent({ dedupeWindowMs: LEASE_MS })
      await one.put([event])
      clock.advance(LEASE_MS)
      // Nobody can take the record; whoever has only looked at it goes by what was.
      await worlds.query('BEGIN; SELECT 1 FROM postern.dedupe FOR UPDATE')
      const puts = [one.put([event]), other.put([event])]
      await until(async () => (await waiting(worlds)) >= puts.length)
      await worlds.query('COMMIT')
      const results = (await Promise.all(puts)).flat()
      assert.deepEqual(results.map(({ outcome }) => outcome).toSorted(), ['duplicate', 'stored'])
    }),

  'lines of two nodes': (worlds) =>
    withoutDeadlock(worlds, async ([one, other]) => {
      const inLine = (name: string): NewEvent[] =>
        many((n) => ({ id: `${name} ${n}`, orderingKey: `key ${n}`, onDead: 'block' }))
      await one.put(inLine('first'))
      for (let round = 0; round < ROUNDS; round += 1) {
        const claimed = await claimSome(one)
        await startedTogether(worlds, 'lane', [
          () => succeed(one, claimed),
          () => one.put(inLine(`one ${round}`)),
          () => other.put(inLine(`other ${round}`).toReversed()),
        ])
      }
    }),

  'keys in order': (worlds) =>
    withNodes(worlds, async ([one]) => {
      const copies = many((n) => ({ id: String(n) }))
      await one.put(copies)
      await takesInOrder(worlds, 'dedupe', () => one.put(copies))
    }),

  'lines in order': (worlds) =>
    withNodes(worlds, async ([one]) => {
      const inLine = (name: string): NewEvent[] =>
        many((n) => ({ id: `${name} ${n}`, orderingKey: `key ${n}`, onDead: 'block' }))
      await one.put(inLine('first'))
      const claimed = await claimSome(one)
      await takesInOrder(worlds, 'lane', () => one.put(inLine('next')))
      await takesInOrder(worlds, 'lane', () => succeed(one, claimed))
    }),

  'a put while its line moves': (worlds) =>
    withNodes(worlds, async ([one, other]) => {
      for (let round = 0; round < 3; round += 1) {
        const line = { orderingKey: `key ${round}`, onDead: 'block' } as const
        await one.put([anEvent({ ...line, id: `first ${round}` })])
        const first = await claimSome(one)
        // Held up once it stands in line, before it is committed: the copy beside it is counted in this table.
        await worlds.query('BEGIN; LOCK TABLE postern.duplicate IN SHARE MODE')
        const put = other.put([
          anEvent({ ...line, id: `next ${round}` }),
          anEvent({ ...line, id: `first ${round}` }),
        ])
        await until(async () => (await waiting(worlds)) >= 1)
        let isSettled = false
        const settled = succeed(one, first).then(() => (isSettled = true))
        await until(async () => isSettled || (await waiting(worlds)) >= 2)
        await worlds.query('COMMIT')
        await Promise.all([put, settled])
        const next = await claimSome(one)
        assert.deepEqual(
          next.map(({ event }) => event.id),
          [`next ${round}`],
          'whoever joins a line while its last one leaves has its turn',
        )
        await succeed(one, next)
      }
    }),

  'work of the other node': (worlds) =>
    withNodes(worlds, (nodes) =>
      wakesTheOther(nodes, async () => {
        const rows = await worlds.query(
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %' AND state = 'idle'`,
        )
        return rows.length > 0
      }),
    ),
}

type PostgresRace =
  | 'keys of two nodes'
  | 'ids whose window is over'
  | 'lines of two nodes'
  | 'keys in order'
  | 'lines in order'
  | 'a put while its line moves'
  | 'work of the other node'

export const redisRaces: Readonly<
  Record<'records that expire' | 'work of the other node', Race<RedisWorlds>>
> = {
  'records that expire': (worlds) =>
    withNodes(worlds, async ([one]) => {
      const dedupeWindowMs = 600_000
      await one.put([
        anEvent({ id: 'signed', dedupeWindowMs }),
        anEvent({ id: 'unsigned', idKind: 'unsigned', dedupeWindowMs }),
      ])
      const records = await Promise.all(
        ['*:event:*', '*:body:*'].map(async (pattern) => (await worlds.command('KEYS', pattern)) as string[]),
      )
      assert.deepEqual(
        records.map((keys) => keys.length),
        [2, 1],
      )
      for (const key of records.flat()) {
        const leftMs = Number(await worlds.command('PTTL', key))
        assert.ok(leftMs > 0 && leftMs <= dedupeWindowMs, `${key} is forgotten in ${leftMs} ms`)
      }
    }),

  'work of the other node': (worlds) =>
    withNodes(worlds, (nodes) =>
      wakesTheOther(nodes, async () => {
        const [, listeners] = (await worlds.command('PUBSUB', 'NUMSUB', 'postern:work')) as [string, number]
        return listeners > 0
      }),
    ),
}

type Nodes = readonly [ContractStore, ContractStore]

async function withNodes(
  worlds: PostgresWorlds | RedisWorlds,
  story: (nodes: Nodes, clock: { advance(ms: number): void }) => Promise<void>,
): Promise<void> {
  const kind = await worlds.empty()
  let passedMs = 0
  const [one, other] = kind.open(() => passedMs)
  assert.ok(one && other)
  try {
    await story([one, other], { advance: (ms) => void (passedMs += ms) })
  } finally {
    await Promise.all([one.close(), other.close()])
  }
}

async function withoutDeadlock(
  worlds: PostgresWorlds,
  story: (nodes: Nodes) => Promise<void>,
): Promise<void> {
  const before = await worlds.deadlocks()
  await withNodes(worlds, story)
  assert.equal((await worlds.deadlocks()) - before, 0, 'nobody had to give way')
}

/** A claim that waits at one node is told of what comes to the other. The first time it may have just begun to listen, and look. */
async function wakesTheOther([one, other]: Nodes, isHeard: () => Promise<boolean>): Promise<void> {
  const request = { destinations: [{ name: 'handlers', limit: 1 }], leaseMs: LEASE_MS }
  for (const id of ['first', 'second', 'third']) {
    const giveUp = new AbortController()
    const claimed = other.claim({ ...request, waitMs: LEASE_MS, signal: giveUp.signal })
    await until(isHeard)
    // By now the one that waits has looked, and found nothing.
    await other.claim({ ...request, waitMs: 0 })
    await one.put([anEvent({ id })])
    const timer = setTimeout(() => giveUp.abort(), WOKEN_WITHIN_MS)
    const { length } = await claimed.finally(() => clearTimeout(timer))
    assert.equal(length, 1, 'a waiting claim hears of work at another node')
  }
}

function many(change: (n: number) => Partial<NewEvent>): NewEvent[] {
  return Array.from({ length: AT_ONCE }, (_, n) => anEvent(change(n)))
}

function claimSome(store: ContractStore): Promise<Claimed[]> {
  return store.claim({ destinations: [{ name: 'handlers', limit: 1000 }], leaseMs: LEASE_MS, waitMs: 0 })
}

async function succeed(store: ContractStore, leases: readonly Claimed[]): Promise<void> {
  const settlements = leases.map(({ deliverySeq, token }) => {
    return { deliverySeq, token, outcome: { kind: 'succeeded' }, durationMs: 1 } as const
  })
  for (const { result } of await store.settle(settlements)) assert.equal(result, 'settled')
}

/** Makes calls that stop at a table, and lets them all go on at the same moment. */
async function startedTogether(
  worlds: PostgresWorlds,
  table: string,
  calls: readonly (() => Promise<unknown>)[],
): Promise<void> {
  await worlds.query(`BEGIN; LOCK TABLE postern.${table} IN ACCESS EXCLUSIVE MODE`)
  const under = calls.map((call) => call())
  await until(async () => (await waiting(worlds)) >= calls.length)
  await worlds.query('COMMIT')
  await Promise.all(under)
}

/** Stops a call at the middle row of a table: what it holds by then is what comes before. */
async function takesInOrder(
  worlds: PostgresWorlds,
  table: string,
  call: () => Promise<unknown>,
): Promise<void> {
  const keysOf = async (locking: string): Promise<unknown[]> => {
    const rows = await worlds.query(`SELECT key FROM postern.${table} ORDER BY key ${locking}`)
    return rows.map(({ key }) => key)
  }
  const keys = await keysOf('')
  const middle = keys.length / 2
  await worlds.query('BEGIN')
  await worlds.query(`SELECT 1 FROM postern.${table} WHERE key = '${String(keys[middle])}' FOR UPDATE`)
  const under = call()
  await until(async () => (await waiting(worlds)) >= 1)
  const free = await keysOf('FOR UPDATE SKIP LOCKED')
  await worlds.query('COMMIT')
  await under
  assert.deepEqual(free, keys.slice(middle), 'held is what comes before in order, and nothing else')
}

/** How many wait for another's lock. */
async function waiting(worlds: PostgresWorlds): Promise<number> {
  const [row] = await worlds.query('SELECT count(DISTINCT pid) AS waiting FROM pg_locks WHERE NOT granted')
  return Number(row?.['waiting'])
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 10_000
  while (!(await isSo())) {
    assert.ok(performance.now() < endMs, 'what is waited for does not come')
    await pause(5)
  }
}
