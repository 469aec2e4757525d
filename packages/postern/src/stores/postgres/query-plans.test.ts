import { Client, Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../../test/support/servers/database.ts'
import { leftOut } from '../../../../../test/support/servers/left-out.ts'
import type { NewEvent } from '../../inbox/index.ts'
import { anEvent } from '../../testing/store-contract/fixtures.ts'
import { postgres } from './index.ts'
import { list } from './reads.ts'
import { Transaction } from './server.ts'

const IN_NO_LINE = 1500
const KEYS = 30
const OF_A_KEY = 50
const BATCH = 20
/** Rows that a batch of 20 may read, several times over where a statement looks twice; reading the table once is 3,000. */
const MOST_READ = BATCH * 15

describe.skipIf(leftOut().includes('postgres'))(
  'a table that was vacuumed while it was empty, which the planner takes for one row, and that is long since',
  () => {
    let database: TestDatabase
    let client: Client

    beforeAll(async () => {
      database = await createDatabase(inject('postgresUrl') ?? '')
      const pool = new Pool({ connectionString: database.url })
      const store = postgres(pool)
      await store.put([anEvent({ id: 'first' })])
      await settleOne()
      await pool.query('VACUUM (TRUNCATE off) postern.delivery')
      const { rows } = await pool.query(
        `SELECT reltuples, relpages > 0 AS has_pages FROM pg_class WHERE oid = 'postern.delivery'::regclass`,
      )
      expect(rows).toEqual([{ reltuples: 0, has_pages: true }])
      await store.put(backlog())
      await store.close()
      await pool.end()

      async function settleOne(): Promise<void> {
        const destinations = [{ name: 'handlers', limit: 1 }]
        const [claimed] = await store.claim({ destinations, leaseMs: 60_000, waitMs: 0 })
        const { deliverySeq, token } = claimed!
        await store.settle([{ deliverySeq, token, outcome: { kind: 'succeeded' }, durationMs: 1 }])
      }
    })
    // One that has made no plans yet.
    beforeAll(async () => {
      client = new Client({ connectionString: database.url })
      await client.connect()
    })
    afterAll(async () => {
      await client?.end()
      await database?.drop()
    })

    test('is read where a claim and an extension need it', async () => {
      await reading(async (read) => {
        const { seqs, tokens } = await claim('handlers')
        expect(seqs).toHaveLength(BATCH)
        expect(await read()).toBeLessThan(MOST_READ)
        const values = [seqs, tokens, 60_000, 1000, 0]
        const { rows } = await client.query('SELECT postern.extend_1($1, $2, $3, $4, $5) AS places', values)
        expect(JSON.parse(rows[0].places)).toHaveLength(BATCH)
        expect(await read()).toBeLessThan(MOST_READ)
      })
    })

    test.each(['succeeded', 'retry', 'dead', 'released'])(
      'is read where a settlement needs it: %s, in line and not',
      async (kind) => {
        for (const destination of ['handlers', 'ordered']) {
          await reading(async (read) => {
            const { seqs, tokens } = await claim(destination)
            await read()
            const values = [seqs, tokens, seqs.map(() => kind), seqs.map(() => 5), seqs.map(() => null)]
            const { rows } = await client.query('SELECT * FROM postern.settle_1($1, $2, $3, $4, $5, $6, 0)', [
              ...values,
              seqs.map(() => 1),
            ])
            expect(JSON.parse(rows[0].places)).toHaveLength(BATCH)
            expect(await read()).toBeLessThan(MOST_READ)
          })
        }
      },
    )

    test('is read where a copy that is put, and an operator, need it', async () => {
      await reading(async (read) => {
        const { rows } = await client.query('SELECT min(event_seq) AS seq FROM postern.delivery')
        await read()
        await client.query(`SELECT * FROM postern.take_1($1, 'handlers', 60000, 1000, 0)`, [rows[0].seq])
        expect(await read()).toBeLessThan(MOST_READ)
        const { rows: heads } = await client.query(
          `SELECT min(event_seq) AS seq FROM postern.delivery WHERE destination = 'ordered'`,
        )
        await read()
        const values = [heads[0].seq]
        const taken = await client.query(
          `SELECT * FROM postern.take_1($1, 'ordered', 60000, 1000, 0)`,
          values,
        )
        expect(taken.rows[0].claimed).not.toBeNull()
        expect(await read()).toBeLessThan(MOST_READ)
        const { rows: some } = await client.query(
          'SELECT seq FROM postern.delivery ORDER BY seq DESC LIMIT 20',
        )
        await read()
        await client.query('SELECT postern.lock_1($1)', [some.map(({ seq }) => seq)])
        expect(await read()).toBeLessThan(MOST_READ)
      })
    })

    test('is gone through from the oldest dead one on, page by page, without being read whole or sorted', async () => {
      await reading(async (read) => {
        await client.query(
          `UPDATE postern.delivery SET state = 'dead', at_ms = NULL WHERE destination = 'handlers'`,
        )
        const { rows } = await client.query(
          `SELECT max(seq) AS newest, percentile_disc(0.5) WITHIN GROUP (ORDER BY seq) AS middle FROM postern.delivery WHERE state = 'dead'`,
        )
        const query = { of: 'deliveries', state: 'dead', destination: 'handlers', limit: BATCH } as const
        for (const after of [0, Number(rows[0].middle)]) {
          await read()
          const plan = await planOf((tx) =>
            list(tx, 'postern', { ...query, after, before: Number(rows[0].newest) }),
          )
          expect(plan).toContain('delivery_dead')
          expect(plan).not.toContain('Sort')
          expect(await read()).toBeLessThan(MOST_READ)
        }
      })
    })

    /** How the one statement of some work is carried out; it is carried out, and its rows are left out. */
    async function planOf(work: (tx: Transaction) => Promise<unknown>): Promise<string> {
      const plans: string[] = []
      const query = async (text: string, values: unknown[] = []): Promise<{ command: string; rows: [] }> => {
        const { rows } = await client.query(`EXPLAIN (ANALYZE) ${text}`, values)
        plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
        return { command: 'SELECT', rows: [] }
      }
      await work(new Transaction({ query }))
      return plans.join('\n')
    }

    /** In a transaction that is undone. `read` answers how many rows of deliveries were read since it was last asked. */
    async function reading(body: (read: () => Promise<number>) => Promise<void>): Promise<void> {
      await client.query('BEGIN')
      let before = 0
      try {
        await body(async () => {
          const { rows } = await client.query<{ fetched: string }>(
            `SELECT seq_tup_read + idx_tup_fetch AS fetched FROM pg_stat_xact_user_tables WHERE relid = 'postern.delivery'::regclass`,
          )
          const fetched = Number(rows[0]!.fetched) - before
          before += fetched
          return fetched
        })
      } finally {
        await client.query('ROLLBACK')
      }
    }

    async function claim(
      destination: string,
    ): Promise<{ readonly seqs: readonly string[]; readonly tokens: readonly string[] }> {
      const { rows } = await client.query<{ claimed: string }>(
        'SELECT claimed FROM postern.claim_1($1, $2, 60000, 1000, 0)',
        [[destination], [BATCH]],
      )
      const leased = rows[0]!.claimed.split('\u0001\u0005').map((row) => row.split('\u0001\u0004'))
      return { seqs: leased.map(([seq]) => seq!), tokens: leased.map(([, token]) => token!) }
    }
  },
)

function backlog(): NewEvent[] {
  const inNoLine = Array.from({ length: IN_NO_LINE }, (_, index) => anEvent({ id: `free_${index}` }))
  const inLine = Array.from({ length: KEYS * OF_A_KEY }, (_, index) =>
    anEvent({
      id: `line_${index}`,
      orderingKey: `key_${index % KEYS}`,
      onDead: 'block',
      destinations: ['ordered'],
    }),
  )
  return [...inNoLine, ...inLine]
}
