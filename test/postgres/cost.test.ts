import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { postgres, type PostgresStore } from '../../packages/postern/src/stores/postgres/index.ts'
import { createDatabase, type TestDatabase } from '../support/servers/database.ts'
import { leftOut } from '../support/servers/left-out.ts'
import { anEvent, ask, claimOne } from './nodes.ts'

const HISTORY = 50_000
const LINE = 50_000

/** Pages that each call reads: what its time hangs on, and the same on every machine. */
describe.skipIf(leftOut().includes('postgres'))('beside a long history and a long line', () => {
  let database: TestDatabase
  let pool: Pool
  let store: PostgresStore
  let before: Awaited<ReturnType<typeof measureAll>>

  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl') ?? '')
    pool = new Pool({ connectionString: database.url })
    store = postgres(pool)
    before = await measureAll()
    const [answer] = await store.put([
      anEvent({ id: 'head', orderingKey: 'hot', onDead: 'block', destinations: ['line'] }),
    ])
    await claimOne(store, 'line')
    await fill(answer?.outcome === 'stored' ? answer.eventSeq : 0)
  })

  afterAll(async () => {
    await store?.close()
    await pool?.end()
    await database?.drop()
  })

  test('claims, leases, settlements and puts read no more than without them', async () => {
    const after = await measureAll()
    for (const [call, pages] of Object.entries(after)) {
      // Some indexes have one more level.
      expect([call, pages]).toEqual([
        call,
        expect.toSatisfy((count: number) => count <= before[call as keyof typeof before] * 2 + 10),
      ])
    }
  })

  test('so does who lists what is dead, blocks or was cancelled', async () => {
    for (const where of [`state = 'dead'`, 'blocks', `state = 'cancelled'`]) {
      const pages = await pagesOf(
        `(SELECT * FROM postern.every_delivery WHERE ${where} ORDER BY seq DESC LIMIT 50) AS listed`,
      )
      expect([where, pages]).toEqual([where, expect.toSatisfy((count: number) => count < 50)])
    }
  })

  /** Numbers of pages, by call. */
  async function measureAll(): Promise<{
    claim: number
    claimOfNothing: number
    settle: number
    extend: number
    put: number
  }> {
    await store.put(
      Array.from({ length: 20 }, (_, index) => anEvent({ id: `${performance.now()} ${index}` })),
    )
    const lease = await claimOne(store)
    const { deliverySeq: seq, token } = lease
    const none = `NULL::uuid[]`
    const key = `'{${'0'.repeat(31)}${Math.floor(Math.random() * 10)}}'`
    const put = `postern.put_1(1000, 0, ${key}, null, 1, ${none}, ${key}, '{1000}', '{""}', '{shop}', '{x}', '{t}', null, null, '{h}',
      null, '[]', 'body', '{1}', '{4}', null, '{1}', null, '{handlers}', null, null)`
    return {
      claim: await pagesOf(`postern.claim_1('{handlers}', '{10}', 60000, 1000, 0)`),
      claimOfNothing: await pagesOf(`postern.claim_1('{line}', '{10}', 60000, 1000, 0)`),
      settle: await pagesOf(
        `postern.settle_1('{${seq}}', '{${token}}', '{succeeded}', '{0}', '{null}', '{1}', 0)`,
      ),
      extend: await pagesOf(`postern.extend_1('{${seq}}', '{${token}}', 60000, 1000, 0)`),
      put: await pagesOf(put),
    }
  }

  /** What the call reads the second time: the first plans, and reads the catalogue. */
  async function pagesOf(call: string): Promise<number> {
    const client = await pool.connect()
    const explain = `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM ${call}`
    try {
      let pages = 0
      for (let run = 0; run < 2; run += 1) {
        await client.query('BEGIN')
        const { rows } = await client.query<{
          'QUERY PLAN': [{ Plan: { 'Shared Hit Blocks': number; 'Shared Read Blocks': number } }]
        }>(explain)
        await client.query('ROLLBACK')
        const { Plan } = rows[0]!['QUERY PLAN'][0]
        pages = Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks']
      }
      return pages
    } finally {
      client.release()
    }
  }

  /** Finished deliveries with their events, and a line of those that wait behind the one that runs. */
  async function fill(head: number): Promise<void> {
    const first = 100_000
    await ask(
      database.url,
      `INSERT INTO postern.event (seq, received_ms, tenant, source, id, type, verified_by, headers, body)
       SELECT seq, seq, '', 'shop', seq::text, 't', 'h', '[]', 'body' FROM generate_series(${first}, ${first + HISTORY + LINE}) AS seq;
       INSERT INTO postern.dedupe SELECT md5(seq::text)::uuid, md5(seq::text)::uuid, seq, 9e15 FROM generate_series(${first}, ${first + HISTORY}) AS seq;
       INSERT INTO postern.finished (seq, event_seq, due_ms, token, attempt, destination, state)
       SELECT seq * 64, seq, seq, 1, 1, 'handlers', 'succeeded' FROM generate_series(${first}, ${first + HISTORY}) AS seq;
       INSERT INTO postern.delivery (seq, event_seq, made_ms, due_ms, lane, open_lane, body_bytes, state, destination)
       SELECT seq * 64, seq, seq, seq, lane, lane, 4, 'pending', 'line'
       FROM generate_series(${first + HISTORY + 1}, ${first + HISTORY + LINE}) AS seq, (SELECT lane FROM postern.delivery WHERE event_seq = ${head}) AS head;
       ANALYZE`,
    )
  }
})
