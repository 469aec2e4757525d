import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../support/servers/database.ts'
import { leftOut } from '../support/servers/left-out.ts'
import { startPgBouncer, type TestPgBouncer } from '../support/servers/pgbouncer.ts'
import { throughPort } from '../support/servers/proxy.ts'
import { anEvent, ask, claimOne, openNodes, runLines, type Nodes } from './nodes.ts'

describe.skipIf(leftOut().includes('postgres'))('through PgBouncer in transaction mode', () => {
  let database: TestDatabase
  let bouncer: TestPgBouncer
  let nodes: Nodes

  beforeAll(async () => {
    const serverUrl = inject('postgresUrl') ?? ''
    database = await createDatabase(serverUrl)
    // Fewer connections to the server than the nodes have to it.
    bouncer = await startPgBouncer({ url: serverUrl }, { default_pool_size: '5' })
    nodes = await openNodes(throughPort(database.url, bouncer.port), 3)
  })

  afterAll(async () => {
    await nodes?.close()
    await bouncer?.stop()
    await database?.drop()
  })

  test('tables are made by one of three that open at once', async () => {
    expect(await ask(database.url, 'SELECT number FROM postern.migration')).toEqual([{ number: 1 }])
    expect((await nodes.stores[0]!.inspect()).schemaVersion).toBe(1)
  })

  test('a claim that waits is answered, though nobody is told of work', async () => {
    const waiting = claimOne(nodes.stores[0]!)
    await nodes.stores[1]!.put([anEvent({ id: 'polled' })])
    expect((await waiting).event.id).toBe('polled')
  })

  test('effects, and a transaction of the owner, are done once', async () => {
    await ask(database.url, 'CREATE TABLE effect (id text PRIMARY KEY)')
    const [store] = nodes.stores
    await store!.put([
      anEvent({ id: 'a', destinations: ['effects'] }),
      anEvent({ id: 'b', destinations: ['effects'] }),
    ])
    const [first, second] = [await claimOne(store!, 'effects'), await claimOne(store!, 'effects')]
    const insert = 'INSERT INTO effect VALUES ($1)'
    const effects = [
      async (tx: { query(text: string, values: unknown[]): Promise<unknown> }) =>
        void (await tx.query(insert, ['a'])),
    ]
    expect(
      await store!.settle([{ ...first, outcome: { kind: 'succeeded' }, durationMs: 1, effects }]),
    ).toEqual([{ result: 'settled' }])
    const tx = await nodes.pools[1]!.connect()
    await tx.query('BEGIN')
    await tx.query(insert, ['b'])
    expect(await nodes.stores[1]!.settleIn(tx, second, 1)).toBe('settled')
    await tx.query('COMMIT')
    tx.release()
    expect(await ask(database.url, 'SELECT id FROM effect ORDER BY id')).toEqual([{ id: 'a' }, { id: 'b' }])
  })

  test('three nodes with retries and abandoned leases: one at a time per key, in order, each once', async () => {
    const trial = { keys: 20, eventsPerKey: 10, leaseMs: 400, seed: 2 }
    const { overlaps, disorder, finished } = await runLines(nodes, trial)
    expect({ overlaps, disorder, finished }).toEqual({ overlaps: [], disorder: [], finished: 200 })
  })
})
