import { Pool, type PoolClient } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../../test/support/servers/database.ts'
import { leftOut } from '../../../../../test/support/servers/left-out.ts'
import { startPgBouncer } from '../../../../../test/support/servers/pgbouncer.ts'
import { throughPort } from '../../../../../test/support/servers/proxy.ts'
import type { Claimed } from '../../inbox/index.ts'
import {
  claim,
  claimOne,
  deliveryOf,
  events,
  lineOf,
  putAll,
  putStored,
  startClaim,
} from '../../testing/store-contract/fixtures.ts'
import { postgres, type PostgresOptions, type PostgresStore } from './index.ts'

const LEASE_MS = 60_000

describe.skipIf(leftOut().includes('postgres'))('settling in a transaction of the user', () => {
  let database: TestDatabase
  let pool: Pool
  let offsetMs: number
  let store: PostgresStore

  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl')!)
    pool = new Pool({ connectionString: database.url, max: 20 })
    await pool.query('CREATE TABLE outbid (id text NOT NULL)')
  })

  afterAll(async () => {
    await pool?.end()
    await database?.drop()
  })

  beforeEach(async () => {
    offsetMs = 0
    store = open()
    await emptied()
  })

  test('is seen by nobody before its commit, and then whole', async () => {
    const eventSeq = await putStored(store)
    const lease = await claimOne(store)
    const tx = await begin()
    await insert(tx)
    expect(await store.settleIn(tx, lease, 12.5)).toBe('settled')
    expect(await deliveryOf(store, eventSeq)).toMatchObject({ state: 'leased', attempts: [] })
    await tx.query('COMMIT')
    expect(await deliveryOf(store, eventSeq)).toMatchObject({
      state: 'succeeded',
      token: lease.token,
      attempts: [{ number: 1, outcome: 'succeeded', durationMs: 13 }],
    })
    expect(await written()).toBe(1)
  })

  test('has succeeded once it is committed, and under its own token', async () => {
    await putAll(store, events(2))
    const [lease, other] = await claim(store)
    const tx = await begin()
    await store.settleIn(tx, lease!, 1)
    expect(await store.haveSucceeded([lease!, other!])).toEqual([false, false])
    await tx.query('COMMIT')
    await store.settle([{ ...other!, outcome: { kind: 'retry', afterMs: 0, error: 'no' }, durationMs: 1 }])
    expect(await store.move([{ ...other!, to: 'cancel' }])).toEqual(['moved'])
    const leases = [{ ...lease!, token: lease!.token + 1 }, lease!, other!, { deliverySeq: 1e9, token: 1 }]
    expect(await store.haveSucceeded(leases)).toEqual([false, true, false, false])
    expect(await store.haveSucceeded([])).toEqual([])
  })

  test("is undone by a rollback, and the lease is still its holder's", async () => {
    await putStored(store)
    const lease = await claimOne(store)
    const tx = await begin()
    await store.settleIn(tx, lease, 1)
    await tx.query('ROLLBACK')
    expect(await store.extend([lease], LEASE_MS)).toEqual(['extended'])
    const again = await begin()
    expect(await store.settleIn(again, lease, 1)).toBe('settled')
    await again.query('COMMIT')
  })

  test('can be undone by itself, to a savepoint', async () => {
    await putStored(store)
    const lease = await claimOne(store)
    const tx = await begin()
    await insert(tx)
    await tx.query('SAVEPOINT before')
    await store.settleIn(tx, lease, 1)
    await tx.query('ROLLBACK TO before')
    await tx.query('COMMIT')
    expect(await written()).toBe(1)
    expect(await store.extend([lease], LEASE_MS)).toEqual(['extended'])
  })

  test('leaves the settings of the transaction as they were', async () => {
    await putStored(store)
    const lease = await claimOne(store)
    const tx = await begin()
    const before = await settingsOf(tx)
    await store.settleIn(tx, lease, 1)
    expect(await settingsOf(tx)).toEqual(before)
    await tx.query('ROLLBACK')
  })

  test('of a lease that another has taken is lost, and who commits all the same commits nothing', async () => {
    await putStored(store)
    const lease = await claimOne(store)
    offsetMs += LEASE_MS * 2
    const taken = await claimOne(store)
    const tx = await begin()
    await insert(tx)
    expect(await store.settleIn(tx, lease, 1)).toBe('lost')
    expect((await tx.query('COMMIT')).command).toBe('ROLLBACK')
    expect(await written()).toBe(0)
    expect(await store.settle([{ ...taken, outcome: { kind: 'succeeded' }, durationMs: 1 }])).toEqual([
      { result: 'settled' },
    ])
  })

  test('of what is settled already is lost', async () => {
    await putStored(store)
    const lease = await claimOne(store)
    await store.settle([{ ...lease, outcome: { kind: 'retry', afterMs: 0, error: 'no' }, durationMs: 1 }])
    const tx = await begin()
    expect(await store.settleIn(tx, lease, 1)).toBe('lost')
    await tx.query('ROLLBACK')
  })

  test('that is not committed yet is passed by in claims, though its lease has ended', async () => {
    await putStored(store)
    const lease = await claimOne(store)
    const tx = await begin()
    await store.settleIn(tx, lease, 1)
    offsetMs += LEASE_MS * 2
    expect(await claim(store)).toEqual([])
    await tx.query('ROLLBACK')
    expect(await claimOne(store)).toMatchObject({ attempt: 2 })
  })

  test('makes the settle of a worker that gives up wait, and lose to its commit', async () => {
    const eventSeq = await putStored(store)
    const lease = await claimOne(store)
    const tx = await begin()
    await store.settleIn(tx, lease, 1)
    const gaveUp = store.settle([{ ...lease, outcome: { kind: 'dead', error: 'too late' }, durationMs: 1 }])
    await someoneWaits()
    await tx.query('COMMIT')
    expect(await gaveUp).toEqual([{ result: 'lost' }])
    expect((await deliveryOf(store, eventSeq)).state).toBe('succeeded')
  })

  test('that stays open is waited for alone, and not by what is settled beside it', async () => {
    await putAll(store, events(3))
    const leases = await claim(store)
    const tx = await begin()
    await store.settleIn(tx, leases[1]!, 1)
    const startedMs = performance.now()
    const settled = leases.map(async (lease) => {
      const results = await store.settle([{ ...lease, outcome: { kind: 'succeeded' }, durationMs: 1 }])
      return { result: results[0]!.result, afterMs: performance.now() - startedMs }
    })
    const [before, held, after] = await Promise.all(settled)
    expect([before!.result, held!.result, after!.result]).toEqual(['settled', 'failed', 'settled'])
    expect(before!.afterMs).toBeLessThan(held!.afterMs)
    expect(after!.afterMs).toBeLessThan(held!.afterMs)
    await tx.query('COMMIT')
    expect((await deliveryOf(store, leases[1]!.event.eventSeq)).state).toBe('succeeded')
  })

  describe('of the first in line', () => {
    let line: readonly Claimed[]

    beforeEach(async () => {
      await putAll(store, lineOf(2))
      line = await claim(store, { destinations: [{ name: 'handlers', limit: 2 }] })
    })

    test('frees the next one, at its commit', async () => {
      const tx = await begin()
      await store.settleIn(tx, line[0]!, 1)
      expect(await claim(store)).toEqual([])
      await tx.query('COMMIT')
      expect((await claimOne(store)).event.id).toBe('evt_2')
    })

    test('keeps what arrives for its key from being recorded, and nothing else', async () => {
      const tx = await begin()
      await store.settleIn(tx, line[0]!, 1)
      const [third] = lineOf(1, { id: 'evt_3' })
      const [sameKey, otherKey] = await Promise.all([
        store.put([third!]),
        store.put(lineOf(1, { id: 'evt_4', orderingKey: 'cart 8' })),
      ])
      expect([sameKey[0]!.outcome, otherKey[0]!.outcome]).toEqual(['failed', 'stored'])
      await tx.query('COMMIT')
      expect((await store.put([third!]))[0]!.outcome).toBe('stored')
    })

    test('frees nothing by a rollback', async () => {
      const tx = await begin()
      await store.settleIn(tx, line[0]!, 1)
      await tx.query('ROLLBACK')
      expect(await claim(store)).toEqual([])
    })

    test('wakes another node for the next, once its worker has asked for it', async () => {
      const other = open({ pollMs: 600_000 })
      const next = startClaim(other)
      const tx = await begin()
      await store.settleIn(tx, line[0]!, 1)
      await tx.query('COMMIT')
      expect(await store.haveSucceeded([line[0]!])).toEqual([true])
      expect((await next).event.id).toBe('evt_2')
    })

    test.each(['REPEATABLE READ', 'SERIALIZABLE'])(
      'under %s, whose snapshot is older than the next in line, does not leave that one behind',
      async (level) => {
        await putAll(store, lineOf(1, { orderingKey: 'cart 8', id: 'evt_1 of 8' }))
        const first = await claimOne(store)
        const tx = await begin(level)
        await tx.query('SELECT count(*) FROM outbid')
        await putAll(
          store,
          lineOf(1, { orderingKey: 'cart 8', id: 'evt_2 of 8', body: Buffer.from('{"total":8}') }),
        )
        await expect(store.settleIn(tx, first, 1)).rejects.toMatchObject({ code: '40001' })
        await tx.query('ROLLBACK')
        const again = await begin(level)
        expect(await store.settleIn(again, first, 1)).toBe('settled')
        await again.query('COMMIT')
        expect((await claimOne(store)).event.id).toBe('evt_2 of 8')
      },
    )
  })

  test('goes through PgBouncer in transaction mode, and tells what is in no transaction there as well', async () => {
    const pooler = await startPgBouncer({ url: inject('postgresUrl')! })
    onTestFinished(() => pooler.stop())
    const pooled = new Pool({ connectionString: throughPort(database.url, pooler.port) })
    onTestFinished(() => pooled.end())
    await putStored(store)
    const lease = await claimOne(store)
    const client = await pooled.connect()
    onTestFinished(() => client.release())
    await expect(store.settleIn(client, lease, 1)).rejects.toMatchObject({ code: 'cannot_settle' })
    await client.query('BEGIN')
    expect(await store.settleIn(client, lease, 1)).toBe('settled')
    await client.query('COMMIT')
    expect(await store.haveSucceeded([lease])).toEqual([true])
  })

  test('by no transaction says so, and settles nothing', async () => {
    await putStored(store)
    const lease = await claimOne(store)
    await expect(store.settleIn(pool, lease, 1)).rejects.toMatchObject({
      code: 'cannot_settle',
      message: expect.stringContaining('is in no transaction') as unknown,
    })
    const idle = await pool.connect()
    onTestFinished(() => idle.release())
    await expect(store.settleIn(idle, lease, 1)).rejects.toMatchObject({ code: 'cannot_settle' })
    expect(await store.extend([lease], LEASE_MS)).toEqual(['extended'])
  })

  test.each([undefined, null, {}, { query: 'SELECT 1' }, 'BEGIN'])('by %j says what it takes', async (tx) => {
    await putStored(store)
    const lease = await claimOne(store)
    await expect(store.settleIn(tx as never, lease, 1)).rejects.toThrow('Drizzle')
  })

  test('runs by any function that takes a text and answers its rows', async () => {
    await putStored(store)
    const lease = await claimOne(store)
    const tx = await begin()
    const query = async (text: string): Promise<unknown[]> => (await tx.query<object>(text)).rows
    expect(await store.settleIn({ query }, lease, 1)).toBe('settled')
    await tx.query('COMMIT')
  })

  test.each(['1), pg_sleep(9', '', 'NaN'])(
    'puts nothing into its statement but whole numbers: not %j',
    async (token) => {
      const tx = await begin()
      await expect(store.settleIn(tx, { deliverySeq: 1, token: token as never }, 1)).rejects.toThrow(
        'not a whole number',
      )
    },
  )

  test('rejects once the store is closed', async () => {
    await putStored(store)
    const lease = await claimOne(store)
    const tx = await begin()
    await store.close()
    await expect(store.settleIn(tx, lease, 1)).rejects.toMatchObject({ code: 'store_closed' })
  })

  /** Making the tables anew takes longer than most cases. */
  async function emptied(): Promise<void> {
    await store.get(0)
    const { rows } = await pool.query<{ name: string }>(
      `SELECT oid::regclass::text AS name FROM pg_class
       WHERE relnamespace IN ('postern'::regnamespace, 'public'::regnamespace) AND relkind IN ('r', 'p') AND NOT relispartition
         AND relname NOT IN ('migration', 'partition')`,
    )
    await pool.query(rows.map(({ name }) => `DELETE FROM ${name}`).join(';'))
  }

  function open(options: PostgresOptions = {}): PostgresStore {
    const opened = postgres(pool, { offsetMs: () => offsetMs, ...options })
    onTestFinished(() => opened.close())
    return opened
  }

  /** A transaction that ends with the test. */
  async function begin(level = 'READ COMMITTED'): Promise<PoolClient> {
    const client = await pool.connect()
    onTestFinished(async () => {
      await client.query('ROLLBACK')
      client.release()
    })
    await client.query(`BEGIN ISOLATION LEVEL ${level}`)
    return client
  }

  async function insert(tx: PoolClient): Promise<void> {
    await tx.query("INSERT INTO outbid VALUES ('evt_1')")
  }

  async function written(): Promise<number> {
    return (await pool.query('SELECT * FROM outbid')).rows.length
  }

  /** Waits until a statement waits for a lock. */
  async function someoneWaits(): Promise<void> {
    for (;;) {
      const { rows } = await pool.query(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
      )
      if (rows.length > 0) return
    }
  }
})

async function settingsOf(tx: PoolClient): Promise<unknown> {
  return (await tx.query<object>('SELECT name, setting FROM pg_settings')).rows
}
