import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import {
  anEvent,
  bytes,
  claim,
  claimOne,
  detail,
  events,
  leasedOf,
  put,
  putStored,
  settle,
} from '../../testing/store-contract/fixtures.ts'
import { redis, type RedisEffect, type RedisStore } from './index.ts'
import { idName, nameOf } from './names.ts'

const SERVER = inject('redisUrl') ?? ''
const DAY_MS = 24 * 60 * 60 * 1000

test.skipIf(SERVER === '')(
  'an event is remembered under its source and id, for as long as its window',
  async () => {
    const { store, client, prefix } = aStore()
    await putStored(store, anEvent({ source: 'vastai', id: 'evt_123', dedupeWindowMs: 7 * DAY_MS }))
    const ttlMs = await client.pttl(`${prefix}vastai:event:evt_123`)
    expect(ttlMs).toBeGreaterThan(7 * DAY_MS - 60_000)
    expect(ttlMs).toBeLessThanOrEqual(7 * DAY_MS)
  },
)

test.skipIf(SERVER === '')('an id that somebody else remembered the same way is a duplicate', async () => {
  const { store, client, prefix } = aStore()
  await client.set(`${prefix}vastai:event:evt_123`, '1', 'EX', 604_800)
  await client.hset(`${prefix}vastai:event:evt_456`, 'seen', 'yes')
  for (const id of ['evt_123', 'evt_456']) {
    expect(await put(store, anEvent({ source: 'vastai', id }))).toEqual({
      outcome: 'duplicate',
      eventSeq: 0,
      deliveries: [],
    })
  }
  expect((await store.stat()).events).toBe(0)
})

test.each(['two words', 'a:b', 'emoji 🪝', "it's", 'x'.repeat(255)])('the id %j stands in its key', (id) => {
  expect(idName(id)).toBe(id)
})

