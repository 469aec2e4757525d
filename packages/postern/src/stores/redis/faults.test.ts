import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { leftOut } from '../../../../../test/support/servers/left-out.ts'
import { startProxy, throughPort, type TestProxy } from '../../../../../test/support/servers/proxy.ts'
import { startRedis, type TestRedis } from '../../../../../test/support/servers/redis.ts'
import {
  anEvent,
  claim,
  claimOne,
  events,
  put,
  putStored,
  settle,
} from '../../testing/store-contract/fixtures.ts'
import type { IoredisClient } from './ioredis-link.ts'
import { redis, type RedisClient, type RedisOptions, type RedisStore } from './index.ts'
import { eventually } from '../../../../../test/support/eventually.ts'

const CLIENTS: Readonly<Record<string, (url: string) => RedisClient>> = {
  ioredis: (url) => new Redis(url, { lazyConnect: true }),
  redis: (url) => createClient({ url }),
}

let server: TestRedis
let proxy: TestProxy
let prefixes = 0
const without = leftOut().includes('redis')
beforeAll(async () => {
  if (without) return
  server = await startRedis()
  proxy = await startProxy(server.port)
})
afterAll(async () => {
  if (without) return
  await proxy.close()
  await server.stop()
})

const unavailable = { name: 'PosternError', code: 'store_unavailable' }

