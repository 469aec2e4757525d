import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Pool } from 'pg'
import { postgres, type PostgresStore } from '../../packages/postern/src/stores/postgres/index.ts'
import { leftOut } from '../support/servers/left-out.ts'
import { startPostgres, type TestPostgres } from '../support/servers/postgres.ts'
import { startProxy, throughPort, type TestProxy } from '../support/servers/proxy.ts'
import { anEvent, ask, claimOne, openNodes, type Nodes } from './nodes.ts'
import { timedTest } from '../support/timed-test.ts'

describe.skipIf(leftOut().includes('postgres'))('a PostgreSQL server that comes and goes', () => {
  let server: TestPostgres
  let proxy: TestProxy
  let url: string
  let nodes: Nodes

  beforeAll(async () => {
    server = await startPostgres()
    proxy = await startProxy(server.port)
  })

  afterAll(async () => {
    await proxy?.close()
    await server?.stop()
  })

  beforeEach(async () => {
    proxy.heal()
    url = (await server.database()).url
    nodes = await openNodes(throughPort(url, proxy.port), 2)
  })

  afterEach(async () => {
    proxy.heal()
    await nodes.close()
  })

  test('while it is killed under load, puts reject; what was acknowledged is there, and all goes on', async () => {
    const load = startLoad(nodes.stores)
    await load.until(200)
    await server.kill()
    await load.untilRejected()
    await server.start()
    await load.until(200)
    const acknowledged = await load.stop()
    expect(await missing(url, acknowledged)).toEqual([])
    expect((await claimOne(nodes.stores[0]!)).attempt).toBe(1)
  })

  test('while it is restarted in order, the same', async () => {
    const load = startLoad(nodes.stores)
    await load.until(200)
    await server.restart()
    await load.until(200)
    expect(await missing(url, await load.stop())).toEqual([])
  })

  test('where every connection breaks again and again, puts reject or are there', async () => {
    const load = startLoad(nodes.stores)
    for (let round = 0; round < 5; round += 1) {
      await load.until(50)
      await ask(
        url,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()`,
      )
    }
    await load.until(50)
    expect(await missing(url, await load.stop())).toEqual([])
  })

  test('a claim that waited through a loss finds what came after it', async () => {
    const waiting = claimOne(nodes.stores[0]!, 'late').catch(() => undefined)
    proxy.cut()
    await expect(nodes.stores[0]!.put([anEvent()])).rejects.toMatchObject({ code: 'store_unavailable' })
    proxy.heal()
    await nodes.stores[1]!.put([anEvent({ destinations: ['late'] })])
    // The waiting claim may have rejected; the next one is answered.
    const claimed = (await waiting) ?? (await claimOne(nodes.stores[0]!, 'late'))
    expect(claimed.destination).toBe('late')
  })

  test('where the answer is lost, the verb rejects, and what it did is done once', async () => {
    const [store] = nodes.stores
    await store!.put([anEvent({ id: 'to replay', destinations: [] })])
    const { events } = await store!.list({ of: 'events', limit: 1 })
    proxy.cutAfter(1, 'toClient')
    await expect(store!.put([anEvent({ id: 'unanswered' })])).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    expect((await store!.put([anEvent({ id: 'unanswered' })]))[0]?.outcome).toBe('duplicate')
    const replay = [{ eventSeq: events[0]!.eventSeq, destinations: ['handlers'] }]
    proxy.cutAfter(1, 'toClient')
    await expect(store!.replay(replay)).rejects.toMatchObject({ code: 'store_unavailable' })
    const { deliveries } = (await store!.get(events[0]!.eventSeq))!
    expect(deliveries.length).toBeLessThanOrEqual(1)
  })

  timedTest(
    'where nothing comes through and nobody is told, verbs reject in bounded time, and all goes on afterwards',
    async () => {
      const [store] = nodes.stores
      await store!.put([anEvent({ id: 'before' })])
      proxy.silence()
      const startedMs = performance.now()
      const puts = Array.from({ length: 300 }, (_, index) => store!.put([anEvent({ id: `silent ${index}` })]))
      for (const put of puts) await expect(put).rejects.toMatchObject({ code: 'store_unavailable' })
      // Two batches one after the other, each 5 s for a connection and 5 s for its answer, and a busy machine.
      expect(performance.now() - startedMs).toBeLessThan(30_000)
      proxy.heal()
      expect((await store!.put([anEvent({ id: 'after' })]))[0]?.outcome).toBe('stored')
      expect((await claimOne(store!)).event.id).toBe('before')
    },
    60_000,
  )

  timedTest('with 200 ms on the way and back, puts are answered within the 2.5 s', async () => {
    proxy.delay(100)
    const startedMs = performance.now()
    const puts = Array.from({ length: 200 }, (_, index) =>
      nodes.stores[0]!.put([anEvent({ id: `far ${index}` })]),
    )
    for (const [answer] of await Promise.all(puts)) expect(answer?.outcome).toBe('stored')
    expect(performance.now() - startedMs).toBeLessThan(2500)
  })
})

describe.skipIf(leftOut().includes('postgres'))('a PostgreSQL server without fsync', () => {
  test('is refused by every verb but inspect, unless that is accepted', async () => {
    const server = await startPostgres({ fsync: 'off', full_page_writes: 'off' })
    const pool = new Pool({ connectionString: server.url })
    try {
      const store = postgres(pool)
      const refusal = {
        code: 'unsafe_store',
        message: expect.stringContaining('fsync is off, and must be on'),
      }
      await expect(store.put([anEvent()])).rejects.toMatchObject(refusal)
      await expect(store.stat()).rejects.toMatchObject(refusal)
      const { settings, acceptsLoss, schemaVersion } = await store.inspect()
      expect(settings.filter(({ isSound }) => !isSound)).toEqual([
        { name: 'fsync', value: 'off', wanted: 'on', isSound: false },
        { name: 'full_page_writes', value: 'off', wanted: 'on', isSound: false },
      ])
      expect([acceptsLoss, schemaVersion]).toEqual([false, undefined])
      await store.close()
      const careless = postgres(pool, { mayLoseAcknowledgedEvents: true })
      expect((await careless.put([anEvent()]))[0]?.outcome).toBe('stored')
      expect(await careless.inspect()).toMatchObject({ acceptsLoss: true, schemaVersion: 1 })
      await careless.close()
    } finally {
      await pool.end()
      await server.stop()
    }
  })
})

/** Puts on all nodes at once, over and over, and remembers what was acknowledged. */
function startLoad(stores: readonly PostgresStore[]): {
  until(more: number): Promise<void>
  untilRejected(): Promise<void>
  stop(): Promise<readonly number[]>
} {
  const acknowledged: number[] = []
  const faults: unknown[] = []
  let rejected = 0
  const stopping = new AbortController()
  let next = 0
  const senders = Array.from({ length: 16 }, async (_, index) => {
    while (!stopping.signal.aborted) {
      try {
        const [answer] = await stores[index % stores.length]!.put([anEvent({ id: `load ${(next += 1)}` })])
        if (answer?.outcome === 'stored') acknowledged.push(answer.eventSeq)
      } catch (error) {
        rejected += 1
        if ((error as { code?: string }).code !== 'store_unavailable') faults.push(error)
      }
      await turn()
    }
  })
  const until = async (isReached: () => boolean): Promise<void> => {
    const endMs = performance.now() + 20_000
    while (!isReached()) {
      if (performance.now() > endMs)
        throw new Error(`${acknowledged.length} acknowledged, ${rejected} rejected`)
      await turn()
    }
  }
  return {
    until: (more) => {
      const wanted = acknowledged.length + more
      return until(() => acknowledged.length >= wanted)
    },
    untilRejected: () => {
      const before = rejected
      return until(() => rejected > before)
    },
    stop: async () => {
      stopping.abort()
      await Promise.all(senders)
      expect(faults).toEqual([])
      return acknowledged
    },
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

async function missing(url: string, acknowledged: readonly number[]): Promise<unknown[]> {
  return ask(
    url,
    `SELECT seq FROM unnest($1::bigint[]) AS u (seq) WHERE NOT EXISTS (SELECT 1 FROM postern.event WHERE event.seq = u.seq)`,
    [acknowledged],
  )
}
