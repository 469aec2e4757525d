import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { leftOut } from '../../../../../test/support/servers/left-out.ts'
import { startRedis, type TestRedis } from '../../../../../test/support/servers/redis.ts'
import { claim, events, lineOf } from '../../testing/store-contract/fixtures.ts'
import type { Claimed, Settlement } from '../../inbox/index.ts'
import { redis, type RedisStore } from './index.ts'

const without = leftOut().includes('redis')
let server: TestRedis
let client: Redis
beforeAll(async () => {
  if (without) return
  server = await startRedis()
  client = new Redis(server.url)
})
afterAll(async () => {
  if (without) return
  client.disconnect()
  await server.stop()
})

// Commands are what a script's time goes by, and unlike time they can be counted.
describe.skipIf(without)('commands of the server', () => {
  test('a commit has one for each event, and few besides', async () => {
    const store = await aStore()
    const [calls] = await counted(() => store.put(events(400)))
    // The group commit carries 32 of them or more at a time: a second command for each would be 800 and more.
    expect(calls).toBeLessThan(800)
  })

  test('claiming and settling has few, however many there are', async () => {
    const store = await aStore()
    await store.put(events(400))
    const destinations = [{ name: 'handlers', limit: 200 }]
    const [claiming, leases] = await counted(() => claim(store, { destinations }))
    const [settling] = await counted(() => store.settle(leases.map(succeeded)))
    expect(leases).toHaveLength(200)
    expect(claiming).toBeLessThan(25)
    expect(settling).toBeLessThan(20)
  })

  test('what stands behind the head of a line, or is done, costs a claim nothing', async () => {
    const store = await aStore()
    await store.put(lineOf(2))
    const [short, first] = await counted(() => claim(store))
    await store.settle(first.map(succeeded))
    await store.put(
      events(300, { destinations: ['other'], type: 'done' }).map((event) => ({
        ...event,
        id: `other ${event.id}`,
      })),
    )
    const done = await claim(store, { destinations: [{ name: 'other', limit: 300 }] })
    await store.settle(done.map(succeeded))
    await store.put(lineOf(500).slice(2))
    const [long, next] = await counted(() => claim(store))
    expect([next.length, long]).toEqual([1, short])
  })

  test('a claim that finds nothing writes nothing', async () => {
    const store = await aStore()
    await store.put(events(1, { destinations: ['other'] }))
    const before = await written()
    for (let turn = 0; turn < 5; turn += 1) expect(await claim(store)).toEqual([])
    expect(await written()).toBe(before)
  })
})

async function aStore(): Promise<RedisStore> {
  await client.flushall()
  const store = redis(client)
  onTestFinished(() => store.close())
  // The first call of a connection looks at the server's settings.
  await store.stat()
  await claim(store)
  return store
}

function succeeded({ deliverySeq, token }: Claimed): Settlement<never> {
  return { deliverySeq, token, outcome: { kind: 'succeeded' }, durationMs: 1 }
}

/** How many commands the server carries out meanwhile, those of scripts included. */
async function counted<T>(work: () => Promise<T>): Promise<readonly [number, T]> {
  await client.config('RESETSTAT')
  const result = await work()
  const calls = [...(await client.info('commandstats')).matchAll(/^cmdstat_([\w|]+):calls=(\d+)/gm)]
  const own = calls.filter(([, name]) => !['info', 'config|resetstat'].includes(name ?? ''))
  return [own.reduce((sum, [, , count]) => sum + Number(count), 0), result]
}

/** How far the append-only file has grown. */
async function written(): Promise<number> {
  return Number(/^aof_current_size:(\d+)/m.exec(await client.info('persistence'))?.[1])
}