test.each(['', '#1', 'line\nbreak', 'nul \0', 'half \ud83d', 'x'.repeat(256)])(
  'the id %j stands in its key as a digest',
  (id) => {
    expect(idName(id)).toMatch(/^#[\w-]{22}$/)
  },
)

test.skipIf(SERVER === '')('no two of source, tenant and id give the same key', async () => {
  const { store } = aStore()
  const others = [
    { source: 'shop', id: 'a:event:b' },
    { source: 'shop:event:a', id: 'b' },
    { source: 'shop', tenant: 'a', id: 'b' },
    { source: 'shop', id: 'tenant:a:event:b' },
    { source: 'shop:tenant:a', id: 'b' },
    { source: 'shop', tenant: 'a:event:b', id: 'c' },
    { source: 'shop', tenant: 'a', id: 'b:event:c' },
    { source: 'postern', id: 'block:0' },
    { source: nameOf('shop:event:a'), id: 'b' },
    { source: 'shop', id: idName('line\nbreak') },
    { source: 'shop', id: 'line\nbreak' },
  ]
  for (const [index, change] of others.entries()) {
    await putStored(store, anEvent({ ...change, body: bytes(`${index}`) }))
  }
})

describe.skipIf(SERVER === '')('blocks', () => {
  test('no hash grows with the history, and a block goes with its last event', async () => {
    const { store, client, prefix } = aStore()
    await store.put(events(2500))
    const copies = await store.put(events(2))
    expect(copies.map(({ outcome }) => outcome)).toEqual(['duplicate', 'duplicate'])
    const leases = await claim(store, { destinations: [{ name: 'handlers', limit: 2500 }] })
    const outcome = { kind: 'succeeded' } as const
    await store.settle(
      leases.map(({ deliverySeq, token }) => ({ deliverySeq, token, outcome, durationMs: 1 })),
    )
    const blocks = await client.keys(`${prefix}postern:block:*`)
    expect(blocks.length).toBeGreaterThanOrEqual(3)
    // Of each of its 1,024 numbers an event and a delivery, and of two how many copies came.
    for (const key of await client.keys(`${prefix}postern:*`)) {
      if ((await client.type(key)) === 'hash')
        expect(await client.hlen(key)).toBeLessThanOrEqual(2 * 1024 + 2)
    }
    expect((await store.stat()).events).toBe(2500)
    expect((await store.prune({ eventsOlderThanMs: -1, limit: 2500 })).events).toBe(2500)
    expect(await client.keys(`${prefix}postern:block:*`)).toEqual([])
    expect((await store.stat()).events).toBe(0)
  })

  test('a copy in the commit of the first is leased with its body, however large that is', async () => {
    const { store } = aStore()
    const event = anEvent({ body: new Uint8Array(20_000).fill(120) })
    const lease = { destination: 'handlers', leaseMs: 60_000 }
    const results = await store.put([event, { ...event, lease }])
    expect(leasedOf(results[1]).event.body).toEqual(Buffer.from(event.body))
  })
})

describe.skipIf(SERVER === '')('effects', () => {
  test('what was there before is there again when a later one fails, with the time it had left', async () => {
    const { store, client, prefix } = aStore()
    await client.set(`${prefix}text`, 'before', 'PX', 600_000)
    await client.rpush(`${prefix}list`, 'one')
    await putStored(store)
    const effects = [
      ['SET', `${prefix}text`, 'after'],
      ['RPUSH', `${prefix}list`, 'two'],
      ['SET', `${prefix}new`, 'new'],
      ['MSET', `${prefix}text`, 'again', `${prefix}other`, 'new'],
      ['LPUSH', `${prefix}text`, 'wrong type'],
    ]
    expect(await settle(store, await claimOne(store), { kind: 'succeeded' }, effects)).toBe('failed')
    expect(await client.get(`${prefix}text`)).toBe('before')
    expect(await client.pttl(`${prefix}text`)).toBeGreaterThan(500_000)
    expect(await client.lrange(`${prefix}list`, 0, -1)).toEqual(['one'])
    expect(await client.exists(`${prefix}new`, `${prefix}other`)).toBe(0)
  })

  test.each([['FLUSHDB'], ['PUBLISH', 'news', 'x'], ['SELECT', '0'], ['NONSENSE', 'x'], ['GET'], []])(
    'the command %j %s, which cannot be undone or run, fails its settlement',
    async (...command) => {
      const { store } = aStore()
      const eventSeq = await putStored(store)
      const lease = await claimOne(store)
      expect(await settle(store, lease, { kind: 'succeeded' }, [command])).toBe('failed')
      expect((await detail(store, eventSeq)).deliveries[0]?.state).toBe('leased')
      expect(await settle(store, lease)).toBe('settled')
    },
  )

  test('bytes and numbers arrive as they are', async () => {
    const { store, client, prefix } = aStore()
    await putStored(store)
    const odd = Uint8Array.of(0, 255, 10, 13, 128)
    const effects = [
      ['SET', `${prefix}bytes`, odd],
      ['INCRBYFLOAT', `${prefix}number`, 0.1],
      ['SET', `${prefix}large`, 9_007_199_254_740_991],
    ]
    expect(await settle(store, await claimOne(store), { kind: 'succeeded' }, effects)).toBe('settled')
    expect(new Uint8Array((await client.getBuffer(`${prefix}bytes`)) ?? [])).toEqual(odd)
    expect(await client.mget(`${prefix}number`, `${prefix}large`)).toEqual(['0.1', '9007199254740991'])
  })
})

// What an event holds where a text was expected is up to its sender.
test.skipIf(SERVER === '').each<readonly [what: string, effect: unknown, problem: string]>([
  ['an object', ['SET', 'k', { a: 1 }], 'part 2 of an effect is neither text nor number nor bytes: object'],
  [
    'half a character',
    ['SET', 'k', 'a\ud83d'],
    'part 2 of an effect has half a surrogate pair, which has no form in UTF-8: take it out, or give bytes',
  ],
  ['nothing', ['SET', 'k', undefined], 'part 2 of an effect is neither text nor number nor bytes: undefined'],
  ['a text', 'SET k v', 'an effect is no list of a command and its arguments'],
  ['no effect', null, 'an effect is no list of a command and its arguments'],
])(
  '%s as an effect fails its settlement, and nothing that shares its call',
  async (_what, effect, problem) => {
    const { store } = aStore()
    await putStored(store, anEvent({ id: 'one' }))
    const lease = await claimOne(store)
    const [settled, stored] = await Promise.all([
      store.settle([
        { ...lease, outcome: { kind: 'succeeded' }, durationMs: 1, effects: [effect as RedisEffect] },
      ]),
      put(store, anEvent({ id: 'neighbour' })),
    ])
    expect(settled).toEqual([{ result: 'failed', error: new TypeError(problem) }])
    expect(stored.outcome).toBe('stored')
  },
)

function aStore(): { readonly store: RedisStore; readonly client: Redis; readonly prefix: string } {
  const prefix = `keys:${randomUUID()}:`
  const client = new Redis(SERVER)
  const store = redis(client, { prefix })
  onTestFinished(async () => {
    await store.close()
    client.disconnect()
  })
  return { store, client, prefix }
}
