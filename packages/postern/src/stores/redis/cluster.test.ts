import { Cluster, Redis } from 'ioredis'
import { createCluster } from 'redis'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { leftOut } from '../../../../../test/support/servers/left-out.ts'
import { startRedis, type TestRedis } from '../../../../../test/support/servers/redis.ts'
import { storeContract, type Clause, type StoreHarness } from '../../testing/index.ts'
import { anEvent, claim, putStored, settle } from '../../testing/store-contract/fixtures.ts'
import { redis, type RedisClient, type RedisEffect, type RedisStore } from './index.ts'

// Three servers, each with a third of the slots: on one, a script that reaches into another slot would not be found out.
const servers: TestRedis[] = []
let prefixes = 0
const without = leftOut().includes('redis')
beforeAll(async () => {
  if (without) return
  const settings = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '2000', databases: '1' }
  servers.push(...(await Promise.all([startRedis(settings), startRedis(settings), startRedis(settings)])))
  await joinCluster(servers)
})
afterAll(() => Promise.all(servers.map((server) => server.stop())))

const FLOODS = 'a thousand writes to one list, which the run on one server has shown'
const SKIPPED: Partial<Record<Clause, string>> = {
  'claim/keep': 'a server does not see a process end, and prolongs no lease by itself',
  'rejected/bounded': FLOODS,
  'rejected/apart': FLOODS,
}

describe.skipIf(without).concurrent('the Store contract over a cluster of Redis, by ioredis', () => {
  for (const { clause, name, run } of storeContract) {
    const reason = SKIPPED[clause]
    test.skipIf(reason)(`${clause}: ${name}${reason ? ` (${reason})` : ''}`, async () => {
      const harness = clusterHarness(ioredisCluster)
      await run(harness).finally(() => harness.dispose())
    })
  }
})

/** As the other client's, some of each kind: reading, writing, waiting, effects. */
const SAMPLE = new Set([
  'put/conflict',
  'claim/wait',
  'settle/effects',
  'order/sequence',
  'list/filter',
  'exact/bytes',
])

describe.skipIf(without).concurrent('the Store contract over a cluster of Redis, by redis', () => {
  for (const { clause, name, run } of storeContract.filter((each) => SAMPLE.has(each.clause))) {
    test(`${clause}: ${name}`, async () => {
      const harness = clusterHarness(nodeRedisCluster)
      await run(harness).finally(() => harness.dispose())
    })
  }
})

test.skipIf(without)('the keys of a source are in one slot, which its name alone decides', async () => {
  const harness = clusterHarness(ioredisCluster)
  const store = await harness.open()
  try {
    for (const source of ['shop', 'bank', 'vastai']) await putStored(store, anEvent({ source }))
    for (const lease of await claim(store)) await settle(store, lease)
    const password = passwordOf(servers[0])
    const clients = servers.map(({ port }) => new Redis({ port, password }))
    const keys = (await Promise.all(clients.map((client) => client.keys(`case${prefixes}:*`)))).flat()
    for (const client of clients) client.disconnect()
    const tags = new Set(keys.map((key) => /\{(.*?)\}/.exec(key)?.[1]))
    expect(tags).toEqual(new Set(['postern', 'shop', 'bank', 'vastai']))
    expect(keys).toContain(`case${prefixes}:{vastai}:event:evt_1`)
  } finally {
    await store.close()
    await harness.dispose()
  }
})

function clusterHarness(make: () => RedisClient): StoreHarness {
  const prefix = `case${(prefixes += 1)}:`
  const opened: RedisStore[] = []
  let plain: Cluster | undefined
  let offsetMs = 0
  const open = async (): Promise<RedisStore> => {
    const store = redis(make(), { cluster: true, prefix, offsetMs: () => offsetMs })
    opened.push(store)
    return store
  }
  return {
    open,
    reopen: open,
    advance: (ms) => void (offsetMs += ms),
    effect: (name): RedisEffect => ['RPUSH', `${prefix}{shop}:effects`, name],
    failingEffect: (): RedisEffect => ['INCRBY', `${prefix}{shop}:never`, 'no number'],
    effectsSeen: async () => (plain ??= ioredisCluster()).lrange(`${prefix}{shop}:effects`, 0, -1),
    dispose: async () => {
      await Promise.all(opened.map((store) => store.close()))
      plain?.disconnect()
    },
  }
}

function ioredisCluster(): Cluster {
  return new Cluster([{ host: '127.0.0.1', port: servers[0]?.port ?? 0 }], {
    lazyConnect: true,
    // A loaded machine takes longer than the default of a second.
    slotsRefreshTimeout: 5000,
    redisOptions: { password: passwordOf(servers[0]) },
  })
}

function nodeRedisCluster(): RedisClient {
  return createCluster({
    rootNodes: [{ url: `redis://127.0.0.1:${servers[0]?.port}` }],
    defaults: { password: passwordOf(servers[0]) },
  })
}

function passwordOf(server: TestRedis | undefined): string {
  return new URL(server?.url ?? '').password
}

/** Gives each server a third of the slots and lets them meet, until all agree that every slot is served. */
async function joinCluster(nodes: readonly TestRedis[]): Promise<void> {
  const clients = nodes.map(({ url }) => new Redis(url))
  const passwords = new Set(nodes.map(passwordOf))
  // Clients of a cluster have one password for all nodes.
  const [password = ''] = passwords
  await Promise.all(
    clients.map((client) => client.config('SET', 'requirepass', password, 'masterauth', password)),
  )
  await Promise.all(
    clients.map((client, index) => {
      const from = Math.floor((16_384 / clients.length) * index)
      const to = Math.floor((16_384 / clients.length) * (index + 1)) - 1
      return client.cluster('ADDSLOTSRANGE', from, to)
    }),
  )
  await Promise.all(
    clients.slice(1).map((client) => client.cluster('MEET', '127.0.0.1', nodes[0]?.port ?? 0)),
  )
  await vi.waitFor(
    async () => {
      const complete = await Promise.all(clients.map((client) => isComplete(client, clients.length)))
      expect(complete).not.toContain(false)
    },
    { timeout: 20_000 },
  )
  for (const client of clients) client.disconnect()
}

async function isComplete(client: Redis, size: number): Promise<boolean> {
  const info = await client.cluster('INFO')
  return info.includes('cluster_state:ok') && info.includes(`cluster_size:${size}`)
}
