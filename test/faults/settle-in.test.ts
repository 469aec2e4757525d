/** Promise 3: effects exactly once, where the handler settles in the transaction that it writes them in. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Pool } from 'pg'
import { postgres } from 'postern/postgres'
import { afterEach, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest'
import { events } from '../../packages/postern/src/testing/store-contract/fixtures.ts'
import { createDatabase, type TestDatabase } from '../support/servers/database.ts'
import { leftOut } from '../support/servers/left-out.ts'

const SCRIPT = fileURLToPath(new URL('../support/settling-worker.mjs', import.meta.url))
const POINTS = ['after the effect', 'before the commit', 'during the commit', 'after the commit'] as const
/** The long form: `KILLS=400 npx vitest run test/faults/settle-in.test.ts`. */
const KILLS = Number(process.env['KILLS'] ?? 20)
const EVENTS = 8 * KILLS
/** More than a lease: what the killed had taken is free for the next. */
const STEP_MS = 31_000

describe.skipIf(leftOut().includes('postgres'))('a worker that is killed again and again', () => {
  let database: TestDatabase
  let pool: Pool

  beforeEach(async () => {
    database = await createDatabase(inject('postgresUrl')!)
    pool = new Pool({ connectionString: database.url })
    await pool.query('CREATE TABLE effect (id text NOT NULL)')
    const store = postgres(pool)
    await store.put(events(EVENTS, { source: 'vastai' }))
    await store.close()
  })

  afterEach(async () => {
    await pool.end()
    await database.drop()
  })

  test(`between effect and commit, and between commit and settle, has each effect once after ${KILLS} kills`, async () => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      expect(await work(kill * STEP_MS, 'settleIn', POINTS[kill % POINTS.length], 1 + (kill % 5))).toBe(
        'SIGKILL',
      )
    }
    const byTheKilled = await effects()
    expect(await work(KILLS * STEP_MS, 'settleIn')).toBe(0)

    const all = await effects()
    expect(all.length).toBe(EVENTS)
    expect(new Set(all).size).toBe(EVENTS)
    expect(await states()).toEqual([{ state: 'succeeded', count: EVENTS }])
    // Some of them had committed before they were killed, and some had not.
    expect(byTheKilled.length).toBeGreaterThan(KILLS / 4)
    expect(byTheKilled.length).toBeLessThan(EVENTS)
    console.info(
      `${KILLS} kills: ${EVENTS} events, ${byTheKilled.length} effects by workers that were killed, each once`,
    )
  }, 600_000)

  test('negative control: one that is settled after the commit has effects twice', async () => {
    for (let kill = 0; kill < 3; kill += 1) {
      expect(await work(kill * STEP_MS, 'apart', 'after the commit', 1)).toBe('SIGKILL')
    }
    expect(await work(3 * STEP_MS, 'apart')).toBe(0)
    const all = await effects()
    expect(all.length).toBeGreaterThan(new Set(all).size)
  }, 60_000)

  /** Lets a worker run, and says how it ended. */
  async function work(offsetMs: number, mode: 'settleIn' | 'apart', point = '', runs = 0): Promise<unknown> {
    const child = fork(SCRIPT, [database.url, String(offsetMs), mode, point, String(runs)], { execArgv: [] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
    return code ?? signal
  }

  async function effects(): Promise<readonly string[]> {
    return (await pool.query<{ id: string }>('SELECT id FROM effect')).rows.map(({ id }) => id)
  }

  async function states(): Promise<readonly { readonly state: string; readonly count: number }[]> {
    const { rows } = await pool.query<{ state: string; count: number }>(
      'SELECT state, count(*)::integer FROM postern.every_delivery GROUP BY state',
    )
    return rows
  }
})
