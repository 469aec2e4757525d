import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster, RESP_TYPES } from 'redis'
import { expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { redis, type RedisClient, type RedisStore } from './index.ts'

const URL = 'redis://127.0.0.1:1'

// The calls as users write them: each must be taken as it is, whatever its type is inferred from.
test('clients of both libraries fit, of one server and of a cluster', () => {
  const bound = createClient({ url: URL })
  const mapped = createClient({ url: URL, RESP: 2 }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
  const made = (): RedisClient => createClient({ url: URL })
  const lazily = new Redis(URL, { lazyConnect: true })
  const stores = [
    redis(createClient({ url: URL })),
    redis(bound),
    redis(mapped),
    redis(made()),
    redis(new Redis(URL, { lazyConnect: true })),
    redis(lazily),
    redis(createCluster({ rootNodes: [{ url: URL }] }), { cluster: true }),
    redis(new Cluster([{ port: 1 }], { lazyConnect: true }), { cluster: true }),
  ]
  expectTypeOf(stores).toEqualTypeOf<RedisStore[]>()
  onTestFinished(async () => void (await Promise.all(stores.map((store) => store.close()))))
})

test('a client that does not fit the option cluster is refused at once', () => {
  expect(() => redis(new Redis(URL, { lazyConnect: true }), { cluster: true })).toThrow(
    'needs a client that knows',
  )
  expect(() => redis(createClient({ url: URL }), { cluster: true })).toThrow('needs a client that knows')
  expect(() => redis(createCluster({ rootNodes: [{ url: URL }] }))).toThrow('say cluster: true')
  expect(() => redis(new Cluster([{ port: 1 }], { lazyConnect: true }))).toThrow('say cluster: true')
})

test('what is no client is refused at once', () => {
  for (const odd of [{}, { on: () => {} }]) {
    // The casts are the point: the type forbids what this is about.
    expect(() => redis(odd as unknown as RedisClient)).toThrow('takes a client of ioredis or of redis')
  }
})
