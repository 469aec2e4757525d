const INSERT = 'INSERT INTO effect (id, attempt) VALUES ($1, $2)'

/** Databases that have their table by now. @type {Map<string, Promise<void>>} */
const prepared = new Map()

/** @param {string} url @returns {import('./index.mjs').Place} */
export function postgresPlace(url) {
  return {
    open: async ({ mayLose } = {}) => {
      const [{ Pool }, { postgres }] = await Promise.all([import('pg'), import('postern/postgres')])
      // Without a listener for its errors: what a lost connection says there must not end the process.
      const pool = new Pool({ connectionString: url })
      const store = postgres(pool, { ...(mayLose && { mayLoseAcknowledgedEvents: true }) })
      return {
        store,
        close: () => pool.end(),
        inOwnTransaction: (id, attempt, settleIn) =>
          inTransaction(pool, async (client) => {
            await client.query(INSERT, [id, attempt])
            await settleIn(client)
          }),
      }
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
      await client.query(INSERT, [id, attempt])
    },
    readEffects: async () => {
      const rows = await query(url, 'SELECT id, count(*)::int AS effects FROM effect GROUP BY id')
      return rows.map((row) => [row.id, row.effects])
    },
    integrity: () => checkIndexes(url),
  }
}

async function inTransaction(pool, work) {
  const client = await pool.connect()
  // Where the server goes away in the middle, the query says so too.
  client.on('error', ignore)
  let failure
  try {
    await client.query('BEGIN')
    await work(client)
    await client.query('COMMIT')
  } catch (error) {
    failure = error
    throw error
  } finally {
    client.off('error', ignore)
    // With what failed the connection goes, and the transaction with it.
    client.release(failure !== undefined)
  }
}

function ignore() {}

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
