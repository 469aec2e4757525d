import { Pool } from 'pg'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { postgres, type PostgresStore } from '../../packages/postern/src/stores/postgres/index.ts'
import { createDatabase, type TestDatabase } from '../support/servers/database.ts'
import { leftOut } from '../support/servers/left-out.ts'
import { anEvent, ask, claimOne } from './nodes.ts'
import { timedTest } from '../support/timed-test.ts'

const HOUR_MS = 3_600_000
const MONTH_MS = 30 * 24 * HOUR_MS
/** Events in a partition. */
const SIZE = 2 ** 20

describe.skipIf(leftOut().includes('postgres'))('partitions', () => {
  let database: TestDatabase
  let pool: Pool
  let store: PostgresStore
  let offsetMs: number

  beforeEach(async () => {
    database = await createDatabase(inject('postgresUrl') ?? '')
    pool = new Pool({ connectionString: database.url })
    offsetMs = 0
    store = postgres(pool, { offsetMs: () => offsetMs })
    await store.stat()
  })

  afterEach(async () => {
    await store.close()
    await pool.end()
    await database.drop()
  })

  test('one that is past its time is dropped as a whole, and what is not done moves to the rest', async () => {
    const done = await putAndFinish('done')
    const [dead] = await store.put([anEvent({ id: 'dead', destinations: ['handlers', 'audit'] })])
    await settle('succeeded', 'audit')
    await settle('retry')
    await settle('dead')
    await store.put([anEvent({ id: 'dead' })])
    await jumpTo(SIZE)
    const later = await putAndFinish('later')
    offsetMs += MONTH_MS
    const fresh = await putAndFinish('fresh')
    expect((await prune()).events).toBe(1)
    expect(await names()).toEqual([
      'attempt_1',
      'attempt_2',
      'attempt_3',
      'event_1',
      'event_2',
      'event_3',
      'finished_1',
      'finished_2',
      'finished_3',
    ])
    expect(await store.get(done)).toBeUndefined()
    const kept = await store.get(dead!.outcome === 'stored' ? dead!.eventSeq : 0)
    expect(kept!.duplicates).toBe(1)
    expect(
      kept!.deliveries.map(({ state, attempts }) => [state, attempts.map(({ outcome }) => outcome)]),
    ).toEqual([
      ['dead', ['retry', 'dead']],
      ['succeeded', ['succeeded']],
    ])
    expect((await store.get(later))?.event.id).toBe('later')
    expect((await store.get(fresh))?.event.id).toBe('fresh')
    // The dead one can still be redriven, and then goes as a row of the rest; the later one as a row of a partition that is not full.
    await store.move([{ deliverySeq: kept!.deliveries[0]!.deliverySeq, to: 'redrive' }])
    await settle('succeeded')
    expect((await prune()).events).toBe(2)
    expect(await store.get(kept!.event.eventSeq)).toBeUndefined()
    expect(await store.get(later)).toBeUndefined()
    expect(await leftovers(SIZE)).toEqual([
      { events: 0, finished: 0, attempts: 0, duplicates: 0, further: 0 },
    ])
  })

  test('a replay of an event that is kept stays, though it was numbered in the partition that goes', async () => {
    await store.put([anEvent({ id: 'old' })])
    await settle('dead')
    await jumpTo(SIZE)
    const [{ events }] = [await store.list({ of: 'events', limit: 1 })]
    await store.replay([{ eventSeq: events[0]!.eventSeq, destinations: ['handlers'] }])
    await settle('succeeded')
    await putAndFinish('second')
    await jumpTo(2 * SIZE)
    await putAndFinish('third')
    offsetMs += MONTH_MS
    expect((await prune()).events).toBe(0)
    expect((await prune()).events).toBe(1)
    const kept = await store.get(events[0]!.eventSeq)
    expect(kept!.deliveries.map(({ state }) => state)).toEqual(['dead', 'succeeded'])
  })

  test('what a dropped partition leaves beside itself goes with the next rounds', async () => {
    const replayed = await putAndFinish('replayed')
    await store.put([anEvent({ id: 'replayed' })])
    await jumpTo(SIZE)
    await store.replay([{ eventSeq: replayed, destinations: ['handlers'] }])
    await settle('succeeded')
    offsetMs += MONTH_MS
    expect((await prune()).events).toBe(1)
    await prune()
    expect(await leftovers(Number.MAX_SAFE_INTEGER)).toEqual([
      { events: 0, finished: 0, attempts: 0, duplicates: 0, further: 0 },
    ])
  })

  test('one of which a part is past its time waits, where a day has filled it, and otherwise goes row by row', async () => {
    await putAndFinish('a')
    offsetMs += HOUR_MS
    await putAndFinish('b')
    await jumpTo(SIZE)
    await putAndFinish('c')
    offsetMs += MONTH_MS - HOUR_MS / 2
    expect((await prune()).events).toBe(0)
    offsetMs += HOUR_MS
    expect((await prune()).events).toBe(2)
  })

  test('a slow one goes row by row', async () => {
    await putAndFinish('a')
    offsetMs += 48 * HOUR_MS
    await putAndFinish('b')
    await jumpTo(SIZE)
    await putAndFinish('c')
    offsetMs += MONTH_MS - HOUR_MS
    expect((await prune()).events).toBe(1)
  })

  timedTest('a long reader delays the drop, and nobody behind it for long', async () => {
    await putAndFinish('old')
    await jumpTo(SIZE)
    await putAndFinish('new')
    offsetMs += MONTH_MS
    const reader = await pool.connect()
    await reader.query('BEGIN')
    await reader.query('SELECT count(*) FROM postern.event')
    const pruned = prune()
    const startedMs = performance.now()
    await putAndFinish('meanwhile')
    expect(performance.now() - startedMs).toBeLessThan(1500)
    expect((await pruned).events).toBe(0)
    await reader.query('COMMIT')
    reader.release()
    expect((await prune()).events).toBe(1)
  })

  test('events that come before their partition was made are kept with the rest', async () => {
    await jumpTo(100 * SIZE)
    const eventSeq = await putAndFinish('ahead')
    expect((await store.get(eventSeq))?.event.id).toBe('ahead')
    await putAndFinish('and another')
    await store.close()
    offsetMs += MONTH_MS
    store = postgres(pool, { offsetMs: () => offsetMs })
    let gone = 0
    // Those that stayed empty go first, one in each round.
    for (let round = 0; round < 3; round += 1) gone += (await prune()).events
    expect(gone).toBe(2)
    // What could not be made is no obstacle to those after it.
    await jumpTo(102 * SIZE)
    await putAndFinish('later')
    offsetMs += MONTH_MS
    for (let round = 0; round < 3; round += 1) await prune()
    expect(await names()).not.toContain('event_101')
  })

  async function putAndFinish(id: string): Promise<number> {
    const [answer] = await store.put([anEvent({ id })])
    await settle('succeeded')
    return answer!.outcome === 'stored' ? answer!.eventSeq : 0
  }

  async function settle(kind: 'succeeded' | 'retry' | 'dead', destination?: string): Promise<void> {
    const lease = await claimOne(store, destination)
    await store.settle([{ ...lease, outcome: { kind, afterMs: 0, error: 'an error' }, durationMs: 1 }])
  }

  async function prune(): ReturnType<PostgresStore['prune']> {
    return store.prune({ eventsOlderThanMs: MONTH_MS - 1, limit: 500 })
  }

  /** As if so many events had come. */
  async function jumpTo(number: number): Promise<void> {
    await ask(database.url, `SELECT setval('postern.number', $1)`, [number])
  }

  async function names(): Promise<string[]> {
    const made = `SELECT relname FROM pg_class WHERE relnamespace = 'postern'::regnamespace AND relkind = 'r' AND relname ~ '_[0-9]+$' ORDER BY 1`
    return (await ask<{ relname: string }>(database.url, made)).map(({ relname }) => relname)
  }

  async function leftovers(below: number): Promise<unknown[]> {
    return ask(
      database.url,
      `SELECT (SELECT count(*)::int FROM postern.event WHERE seq < $1) AS events,
              (SELECT count(*)::int FROM postern.finished WHERE event_seq < $1) AS finished,
              (SELECT count(*)::int FROM postern.attempt WHERE delivery_seq / 64 < $1) AS attempts,
              (SELECT count(*)::int FROM postern.duplicate WHERE event_seq < $1) AS duplicates,
              (SELECT count(*)::int FROM postern.further_delivery WHERE event_seq < $1) AS further`,
      [below],
    )
  }
})
