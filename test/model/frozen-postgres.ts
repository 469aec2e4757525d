import { Pool } from 'pg'
import { postgres, type PostgresStore } from '../../packages/postern/src/stores/postgres/index.ts'
import type { ContractStore } from '../../packages/postern/src/testing/index.ts'
import { createDatabase, type TestDatabase } from '../support/servers/database.ts'
import { START_MS, type World } from './world.ts'

/**
 * Opens nodes whose clock stands still, so that times meet to the millisecond; over one database, emptied after each run:
 * making the tables takes longer than most of them.
 */
export class FrozenPostgresWorlds {
  readonly #serverUrl: string
  #database: TestDatabase | undefined
  #pool: Pool | undefined

  constructor(serverUrl: string) {
    this.#serverUrl = serverUrl
  }

  async prepare(): Promise<void> {
    this.#database = await createDatabase(this.#serverUrl)
    this.#pool = new Pool({ connectionString: this.#database.url, max: 8 })
    await this.#pool.query('CREATE TABLE effect (seq serial, name text NOT NULL)')
    const store = postgres(this.#pool)
    await store.stat()
    await store.close()
    // The store's clock stands still but for the steps that move it.
    await this.#pool.query(
      `CREATE OR REPLACE FUNCTION postern.now_1(offset_ms bigint) RETURNS bigint LANGUAGE sql STABLE RETURN offset_ms`,
    )
  }

  async dispose(): Promise<void> {
    await this.#pool?.end()
    await this.#database?.drop()
  }

  /** With two nodes, each worker has a store of its own. */
  make(nodes: number): World {
    const pool = this.#pool!
    let nowMs = START_MS
    const open = (): PostgresStore[] =>
      Array.from({ length: nodes }, () => postgres(pool, { offsetMs: () => nowMs }))
    let stores = open()
    const close = (): Promise<unknown> => Promise.all(stores.map((store) => store.close()))
    return {
      writers: 'many',
      store: (worker) => stores[worker % nodes] as ContractStore,
      advance: (ms) => void (nowMs += ms),
      effectOf:
        ({ name, fails }) =>
        async (client: Pool) =>
          void (await client.query('INSERT INTO effect (name) VALUES ($1)', [fails ? null : name])),
      effectsSeen: async () => {
        const { rows } = await pool.query<{ name: string }>('SELECT name FROM effect ORDER BY seq')
        return rows.map(({ name }) => name)
      },
      undoes: true,
      crash: async () => {
        await close()
        stores = open()
      },
      dispose: async () => {
        await close()
        await pool.query(
          [
            'event',
            'finished',
            'attempt',
            'delivery',
            'further_delivery',
            'lane',
            'dedupe',
            'duplicate',
            'rejected',
            'state',
          ]
            .map((table) => `DELETE FROM postern.${table}`)
            .join(';'),
        )
        await pool.query("DELETE FROM effect; SELECT setval('postern.number', 1, false)")
      },
    }
  }
}
