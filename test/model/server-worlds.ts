/**
 * The stores over real servers, as two nodes that share one. What is asked here is not whether a server keeps what it has
 * acknowledged, so these servers need not sync.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import {
  postgres as soundPostgres,
  type postgres,
  type PostgresEffect,
} from '../../packages/postern/src/stores/postgres/index.ts'
import {
  redis as soundRedis,
  type redis,
  type RedisEffect,
} from '../../packages/postern/src/stores/redis/index.ts'
import type { ContractStore, StoreHarness } from '../../packages/postern/src/testing/index.ts'
import type { TestDatabase } from '../support/servers/database.ts'
import type { TestPostgres } from '../support/servers/postgres.ts'
import { createRedisDatabase, type TestRedisDatabase } from '../support/servers/redis-database.ts'
import type { TestRedis } from '../support/servers/redis.ts'
import type { Effect } from './effect.ts'
import { stretched, StretchedClock } from './stretched.ts'
import { START_MS, type World } from './world.ts'

/** What a killed server costs in time: no run of the test suite could afford many. */
export interface Crashes {
  /** Whether a `kill` ends the server itself, or only every connection. */
  readonly killsServer: boolean
}

/** How to start a server that does not sync; what a process that is killed has written stays with the system. */
export const UNSYNCED = {
  // Who waits for whom is looked at soon, so that no lock's own time limit comes first.
  postgres: {
    fsync: 'off',
    synchronous_commit: 'local',
    full_page_writes: 'off',
    deadlock_timeout: '20ms',
  },
  redis: { appendfsync: 'no' },
} as const

const NODES = [0, 1]
/** Nothing here is found by a poll. */
const POLL_MS = 60_000

/** A server of one kind, emptied, with two nodes of the inbox to be opened on it. */
export interface ServerKind {
  readonly writers: World['writers']
  /** Opens the two nodes. */
  open(offsetMs: () => number): ContractStore[]
  effectOf(effect: Effect): unknown
  effectsSeen(): Promise<readonly string[]>
  /** Ends every connection. */
  cut(): Promise<void>
  killServer(): Promise<void>
}

/** What the model is tried with. */
export function worldOf(kind: ServerKind, { killsServer }: Crashes): World {
  const clock = new StretchedClock(START_MS)
  const open = (): ContractStore[] => kind.open(clock.offsetMs).map((store) => stretched(store, clock))
  let stores = open()
  const close = async (): Promise<void> => {
    await Promise.all(stores.map((store) => store.close()))
  }
  return {
    writers: kind.writers,
    store: (worker) => stores[worker % stores.length] as ContractStore,
    advance: (ms) => clock.advance(ms),
    effectOf: (effect) => kind.effectOf(effect),
    effectsSeen: () => kind.effectsSeen(),
    undoes: true,
    crash: async (how) => {
      if (how === 'stop') {
        await close()
        stores = open()
        return
      }
      await (killsServer ? kind.killServer() : kind.cut())
      await Promise.all(stores.map(untilBack))
    },
    dispose: close,
  }
}

/** A node whose connections broke may refuse once or more, and must then go on by itself. */
async function untilBack(store: ContractStore): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await store.stat()
      return
    } catch (error) {
      if (tries === 100) throw new Error('the store does not come back', { cause: error })
      await pause(50)
    }
  }
}

/** What the contract's cases are tried with: one of the nodes, by the clock as it is. */
export function harnessOf(kind: ServerKind): StoreHarness {
  const opened: ContractStore[] = []
  let passedMs = 0
  const open = async (): Promise<ContractStore> => {
    const nodes = kind.open(() => passedMs)
    opened.push(...nodes)
    return nodes[0]!
  }
  return {
    open,
    reopen: open,
    advance: (ms) => void (passedMs += ms),
    effect: (name) => kind.effectOf({ name, fails: false }),
    failingEffect: () => kind.effectOf({ name: 'failing', fails: true }),
    effectsSeen: () => kind.effectsSeen(),
    dispose: async () => void (await Promise.all(opened.map((store) => store.close()))),
  }
}

/** Makes the worlds of many runs on one server. */
export interface Worlds {
  prepare(): Promise<void>
  make(crashes?: Crashes): Promise<World>
  /** Without anything that the run before has left. */
  empty(): Promise<ServerKind>
  dispose(): Promise<void>
}

/** Opens stores over one PostgreSQL server; the tables are made once, and emptied for each run. */
export class PostgresWorlds implements Worlds {
  readonly #server: TestPostgres
  readonly #open: typeof postgres
  #database: TestDatabase | undefined
  #pools: readonly Pool[] = []
  /** Beside the stores' own. */
  #plain: Pool | undefined

  constructor(server: TestPostgres, open: typeof postgres = soundPostgres) {
    this.#server = server
    this.#open = open
  }

