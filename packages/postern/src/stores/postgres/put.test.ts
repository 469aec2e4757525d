import * as fc from 'fast-check'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../../test/support/servers/database.ts'
import { leftOut } from '../../../../../test/support/servers/left-out.ts'
import type { NewEvent } from '../../inbox/index.ts'
import { anEvent, MINUTE } from '../../testing/store-contract/fixtures.ts'
import { postgres, type PostgresStore } from './index.ts'

/** More than an event has slots for. */
const MANY = Array.from({ length: 66 }, (_, index) => `many_${index}`)

/** What a batch shares is sent once, and what none has is not sent: each event is another mixture. */
const change = fc.record({
  tenant: fc.constantFrom('', 'acme'),
  source: fc.constantFrom('shop', 'bank'),
  type: fc.constantFrom('paid', ''),
  createdMs: fc.constantFrom(undefined, 0, 1_700_000_000_000),
  orderingKey: fc.constantFrom(undefined, 'a', 'b'),
  onDead: fc.constantFrom(undefined, 'block' as const, 'continue' as const),
  verifiedBy: fc.constantFrom('hmac', 'token'),
  headers: fc.constantFrom([], ['a', ''], ['a\n', '"\n\\n'], ['x', '\u0000\u0001\ud800\u2028']),
  body: fc.constantFrom(Buffer.of(), Buffer.of(0, 255), Buffer.from('{}')),
  dedupeWindowMs: fc.constantFrom(MINUTE, 2 * MINUTE),
  destinations: fc.constantFrom([], ['one'], ['two'], ['one', 'two'], MANY),
})

describe.skipIf(leftOut().includes('postgres'))('a batch', () => {
  let database: TestDatabase
  let pool: Pool
  let store: PostgresStore

  beforeAll(async () => {
    database = await createDatabase(inject('postgresUrl') ?? '')
    pool = new Pool({ connectionString: database.url })
    store = postgres(pool)
  })

  afterAll(async () => {
    await store?.close()
    await pool?.end()
    await database?.drop()
  })

  test('is stored as it was put, at once, whatever its events share', async () => {
    let drawn = 0
    const alike = fc
      .tuple(change, fc.integer({ min: 1, max: 4 }))
      .map(([one, count]) => Array(count).fill(one))
    const batches = fc.oneof(alike, fc.array(change, { minLength: 1, maxLength: 4 }))
    await fc.assert(
      fc.asyncProperty(batches, async (changes) => {
        const events = changes.map((each) => anEvent({ ...each, id: `${(drawn += 1)}`, idKind: 'signed' }))
        const results = await store.put(events)
        expect(results.map(({ outcome }) => outcome)).toEqual(events.map(() => 'stored'))
        const seqs = results.map((result) => (result.outcome === 'stored' ? result.eventSeq : 0))
        expect(await Promise.all(seqs.map((seq) => readBack(seq)))).toEqual(events.map(asRead))
        // What a batch cannot store is put apart, one by one, and is right all the same.
        const { rows } = await pool.query(
          'SELECT count(DISTINCT xmin::text)::int AS commits FROM postern.event WHERE seq = ANY ($1)',
          [seqs],
        )
        expect(rows).toEqual([{ commits: 1 }])
      }),
      { numRuns: 60 },
    )
  })

  async function readBack(seq: number): Promise<Readonly<Record<string, unknown>>> {
    const detail = (await store.get(seq))!
    const { rows } = await pool.query(
      `SELECT on_dead, expires_ms - received_ms AS window_ms
       FROM postern.event, postern.dedupe WHERE seq = $1 AND event_seq = seq`,
      [seq],
    )
    return asRead({
      ...detail.event,
      onDead: rows[0].on_dead ?? undefined,
      dedupeWindowMs: Number(rows[0].window_ms),
      destinations: detail.deliveries.map(({ destination }) => destination),
    })
  }
})

type Compared = Omit<NewEvent, 'idKind' | 'onConflict' | 'lease'>

/** What is stored of an event, its body as numbers: a store may hand out a Buffer. */
function asRead(event: Compared): Readonly<Record<string, unknown>> {
  const { tenant, source, id, type, createdMs, orderingKey, verifiedBy, headers } = event
  const { onDead, dedupeWindowMs, destinations } = event
  const said = { tenant, source, id, type, createdMs, orderingKey, verifiedBy, headers }
  return { ...said, body: [...event.body], onDead, dedupeWindowMs, destinations }
}
