/** The recipes of docs/transactions.md, each the very file that is shown there, over a real server. */
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Pool } from 'pg'
import type { EventDetail, Postern } from 'postern'
import { postgres, type PostgresStore, type UserTransaction } from 'postern/postgres'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { leftOut } from '../support/servers/left-out.ts'
import { createDatabase, type TestDatabase } from '../support/servers/database.ts'

const SECRET = 'whsec_3f9c2b7d51e84a06b9d0c4e7'
/** Subjects whose rows break the transaction that they are written in. */
const FAILS_AT_COMMIT = 'fails at the commit'
const LOSES_ITS_LEASE = 'loses its lease'

const TABLE = `
  CREATE TABLE outbid (id text PRIMARY KEY, subject text NOT NULL);
  CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE '%', NEW.subject; END $$;
  CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON outbid DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.subject = '${FAILS_AT_COMMIT}') EXECUTE FUNCTION fail();
  CREATE FUNCTION take_over() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN UPDATE postern.delivery SET token = token + 1; RETURN NEW; END $$;
  CREATE TRIGGER take_over BEFORE INSERT ON outbid
    FOR EACH ROW WHEN (NEW.subject = '${LOSES_ITS_LEASE}') EXECUTE FUNCTION take_over();
`

const DOCS = readFileSync('docs/transactions.md', 'utf8')

interface Recipe {
  readonly postern: Postern
  readonly pool: Pool
  /** What is in no transaction. */
  readonly outside: UserTransaction
  close(): Promise<unknown>
}

/** They read their settings when they are imported, as an app does. */
const RECIPES: Readonly<Record<string, () => Promise<Recipe>>> = {
  pg: async () => {
    const { postern, pool } = await import('./pg.ts')
    return { postern, pool, outside: pool, close: async () => {} }
  },
  drizzle: async () => {
    const { postern, pool, db } = await import('./drizzle.ts')
    return { postern, pool, outside: db, close: async () => {} }
  },
  prisma: async () => {
    const { postern, pool, prisma } = await import('./prisma.ts')
    return { postern, pool, outside: prisma, close: () => prisma.$disconnect() }
  },
  kysely: async () => {
    const { postern, pool, db } = await import('./kysely.ts')
    return { postern, pool, outside: db, close: async () => {} }
  },
  typeorm: async () => {
    const { postern, pool, db } = await import('./typeorm.ts')
    return { postern, pool, outside: db.manager, close: () => db.destroy() }
  },
}

test("the first example of the docs is one recipe's handler", () => {
  const [, example = ''] = /^```ts\n([\s\S]*?)\n^```$/m.exec(DOCS) ?? []
  const indented = example.replaceAll(/^/gm, '    ')
  expect(indented.length).toBeGreaterThan(100)
  expect(readFileSync('test/recipes/drizzle.ts', 'utf8')).toContain(indented)
})

describe.skipIf(leftOut().includes('postgres')).each(Object.keys(RECIPES))('the recipe for %s', (name) => {
  let database: TestDatabase
  let recipe: Recipe

  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl')!)
    process.env['DATABASE_URL'] = database.url
    process.env['VASTAI_WEBHOOK_SECRET'] = SECRET
    recipe = await RECIPES[name]!()
    await recipe.pool.query(TABLE)
  })

  afterAll(async () => {
    await recipe.postern.stop()
    await recipe.close()
    await recipe.pool.end()
    await database.drop()
  })

  test('stands in the docs, word for word', () => {
    expect(DOCS).toContain(`\`\`\`ts\n${readFileSync(`test/recipes/${name}.ts`, 'utf8')}\`\`\`\n`)
  })

  test('commits its write and its delivery together', async () => {
    const eventSeq = await receive('evt_1')
    expect(await recipe.postern.drain()).toBe(1)
    expect(await outbid('evt_1')).toEqual({ id: 'evt_1', subject: 'You were outbid' })
    expect(await deliveryOf(eventSeq)).toMatchObject({
      state: 'succeeded',
      attempts: [{ outcome: 'succeeded' }],
    })
    expect((await recipe.postern.metrics()).attempts).toMatchObject([{ outcome: 'succeeded', count: 1 }])
  })

  test('keeps neither where the commit fails, and is tried again', async () => {
    const eventSeq = await receive('evt_2', FAILS_AT_COMMIT)
    await recipe.postern.drain()
    expect(await outbid('evt_2')).toBeUndefined()
    const { state, error } = await deliveryOf(eventSeq)
    expect({ state, error }).toEqual({
      state: 'pending',
      error: expect.stringMatching(/commit/) as unknown,
    })
  })

  test('keeps neither where the lease is lost', async () => {
    const eventSeq = await receive('evt_3', LOSES_ITS_LEASE)
    await recipe.postern.drain()
    expect(await outbid('evt_3')).toBeUndefined()
    expect((await deliveryOf(eventSeq)).error).toMatch(/^LeaseLostError: /)
  })

  test('settles nothing in what is no transaction', async () => {
    await receive('evt_4')
    await withStore(async (store) => {
      const destinations = [{ name: 'handlers', limit: 1 }]
      const [lease] = await store.claim({ destinations, leaseMs: 60_000, waitMs: 0 })
      await expect(store.settleIn(recipe.outside, lease!, 1)).rejects.toMatchObject({ code: 'cannot_settle' })
      // It is still leased.
      expect(await store.extend([lease!], 60_000)).toEqual(['extended'])
    })
  })

  /** Sends an event, signed as its sender does; its number. */
  async function receive(id: string, subject = 'You were outbid'): Promise<number> {
    const body = JSON.stringify({ event_id: id, notif_type: 'outbid', subject, message: '', timestamp: 1 })
    const timestamp = String(Math.floor(Date.now() / 1000))
    const signature = createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex')
    const headers = { 'x-vast-timestamp': timestamp, 'x-vast-signature-256': `sha256=${signature}` }
    const url = 'http://localhost/webhooks/vastai'
    expect((await recipe.postern.fetch(new Request(url, { method: 'POST', body, headers }))).status).toBe(200)
    return withStore(async (store) => (await store.list({ of: 'events', limit: 1 })).events[0]!.eventSeq)
  }

  async function outbid(id: string): Promise<unknown> {
    return (await recipe.pool.query<object>('SELECT * FROM outbid WHERE id = $1', [id])).rows[0]
  }

  async function deliveryOf(eventSeq: number): Promise<EventDetail['deliveries'][number]> {
    return withStore(async (store) => (await store.get(eventSeq))!.deliveries[0]!)
  }

  /** Another opener of the recipe's store. */
  async function withStore<T>(work: (store: PostgresStore) => Promise<T>): Promise<T> {
    const store = postgres(recipe.pool)
    return work(store).finally(() => store.close())
  }
})