  async prepare(): Promise<void> {
    const { url } = (this.#database = await this.#server.database())
    this.#pools = NODES.map(() => new Pool({ connectionString: url, max: 6 }))
    this.#plain = new Pool({ connectionString: url, max: 1 })
    // What breaks an idle connection is told here; a pool without a listener would end the process.
    for (const pool of [...this.#pools, this.#plain]) pool.on('error', () => {})
    await this.query('CREATE TABLE effect (seq serial, name text NOT NULL)')
    const [store] = this.#stores(() => 0)
    await store?.stat()
    await store?.close()
  }

  async make(crashes: Crashes = { killsServer: false }): Promise<World> {
    return worldOf(await this.empty(), crashes)
  }

  async empty(): Promise<ServerKind> {
    await this.query(EMPTY)
    const effect =
      ({ name, fails }: Effect): PostgresEffect =>
      async (client) =>
        void (await client.query('INSERT INTO effect (name) VALUES ($1)', [fails ? null : name]))
    return {
      writers: 'many',
      open: (offsetMs) => this.#stores(offsetMs),
      effectOf: effect,
      effectsSeen: async () => {
        const rows = await this.query('SELECT name FROM effect ORDER BY seq')
        return rows.map(({ name }) => String(name))
      },
      cut: () => this.#cut(),
      killServer: async () => {
        await this.#server.kill()
        await this.#server.start()
      },
    }
  }

  /** How many transactions had to give way so far, in any database. The log is written before they are told; it comes by a pipe. */
  async deadlocks(): Promise<number> {
    const mark = `mark ${randomUUID()}`
    await this.query(`DO $$ BEGIN RAISE LOG '${mark}'; END $$`)
    while (!this.#server.log().includes(mark)) await pause(5)
    return this.#server.log().split('deadlock detected').length - 1
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#pools, this.#plain].map((pool) => pool?.end()))
    await this.#database?.drop()
  }

  #stores(offsetMs: () => number): ContractStore[] {
    return this.#pools.map((pool) => {
      const store = this.#open(pool, { offsetMs, mayLoseAcknowledgedEvents: true, pollMs: POLL_MS })
      // Its effects are functions of a client; the commands make them by `effectOf` only.
      return store as unknown as ContractStore
    })
  }

  async #cut(): Promise<void> {
    await this.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    )
  }

  /** On none of the stores' connections. */
  async query(text: string): Promise<readonly Record<string, unknown>[]> {
    const result: unknown = await this.#plain?.query(text)
    // Several statements are answered with an array, which nobody asks for rows.
    return (result as { readonly rows?: readonly Record<string, unknown>[] }).rows ?? []
  }
}

const TABLES = 'event finished attempt delivery further_delivery lane dedupe duplicate rejected state'.split(
  ' ',
)
const EMPTY = [
  ...TABLES.map((table) => `DELETE FROM postern.${table}`),
  'DELETE FROM effect',
  "SELECT setval('postern.number', 1, false)",
].join(';')

/** Opens stores over one database of a Redis server, emptied for each run. */
export class RedisWorlds implements Worlds {
  readonly #server: TestRedis
  readonly #open: typeof redis
  #database: TestRedisDatabase | undefined
  /** Beside the stores' own. */
  #plain: Redis | undefined

  constructor(server: TestRedis, open: typeof redis = soundRedis) {
    this.#server = server
    this.#open = open
  }

  async prepare(): Promise<void> {
    this.#database = await createRedisDatabase(this.#server.url)
    this.#plain = new Redis(this.#database.url)
    // It connects again by itself.
    this.#plain.on('error', () => {})
  }

  async make(crashes: Crashes = { killsServer: false }): Promise<World> {
    return worldOf(await this.empty(), crashes)
  }

  async empty(): Promise<ServerKind> {
    const url = this.#database?.url ?? ''
    const plain = this.#plain
    await plain?.flushdb()
    const effect = ({ name, fails }: Effect): RedisEffect =>
      fails ? ['INCRBY', 'never', 'no number'] : ['RPUSH', 'effects', name]
    return {
      // One script after another: nothing is done at once here.
      writers: 'one',
      open: (offsetMs) =>
        NODES.map(() => {
          // The store makes connections of its own like this one, which never connects.
          const client = new Redis(url, { lazyConnect: true })
          const store = this.#open(client, { offsetMs, mayLoseAcknowledgedEvents: true })
          return store as unknown as ContractStore
        }),
      effectOf: effect,
      effectsSeen: async () => (await plain?.lrange('effects', 0, -1)) ?? [],
      cut: async () => {
        for (const type of ['normal', 'pubsub']) await this.command('CLIENT', 'KILL', 'TYPE', type)
      },
      killServer: async () => {
        await this.#server.kill()
        await this.#server.start()
      },
    }
  }

  /** A command on none of the stores' connections. */
  async command(name: string, ...args: string[]): Promise<unknown> {
    return this.#plain?.call(name, ...args)
  }

  async dispose(): Promise<void> {
    this.#plain?.disconnect()
    await this.#database?.drop()
  }
}
