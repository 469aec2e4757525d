import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import type { HasRejectedLog, MoveResult, NewEvent, Outcome, Store } from 'postern'
import { memory } from 'postern/memory'
import { postgres } from 'postern/postgres'
import { redis } from 'postern/redis'
import { sqlite } from 'postern/sqlite'
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { AdminServer } from '../packages/gateway/src/admin/admin-server.ts'
import { run } from '../packages/gateway/src/cli/run.ts'
import { cliContext } from './support/cli-context.ts'
import { storedEvent } from './support/forwarding.ts'
import { createDatabase } from './support/servers/database.ts'
import { leftOut } from './support/servers/left-out.ts'
import { createRedisDatabase } from './support/servers/redis-database.ts'

// Thousands of commits, one after another, since only one of a key runs at a time.
vi.setConfig({ testTimeout: 120_000 })

type TestedStore = Store<unknown> & HasRejectedLog

/** Pages of an operator's step hold 500. */
const DEAD = 1200
const LATER = 600

const STORES: Readonly<Record<'memory' | 'sqlite' | 'postgres' | 'redis', () => Promise<TestedStore>>> = {
  memory: async () => memory(),
  sqlite: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-redrive-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    return sqlite(join(folder, 'postern.db'))
  },
  postgres: async () => {
    const database = await createDatabase(inject('postgresUrl') ?? '')
    const pool = new Pool({ connectionString: database.url })
    onTestFinished(async () => {
      await pool.end()
      await database.drop()
    })
    return postgres(pool)
  },
  redis: async () => {
    const database = await createRedisDatabase(inject('redisUrl') ?? '')
    onTestFinished(() => database.drop())
    return redis(new Redis(database.url, { lazyConnect: true }))
  },
}

const NOBODY_THERE = { kind: 'dead', error: 'no' } as const

describe('a redrive of a whole destination', () => {
  for (const [name, open] of Object.entries(STORES)) {
    const isThere = !leftOut().some((server) => server === name)
    test.runIf(isThere)(`runs a key in its order, over any number of pages, in ${name}`, async () => {
      const store = await opened(open)
      await putInLine(store, DEAD)
      const died = await runAll(store, NOBODY_THERE)
      const ran: string[] = []
      const cli = await commandLine(store, async () => {
        ran.push(...(await runAll(store, { kind: 'succeeded' })))
      })
      expect(await cli('redrive', 'billing', '--force', '--json')).toBe(`{"moved":${DEAD},"left":0}\n`)
      expect(died).toHaveLength(DEAD)
      expect(ran).toEqual(died)
    })
  }

  test('takes each once and ends, though all die again and more than a page dies between any two', async () => {
    const store = await opened(STORES.memory)
    await putInLine(store, DEAD)
    const died = await runAll(store, NOBODY_THERE)
    const ran: string[] = []
    const cli = await commandLine(store, async () => {
      if (ran.length > 5 * DEAD) throw new Error('It goes on for ever')
      await putInLine(store, LATER, `later ${ran.length}:`)
      ran.push(...(await runAll(store, NOBODY_THERE)))
    })
    expect(await cli('redrive', 'billing', '--force', '--json')).toBe(`{"moved":${DEAD},"left":0}\n`)
    expect(ran.filter((id) => !id.startsWith('later'))).toEqual(died)
    expect(ran).toHaveLength(DEAD + 3 * LATER)
  })
})

test('a discard of a whole destination leaves the successors that it has let run', async () => {
  const store = await opened(STORES.memory)
  for (let key = 0; key < DEAD; key += 1) {
    const ofKey = { orderingKey: `cart ${key}`, onDead: 'block' } as const
    await putInLine(store, 1, `first ${key}:`, ofKey)
    await putInLine(store, 1, `second ${key}:`, ofKey)
  }
  await runAll(store, NOBODY_THERE)
  const ran: string[] = []
  const cli = await commandLine(store, async () => {
    ran.push(...(await runAll(store, NOBODY_THERE)))
  })
  expect(await cli('discard', 'billing', '--json')).toBe(`{"moved":${DEAD},"left":0}\n`)
  expect(ran).toHaveLength(DEAD)
  expect((await store.stat()).destinations).toMatchObject([{ dead: DEAD, blockedKeys: DEAD }])
})

async function opened(open: () => Promise<TestedStore>): Promise<TestedStore> {
  const store = await open()
  // Before what it runs on is taken down.
  onTestFinished(() => store.close())
  return store
}

/** Puts events of one key; by default one that a dead one does not hold up. */
async function putInLine(
  store: TestedStore,
  count: number,
  prefix: string = '',
  inLine: Partial<NewEvent> = { orderingKey: 'cart 7', onDead: 'continue' },
): Promise<void> {
  const events = Array.from({ length: count }, (_, index) => ({
    ...storedEvent(index, ['billing']),
    ...inLine,
    id: `${prefix}${index}`,
  }))
  await store.put(events)
}

/** Runs what is due until nothing is; the ids of the events in the order in which they ran. */
async function runAll(store: TestedStore, outcome: Outcome): Promise<string[]> {
  const ids: string[] = []
  const request = { destinations: [{ name: 'billing', limit: 1000 }], leaseMs: 60_000, waitMs: 0 }
  for (let claimed = await store.claim(request); claimed.length > 0; claimed = await store.claim(request)) {
    ids.push(...claimed.map(({ event }) => event.id))
    await store.settle(claimed.map((lease) => ({ ...lease, outcome, durationMs: 1 })))
  }
  return ids
}

/** The command line against a gateway whose worker runs between any two pages. */
async function commandLine(
  store: TestedStore,
  work: () => Promise<void>,
): Promise<(...args: readonly string[]) => Promise<string>> {
  const server = new AdminServer({
    store: {
      get: (eventSeq) => store.get(eventSeq),
      inspect: () => store.inspect(),
      list: (query) => store.list(query),
      stat: () => store.stat(),
      rejected: store.rejected,
      move: async (moves): Promise<MoveResult[]> => {
        const results = await store.move(moves)
        await work()
        return results
      },
    },
    secretUse: async () => [],
    replay: async () => ({ outcome: 'unknown' }),
    destinations: ['billing'],
    access: { isLoopback: true, token: undefined },
    log: { debug() {}, info() {}, warn() {}, error() {} },
  })
  onTestFinished(() => server.close())
  const { port } = await server.listen('127.0.0.1', 0)
  return async (...args) => {
    let told = ''
    const write = { write: (text: string) => void (told += text) }
    const env = { POSTERN_ADMIN: `127.0.0.1:${port}` }
    await run(args, cliContext({ env, cwd: '/nowhere', stdout: write, stderr: write }))
    return told
  }
}