describe.skipIf(without).each(Object.entries(CLIENTS))('over %s', (_, make) => {
  test('a server that is killed and started again has all that was acknowledged, and goes on', async () => {
    const store = aStore(make(server.url))
    const stored = new Set<string>()
    const all = events(200)
    const putting = Promise.allSettled(
      all.map(async (event, index) => {
        // Enough calls one after another that the kill comes among them.
        for (let turn = 0; turn < index / 10; turn += 1) await new Promise(setImmediate)
        const [result] = await store.put([event])
        if (result?.outcome === 'stored') stored.add(event.id)
      }),
    )
    await vi.waitFor(() => expect(stored.size).toBeGreaterThan(0), { interval: 1 })
    await server.kill()
    await putting
    await expect(put(store)).rejects.toMatchObject(unavailable)
    await expect(claim(store, { waitMs: 1000 })).rejects.toMatchObject(unavailable)
    await server.start()
    const claimed = await claim(store, { destinations: [{ name: 'handlers', limit: 1000 }] })
    const ids = claimed.map(({ event }) => event.id)
    expect(new Set(ids).size).toBe(ids.length)
    expect([...stored].filter((id) => !ids.includes(id))).toEqual([])
    for (const event of all) expect(['stored', 'duplicate']).toContain((await put(store, event)).outcome)
  })

  test('an answer that is lost on the way rejects, and nothing is done twice', async () => {
    const prefix = aPrefix()
    const store = aStore(make(throughProxy()), { prefix })
    await store.stat()
    proxy.cutAfter(1, 'toClient')
    await expect(put(store)).rejects.toMatchObject(unavailable)
    expect((await put(store)).outcome).toBe('duplicate')
    const lease = await claimOne(store)
    proxy.cutAfter(1, 'toClient')
    const effect = ['INCR', `${prefix}effect`]
    await expect(settle(store, lease, { kind: 'succeeded' }, [effect])).rejects.toMatchObject(unavailable)
    expect(await settle(store, lease, { kind: 'succeeded' }, [effect])).toBe('lost')
    expect(await withServer((client) => client.get(`${prefix}effect`))).toBe('1')
  })

  test('a claim that waits while the server is away is told, and the next one gets the work', async () => {
    const store = aStore(make(throughProxy()))
    const other = aStore(make(server.url), { prefix: lastPrefix() })
    const waiting = claim(store, { waitMs: 60_000 })
    await eventually(() => expect(proxy.connections()).toBeGreaterThan(1))
    proxy.cut()
    await expect(waiting).rejects.toMatchObject(unavailable)
    await expect(claim(store, { waitMs: 60_000 })).rejects.toMatchObject(unavailable)
    proxy.heal()
    const again = claim(store, { waitMs: 60_000 })
    await putStored(other)
    expect(await again).toHaveLength(1)
  })

  test('a user who may use no channel is served, and leaves no connection behind', async () => {
    // As `ACL SETUSER` makes them from Redis 7 on.
    const rights = ['reset', 'on', '>password', '~*', '+@all', '-@dangerous', '+config|get', '+info']
    await withServer((client) => client.call('ACL', 'SETUSER', 'unheard', ...rights))
    const store = aStore(make(server.url.replace(/\/\/[^@]*@/, '//unheard:password@')))
    const connections = (): Promise<number> =>
      withServer(async (client) => {
        const list = String(await client.call('CLIENT', 'LIST'))
        return list.split('\n').filter((line) => line.includes('user=unheard ')).length
      })
    expect((await put(store)).outcome).toBe('stored')
    for (let turn = 0; turn < 20; turn += 1) {
      await claim(store, { destinations: [{ name: 'elsewhere', limit: 1 }], waitMs: 20 })
    }
    // One for the calls, and one that just tries to listen.
    await eventually(async () => expect(await connections()).toBeLessThanOrEqual(2))
    expect(await claim(store)).toHaveLength(1)
    await store.close()
    await eventually(async () => expect(await connections()).toBe(0))
  })

  test('a network that only falls silent is given up, and what comes after it answers', async () => {
    const store = aStore(make(throughProxy()))
    await store.stat()
    proxy.silence()
    await expect(put(store)).rejects.toMatchObject(unavailable)
    proxy.heal()
    await vi.waitFor(async () => expect((await put(store)).outcome).toMatch(/stored|duplicate/), {
      timeout: 5000,
    })
  })

  test('what another process puts wakes a claim, also after the server was started again', async () => {
    const prefix = aPrefix()
    const [waiter, putter] = [aStore(make(server.url), { prefix }), aStore(make(server.url), { prefix })]
    await wakeMany(waiter, putter, 'before')
    await server.restart()
    await vi.waitFor(() => claim(waiter), { timeout: 5000 })
    await vi.waitFor(() => putter.stat(), { timeout: 5000 })
    await wakeMany(waiter, putter, 'after')
  })

  test('a server that has forgotten its scripts is told them again', async () => {
    const store = aStore(make(server.url))
    await putStored(store)
    await withServer((client) => client.script('FLUSH'))
    const others = events(9).map((event) => ({ ...event, id: `${event.id} again` }))
    const results = await Promise.all(others.map((event) => put(store, event)))
    expect(results.map(({ outcome }) => outcome)).toEqual(others.map(() => 'stored'))
    await withServer((client) => client.script('FLUSH'))
    expect((await store.stat()).events).toBe(10)
  })

  test('of 20 copies at once, through four stores, one is stored', async () => {
    const prefix = aPrefix()
    const stores = [1, 2, 3, 4].map(() => aStore(make(server.url), { prefix }))
    for (let round = 0; round < 20; round += 1) {
      const event = anEvent({ id: `evt_${round}` })
      const results = await Promise.all(
        Array.from({ length: 20 }, (_copy, index) => put(stores[index % 4] as RedisStore, event)),
      )
      expect(results.filter(({ outcome }) => outcome === 'stored')).toHaveLength(1)
    }
    expect(await claim(stores[0] as RedisStore)).toHaveLength(20)
  })
})

