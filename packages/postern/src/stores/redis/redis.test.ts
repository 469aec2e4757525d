import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, inject, test } from 'vitest'
import { createRedisDatabase } from '../../../../../test/support/servers/redis-database.ts'
import { storeContract, type Clause, type StoreHarness } from '../../testing/index.ts'
import { redis, type RedisClient, type RedisEffect, type RedisStore } from './index.ts'

const SKIPPED: Partial<Record<Clause, string>> = {
  'claim/keep': 'a server does not see a process end, and prolongs no lease by itself',
}
const SERVER = inject('redisUrl') ?? ''

/** The store only makes connections of its own like these: they never connect themselves. */
const CLIENTS: Readonly<Record<string, (url: string) => RedisClient>> = {
  ioredis: (url) => new Redis(url, { lazyConnect: true }),
  redis: (url) => createClient({ url }),
}

describe.skipIf(SERVER === '').each(Object.entries(CLIENTS))(
  'the Store contract over Redis, by %s',
  (_, make) => {
    for (const { clause, name, run } of storeContract) {
      const reason = SKIPPED[clause]
      test.skipIf(reason)(`${clause}: ${name}${reason ? ` (${reason})` : ''}`, async () => {
        const harness = await redisHarness(make)
        await run(harness).finally(() => harness.dispose())
      })
    }
  },
)

/** Each case has a database of its own on the run's server; effects write to a list there. */
async function redisHarness(make: (url: string) => RedisClient): Promise<StoreHarness> {
  const database = await createRedisDatabase(SERVER)
  const plain = new Redis(database.url)
  const opened: RedisStore[] = []
  let offsetMs = 0
  const open = async (): Promise<RedisStore> => {
    const store = redis(make(database.url), { offsetMs: () => offsetMs })
    opened.push(store)
    return store
  }
  return {
    open,
    reopen: open,
    advance: (ms) => void (offsetMs += ms),
    effect: (name): RedisEffect => ['RPUSH', 'effects', name],
    failingEffect: (): RedisEffect => ['INCRBY', 'never', 'no number'],
    effectsSeen: () => plain.lrange('effects', 0, -1),
    dispose: async () => {
      await Promise.all(opened.map((store) => store.close()))
      plain.disconnect()
      await database.drop()
    },
  }
}
