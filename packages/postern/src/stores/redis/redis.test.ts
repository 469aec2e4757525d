import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, describe, inject, test } from 'vitest'
import { storeContract, type Clause, type StoreHarness } from '../../testing/index.ts'
import { redis, type RedisClient, type RedisEffect, type RedisStore } from './index.ts'

const SKIPPED: Partial<Record<Clause, string>> = {
  'claim/keep': 'a server does not see a process end, and prolongs no lease by itself',
}
const SERVER = inject('redisUrl') ?? ''
const plain = new Redis(SERVER, { lazyConnect: true })
afterAll(() => plain.disconnect())

/** The store only makes connections of its own like these: they never connect themselves. */
const CLIENTS: Readonly<Record<string, (url: string) => RedisClient>> = {
  ioredis: (url) => new Redis(url, { lazyConnect: true }),
  redis: (url) => createClient({ url }),
}

// At once, since each waits for the disk most of its time.
describe.skipIf(SERVER === '').concurrent.each(Object.entries(CLIENTS))(
  'the Store contract over Redis, by %s',
  (_, make) => {
    for (const { clause, name, run } of storeContract) {
      const reason = SKIPPED[clause]
      test.skipIf(reason)(`${clause}: ${name}${reason ? ` (${reason})` : ''}`, async () => {
        const harness = redisHarness(make)
        await run(harness).finally(() => harness.dispose())
      })
    }
  },
)

/** Each case has keys of its own on the run's server; effects write to a list among them. */
function redisHarness(make: (url: string) => RedisClient): StoreHarness {
  const prefix = `contract:${randomUUID()}:`
  const opened: RedisStore[] = []
  let offsetMs = 0
  const open = async (): Promise<RedisStore> => {
    const store = redis(make(SERVER), { prefix, offsetMs: () => offsetMs })
    opened.push(store)
    return store
  }
  return {
    open,
    reopen: open,
    advance: (ms) => void (offsetMs += ms),
    effect: (name): RedisEffect => ['RPUSH', `${prefix}effects`, name],
    failingEffect: (): RedisEffect => ['INCRBY', `${prefix}never`, 'no number'],
    effectsSeen: () => plain.lrange(`${prefix}effects`, 0, -1),
    dispose: async () => void (await Promise.all(opened.map((store) => store.close()))),
  }
}