test.skipIf(without)(
  'with its memory full it takes no more events, and ends the work that it has',
  async () => {
    const small = await startRedis()
    onTestFinished(() => small.stop())
    const store = aStore(new Redis(small.url, { lazyConnect: true }))
    await store.put(events(20))
    const lease = await claimOne(store, { destinations: [{ name: 'handlers', limit: 1 }] })
    const client = new Redis(small.url)
    await client.config('SET', 'maxmemory', '1mb')
    const [refused, rest, settled] = await Promise.allSettled([
      store.put(events(2, { type: 'late' }).map((event) => ({ ...event, id: `late ${event.id}` }))),
      claim(store),
      settle(store, lease),
    ])
    expect(refused).toMatchObject({
      status: 'rejected',
      reason: { ...unavailable, message: expect.stringContaining('OOM') },
    })
    expect(settled).toMatchObject({ value: 'settled' })
    const leases = rest.status === 'fulfilled' ? rest.value : []
    expect(leases).toHaveLength(19)
    for (const each of leases) expect(await settle(store, each)).toBe('settled')
    expect((await store.prune({ eventsOlderThanMs: -1, limit: 100 })).events).toBe(20)
    await client.config('SET', 'maxmemory', '0')
    client.disconnect()
    expect((await put(store, anEvent({ id: 'late evt_1' }))).outcome).toBe('stored')
  },
)

test('an unreachable server rejects every verb, and says nothing of the password', async () => {
  const store = aStore(new Redis('redis://:a-secret-word@127.0.0.1:1', { lazyConnect: true }))
  for (const call of [() => put(store), () => claim(store), () => store.inspect()]) {
    const error: unknown = await call().catch((reason: unknown) => reason)
    expect(error).toMatchObject(unavailable)
    expect(String(error)).toContain('ECONNREFUSED')
    expect(String(error)).not.toContain('a-secret-word')
  }
})

test.skipIf(without)('a call that a client sends a second time is refused, and changes nothing', async () => {
  const store = aStore(sendingTwice(new Redis(server.url, { lazyConnect: true })))
  await expect(put(store)).rejects.toMatchObject({
    ...unavailable,
    message: expect.stringContaining('SENTTWICE'),
  })
  const plain = aStore(new Redis(server.url, { lazyConnect: true }), { prefix: lastPrefix() })
  const { events: count, destinations } = await plain.stat()
  expect([count, destinations[0]?.pending]).toEqual([1, 1])
  const lease = await claimOne(plain)
  await expect(settle(store, lease)).rejects.toMatchObject(unavailable)
  expect(await settle(plain, lease)).toBe('lost')
})

/** A client whose scripts go out twice; what the second was answered is what comes back. */
function sendingTwice(client: Redis): RedisClient {
  const wrap = (own: Redis): IoredisClient => ({
    get status() {
      return own.status
    },
    duplicate: (override) => wrap(own.duplicate(override)),
    connect: () => own.connect(),
    callBuffer: async (command, ...args) => {
      const first = own.callBuffer(command, ...args)
      if (!command.startsWith('EVAL') || args.length < 8) return first
      await first.catch(() => {})
      return own.callBuffer(command, ...args)
    },
    subscribe: (channel) => own.subscribe(channel),
    on: (event, listener) => own.on(event as 'error', listener),
    disconnect: () => own.disconnect(),
  })
  return wrap(client)
}

async function wakeMany(waiter: RedisStore, putter: RedisStore, name: string): Promise<void> {
  const startedMs = performance.now()
  for (let turn = 0; turn < 10; turn += 1) {
    const waiting = claim(waiter, { waitMs: 60_000 })
    await putStored(putter, anEvent({ id: `${name} ${turn}` }))
    for (const lease of await waiting) await settle(waiter, lease)
  }
  // One that only polls, each second, would take ten.
  expect(performance.now() - startedMs).toBeLessThan(5000)
}

function aStore(client: RedisClient, options: RedisOptions = {}): RedisStore {
  const store = redis(client, { prefix: options.prefix ?? aPrefix(), ...options })
  onTestFinished(() => store.close())
  return store
}

function aPrefix(): string {
  prefixes += 1
  return lastPrefix()
}

function lastPrefix(): string {
  return `test${prefixes}:`
}

function throughProxy(): string {
  return throughPort(server.url, proxy.port)
}

async function withServer<T>(use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(server.url)
  try {
    return await use(client)
  } finally {
    client.disconnect()
  }
}
