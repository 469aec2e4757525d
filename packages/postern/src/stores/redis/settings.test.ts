import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { leftOut } from '../../../../../test/support/servers/left-out.ts'
import { startRedis } from '../../../../../test/support/servers/redis.ts'
import { claim, put } from '../../testing/store-contract/fixtures.ts'
import { redis, type RedisOptions, type RedisStore } from './index.ts'

const without = leftOut().includes('redis')

/** Each setting that the first promise hangs on, with a value that breaks it. */
const UNSAFE: Readonly<Record<string, string>> = {
  appendonly: 'no',
  appendfsync: 'everysec',
  'no-appendfsync-on-rewrite': 'yes',
  'aof-load-truncated': 'yes',
  'maxmemory-policy': 'allkeys-lru',
}

test.skipIf(without)(
  'a server whose settings may lose events is refused by every verb, until they are set right',
  async () => {
    const { url } = await aServer(UNSAFE)
    const store = aStore(url)
    for (const call of everyVerb(store)) {
      const error = await call().catch((reason: unknown) => reason)
      expect(error).toMatchObject({ name: 'PosternError', code: 'unsafe_store' })
      for (const [name, value] of Object.entries(UNSAFE))
        expect(String(error)).toContain(`${name} is ${value}`)
    }
    const { settings, schemaVersion, engine, acceptsLoss } = await store.inspect()
    expect(Object.fromEntries(settings.map(({ name, value }) => [name, value]))).toEqual(UNSAFE)
    expect(settings.map(({ isSound }) => isSound)).not.toContain(true)
    expect([schemaVersion, acceptsLoss]).toEqual([undefined, false])
    expect(engine).toMatch(/^(Redis|Valkey) \d+\.\d+/)
    await configure(url, SOUND)
    expect((await put(store)).outcome).toBe('stored')
    expect(await store.inspect()).toMatchObject({
      schemaVersion: 2,
      settings: settings.map(() => ({ isSound: true })),
    })
  },
)

test.skipIf(without).each(Object.entries(UNSAFE))(
  '%s %s alone is refused, after a restart of the server as well',
  async (name, value) => {
    const server = await aServer({})
    const store = aStore(server.url)
    expect((await put(store)).outcome).toBe('stored')
    await configure(server.url, { [name]: value })
    const client = new Redis(server.url)
    // What the store sees of a server that was started again: its connections end.
    await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    client.disconnect()
    await expect.poll(() => codeOf(put(store))).toBe('unsafe_store')
  },
)

test.skipIf(without)('with the loss accepted such a server serves, and says so', async () => {
  const { url } = await aServer(UNSAFE)
  const store = aStore(url, { mayLoseAcknowledgedEvents: true })
  expect((await put(store)).outcome).toBe('stored')
  expect(await claim(store)).toHaveLength(1)
  const { acceptsLoss, settings } = await store.inspect()
  expect([acceptsLoss, settings.some(({ isSound }) => isSound)]).toEqual([true, false])
})

test.skipIf(without)(
  'a server that does not tell its settings is refused, with what that means',
  async () => {
    const { url: ownerUrl } = await aServer({})
    const owner = new Redis(ownerUrl)
    await owner.call('ACL', 'SETUSER', 'tenant', 'on', '>secret', '~*', '&*', '+@all', '-config')
    owner.disconnect()
    const url = ownerUrl.replace(/:\/\/.*@/, '://tenant:secret@')
    const store = aStore(url)
    await expect(put(store)).rejects.toMatchObject({
      code: 'unsafe_store',
      message: expect.stringContaining('CONFIG GET is forbidden'),
    })
    expect((await store.inspect()).settings.map(({ value }) => value)).toEqual(
      Object.keys(UNSAFE).map(() => 'unknown'),
    )
    const accepting = aStore(url, { mayLoseAcknowledgedEvents: true })
    expect((await put(accepting)).outcome).toBe('stored')
  },
)

test.skipIf(without)('what a later version has written is left alone', async () => {
  const { url } = await aServer({})
  const client = new Redis(url)
  await client.set('postern:layout', '3')
  const store = aStore(url)
  await expect(put(store)).rejects.toMatchObject({
    code: 'bad_config',
    message: expect.stringContaining('layout 2'),
  })
  expect(await client.keys('*')).toEqual(['postern:layout'])
  client.disconnect()
})

const SOUND: Readonly<Record<string, string>> = {
  appendonly: 'yes',
  appendfsync: 'always',
  'no-appendfsync-on-rewrite': 'no',
  'aof-load-truncated': 'no',
  'maxmemory-policy': 'noeviction',
}

function everyVerb(store: RedisStore): readonly (() => Promise<unknown>)[] {
  return [
    () => put(store),
    () => claim(store),
    () => store.settle([{ deliverySeq: 1, token: 1, outcome: { kind: 'succeeded' }, durationMs: 1 }]),
    () => store.extend([{ deliverySeq: 1, token: 1 }], 1000),
    () => store.move([{ deliverySeq: 1, to: 'cancel' }]),
    () => store.get(1),
    () => store.list({ of: 'events', limit: 1 }),
    () => store.replay([{ eventSeq: 1, destinations: ['handlers'] }]),
    () => store.prune({ eventsOlderThanMs: 0, limit: 1 }),
    () => store.stat(),
    () => store.rejected.list({ limit: 1 }),
    () => store.state.get('cursor'),
  ]
}

async function aServer(settings: Readonly<Record<string, string>>): Promise<{ readonly url: string }> {
  const server = await startRedis(settings)
  onTestFinished(() => server.stop())
  return server
}

function aStore(url: string, options: RedisOptions = {}): RedisStore {
  const store = redis(new Redis(url, { lazyConnect: true }), options)
  onTestFinished(() => store.close())
  return store
}

async function configure(url: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const client = new Redis(url)
  for (const [name, value] of Object.entries(settings)) await client.config('SET', name, value)
  client.disconnect()
}

async function codeOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'none',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )
}
