// Not a literal, so that what runs over SQLite alone does not need it.
const STORE = 'postern/postgres'

/** Databases that have their table by now. @type {Map<string, Promise<void>>} */
const prepared = new Map()

/** @param {string} url @returns {import('./index.mjs').Place} */
export function postgresPlace(url) {
  return {
    open: async ({ mayLose } = {}) => {
      const [{ Pool }, { postgres }] = await Promise.all([import('pg'), import(STORE)])
      // Without a listener for its errors: what a lost connection says there must not end the process.
      const pool = new Pool({ connectionString: url })
      const store = postgres(pool, { ...(mayLose && { mayLoseAcknowledgedEvents: true }) })
      return { store, close: () => pool.end() }
    },
    prepare: () => {
      // One transaction: two that make a table at once get into each other's way, for all their IF NOT EXISTS.
      const table =
        'SELECT pg_advisory_xact_lock(1); CREATE TABLE IF NOT EXISTS effect (id text NOT NULL, attempt integer NOT NULL)'
      const making = prepared.get(url) ?? query(url, table).then(() => {})
      prepared.set(url, making)
      return making
    },
    effect: (id, attempt) => async (client) => {
      await client.query('INSERT INTO effect (id, attempt) VALUES ($1, $2)', [id, attempt])
    },
    readEffects: async () => {
      const rows = await query(url, 'SELECT id, count(*)::int AS effects FROM effect GROUP BY id')
      return rows.map((row) => [row.id, row.effects])
    },
    integrity: () => checkIndexes(url),
  }
}

/** Every index against its table, row by row, by PostgreSQL's own `amcheck`. */
async function checkIndexes(url) {
  try {
    await query(url, 'CREATE EXTENSION IF NOT EXISTS amcheck')
    await query(
      url,
      `SELECT bt_index_check(index.oid, true)
         FROM pg_class index JOIN pg_am method ON method.oid = index.relam
        WHERE index.relkind = 'i' AND method.amname = 'btree'`,
    )
    return 'ok'
  } catch (error) {
    return error.message
  }
}

async function query(connectionString, text) {
  const { Client } = await import('pg')
  const client = new Client({ connectionString })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
