import { Redis } from 'ioredis'

/** A database of its own on a Redis server. */
export interface TestRedisDatabase {
  readonly url: string
  /** Its number, for `SELECT`. */
  readonly index: number
  /** Empties it. */
  drop(): Promise<void>
}

/** Counts, in database 0, what was given away. */
const COUNTER = 'postern-test:databases'

/**
 * Takes an empty database of a server, another one for each call until the server has no more (1,000 on the run's own);
 * then they come round again, emptied. Never give it a server that holds anything of worth.
 */
export async function createRedisDatabase(serverUrl: string): Promise<TestRedisDatabase> {
  const index = await withClient(serverUrl, async (client) => {
    const [, databases] = (await client.config('GET', 'databases')) as [string, string]
    const taken = await client.incr(COUNTER)
    return 1 + ((taken - 1) % (Number(databases) - 1))
  })
  const url = new URL(serverUrl)
  url.pathname = `/${index}`
  const drop = (): Promise<void> => withClient(url.href, async (client) => void (await client.flushdb()))
  await drop()
  return { url: url.href, index, drop }
}

async function withClient<T>(url: string, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { maxRetriesPerRequest: 0 })
  try {
    return await use(client)
  } finally {
    client.disconnect()
  }
}
