import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { dedupeKey, type SettleResult } from '../../packages/postern/src/inbox/index.ts'
import type { PostgresEffect } from '../../packages/postern/src/stores/postgres/index.ts'
import { createDatabase, type TestDatabase } from '../support/servers/database.ts'
import { leftOut } from '../support/servers/left-out.ts'
import {
  anEvent,
  ask,
  claimOne,
  deadlocks,
  openNodes,
  putInOppositeOrders,
  runLines,
  type Nodes,
} from './nodes.ts'
import { timedTest } from '../support/timed-test.ts'

describe.skipIf(leftOut().includes('postgres'))('four nodes on one PostgreSQL', () => {
  let database: TestDatabase
  let nodes: Nodes

  beforeEach(async () => {
    database = await createDatabase(inject('postgresUrl') ?? '')
    // Defaults as a role or database may have them; the store must not depend on any.
    const name = new URL(database.url).pathname.slice(1)
    await ask(database.url, `ALTER DATABASE ${name} SET synchronous_commit = off`)
    await ask(database.url, `ALTER DATABASE ${name} SET default_transaction_isolation = serializable`)
    await ask(database.url, `ALTER DATABASE ${name} SET deadlock_timeout = '200ms'`)
    nodes = await openNodes(database.url, 4)
  })

  afterEach(async () => {
    await nodes.close()
    expect(await deadlocks(database.url)).toBe(0)
    await database.drop()
  })

  test('the same ids in opposite orders never deadlock, and each is stored once', async () => {
    const rounds = 15
    expect(await putInOppositeOrders(nodes.stores, { rounds, inLine: false })).toEqual({
      stored: 600,
      failed: 0,
    })
    await ask(database.url, 'DELETE FROM postern.dedupe')
    expect(await putInOppositeOrders(nodes.stores, { rounds, inLine: true })).toEqual({
      stored: 600,
      failed: 0,
    })
  })

  test('of 64 copies at once over two nodes, one is stored, and the others name it', async () => {
    for (let round = 0; round < 5; round += 1) {
      const copies = Array.from({ length: 64 }, (_, index) =>
        nodes.stores[index % 2]!.put([anEvent({ id: `copy ${round}` })]),
      )
      const answers = (await Promise.all(copies)).flat()
      const [stored, ...others] = answers.filter(({ outcome }) => outcome === 'stored')
      expect(others).toEqual([])
      const seqs = new Set(
        answers.map((answer) => (answer.outcome === 'failed' ? answer.error : answer.eventSeq)),
      )
      expect(seqs).toEqual(new Set([stored?.outcome === 'stored' && stored.eventSeq]))
      expect((await nodes.stores[0]!.get([...seqs][0] as number))?.duplicates).toBe(63)
    }
  })

  timedTest(
    'an id that another node holds uncommitted fails within 2.5 s, and its neighbours are stored by then',
    async () => {
      const held = anEvent({ id: 'held' })
      const other = await nodes.pools[3]!.connect()
      try {
        // Another node, stopped between its insert and its commit.
        await other.query('BEGIN')
        const key = Buffer.from(dedupeKey('id', '', 'shop', 'held')).toString('hex')
        await other.query(`INSERT INTO postern.dedupe VALUES ($1, $1, 1, 9e15)`, [key])
        const startedMs = performance.now()
        const tookMs: number[] = []
        const puts = Array.from({ length: 64 }, async (_, index) => {
          const [answer] = await nodes.stores[0]!.put([index === 30 ? held : anEvent({ id: `${index}` })])
          tookMs[index] = performance.now() - startedMs
          return answer?.outcome
        })
        const answers = await Promise.all(puts)
        expect(answers[30]).toBe('failed')
        expect(answers.filter((outcome) => outcome === 'stored').length).toBe(63)
        expect(Math.max(...tookMs)).toBeLessThan(2500)
      } finally {
        await other.query('ROLLBACK')
        other.release()
      }
      expect((await nodes.stores[0]!.put([held]))[0]?.outcome).toBe('stored')
    },
  )

  test('with retries and abandoned leases: one at a time per key, in order, each once', async () => {
    const { overlaps, disorder, finished } = await runLines(nodes, {
      keys: 100,
      eventsPerKey: 20,
      leaseMs: 400,
      seed: 1,
    })
    expect(overlaps).toEqual([])
    expect(disorder).toEqual([])
    expect(finished).toBe(2000)
  })

  test('a claim hands out no more than one answer can carry, and the next claims the others', async () => {
    const [store] = nodes.stores
    await store!.put(Array.from({ length: 20 }, (_, index) => anEvent({ id: `large ${index}` })))
    const bytes = 2 * 1024 * 1024
    await ask(
      database.url,
      `UPDATE postern.event SET body = decode(repeat('00', ${bytes}), 'hex'); UPDATE postern.delivery SET body_bytes = ${bytes}`,
    )
    const request = { destinations: [{ name: 'handlers', limit: 100 }], leaseMs: 60_000, waitMs: 0 }
    const claims = [await store!.claim(request), await store!.claim(request), await store!.claim(request)]
    expect(claims.map((claimed) => claimed.length)).toEqual([8, 8, 4])
    expect(new Set(claims.flat().map(({ event }) => event.body.byteLength))).toEqual(new Set([bytes]))
  })

  test('bodies come back byte for byte, from a claim of texts and from one with bytes that are none', async () => {
    const [store] = nodes.stores
    // A byte order mark, and a character that begins in one body and ends in the next: of both together it is a text.
    const texts = ['', '\ufeff{}', '{"grüße":"🪝"}'].map((text) => Buffer.from(text))
    const halves = [Buffer.from([0xf0, 0x9f]), Buffer.from([0xaa, 0x9d])]
    const others = [[0], [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80]].map((each) => Buffer.from(each))
    for (const bodies of [[...texts, ...halves], ...others.map((other) => [...texts, other])]) {
      await store!.put(bodies.map((body) => anEvent({ id: randomUUID(), body })))
      const request = { destinations: [{ name: 'handlers', limit: 100 }], leaseMs: 60_000, waitMs: 0 }
      const claimed = await store!.claim(request)
      expect(claimed.map(({ event }) => Buffer.from(event.body))).toEqual(bodies)
    }
  })

  timedTest('a claim that waits on one node is woken by a put on another', async () => {
    await nodes.close()
    nodes = await openNodes(database.url, 2, { pollMs: 60_000 })
    const waiting = claimOne(nodes.stores[0]!)
    await untilHeard(nodes)
    await nodes.stores[1]!.put([anEvent({ id: 'wake' })])
    const startedMs = performance.now()
    expect((await waiting).event.id).toBe('wake')
    expect(performance.now() - startedMs).toBeLessThan(2000)
  })

  test('a retry that another node settles ends the wait when it comes due', async () => {
    await nodes.close()
    nodes = await openNodes(database.url, 2, { pollMs: 60_000 })
    const [mine, other] = nodes.stores
    await other!.put([anEvent()])
    const lease = await claimOne(other!)
    const waiting = claimOne(mine!)
    await untilHeard(nodes)
    const outcome = { kind: 'retry', afterMs: 20, error: 'again' } as const
    await other!.settle([{ ...lease, outcome, durationMs: 1 }])
    expect((await waiting).attempt).toBe(2)
  })

  test('what is acknowledged is on stable storage and sees what was committed, whatever the defaults are', async () => {
    const seen: unknown[] = []
    await settleOne([
      async (client) => {
        for (const name of ['synchronous_commit', 'transaction_isolation'])
          seen.push(await client.query(`SHOW ${name}`))
      },
    ])
    const settings = seen.map((result) => (result as { rows: unknown[] }).rows[0])
    expect(settings).toEqual([{ synchronous_commit: 'on' }, { transaction_isolation: 'read committed' }])
  })

  test('an effect that passes over an error of its own fails its settlement', async () => {
    const passesOver: PostgresEffect = async (client) => {
      await client.query('SELECT 1 / 0').catch(() => {})
    }
    expect((await settleOne([passesOver]))[0]?.result).toBe('failed')
  })

  test('an effect that ends the transaction makes the outcome unknown, and the store goes on', async () => {
    const ends: PostgresEffect = async (client) => void (await client.query('SELECT 1; COMMIT'))
    await expect(settleOne([ends])).rejects.toMatchObject({ code: 'store_unavailable' })
    expect((await nodes.stores[0]!.put([anEvent({ id: 'after' })]))[0]?.outcome).toBe('stored')
  })

  test('in a transaction with an older snapshot a settlement fails rather than lose who joined the line since', async () => {
    const [store] = nodes.stores
    await store!.put([anEvent({ orderingKey: 'a', onDead: 'block' })])
    const lease = await claimOne(store!)
    const tx = await nodes.pools[0]!.connect()
    try {
      await tx.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
      await tx.query('SELECT 1')
      await store!.put([anEvent({ id: 'next', orderingKey: 'a', onDead: 'block' })])
      await expect(store!.settleIn(tx, lease, 5)).rejects.toMatchObject({ code: '40001' })
      await tx.query('ROLLBACK')
    } finally {
      tx.release()
    }
    await store!.settle([{ ...lease, outcome: { kind: 'succeeded' }, durationMs: 1 }])
    expect((await claimOne(store!)).event.id).toBe('next')
  })

  test.each(['COMMIT', ' end', '/* x */ Rollback work', 'ROLLBACK', "PREPARE TRANSACTION 'x'"])(
    'an effect must not %s what others are settled in',
    async (text) => {
      const [result] = await settleOne([async (client) => void (await client.query(text))])
      expect(result).toMatchObject({
        result: 'failed',
        error: { message: expect.stringMatching(/must not/) },
      })
    },
  )

  test('an effect may have a savepoint of its own', async () => {
    const effect: PostgresEffect = async (client) => {
      await client.query('SAVEPOINT own')
      await client.query('SELECT 1/0').catch(() => {})
      await client.query('ROLLBACK TO own')
      await client.query('RELEASE own')
    }
    expect(await settleOne([effect])).toEqual([{ result: 'settled' }])
  })

  /** Puts an event, claims it and settles it with these effects. */
  async function settleOne(effects: readonly PostgresEffect[]): Promise<readonly SettleResult[]> {
    await nodes.stores[0]!.put([anEvent()])
    const lease = await claimOne(nodes.stores[0]!)
    return nodes.stores[0]!.settle([{ ...lease, outcome: { kind: 'succeeded' }, durationMs: 1, effects }])
  }
})

/** Until the first node's listening connection has been heard to work. */
async function untilHeard({ url }: Nodes): Promise<void> {
  const isListening = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %' AND state = 'idle'`
  while ((await ask(url, isListening)).length === 0) await new Promise((resolve) => setImmediate(resolve))
}
