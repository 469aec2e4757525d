import { randomUUID } from 'node:crypto'
import { Client } from 'pg'

/** A database of its own on a PostgreSQL server. */
export interface TestDatabase {
  readonly url: string
  /** Ends whoever is still connected. */
  drop(): Promise<void>
}

/** Makes a fresh, empty database on a server. */
export async function createDatabase(serverUrl: string): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  // `template1` cannot be copied while somebody is connected to it; nobody can be to `template0`.
  await execute(serverUrl, `CREATE DATABASE ${name} TEMPLATE template0`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    drop: async () => {
      await execute(serverUrl, untilNobodyIsIn(name))
      await execute(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}

/**
 * Half a second at the most. A pool says that it has ended before its connections have; one that the server ends in that moment
 * is an error that nobody listens for any more.
 */
function untilNobodyIsIn(name: string): string {
  return `DO $$ BEGIN
    FOR look IN 1..50 LOOP
      EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '${name}');
      PERFORM pg_sleep(0.01);
      PERFORM pg_stat_clear_snapshot();
    END LOOP;
  END $$`
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
