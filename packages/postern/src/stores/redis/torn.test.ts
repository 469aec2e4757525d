import { readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { leftOut } from '../../../../../test/support/servers/left-out.ts'
import { startRedis, type TestRedis } from '../../../../../test/support/servers/redis.ts'
import { anEvent, claimOne, deliveryOf, putStored, settle } from '../../testing/store-contract/fixtures.ts'
import { redis, type RedisStore } from './index.ts'

/** Bytes off the end of the file: inside of EXEC, of the last command before it, and further inside of the transaction. */
const CUTS = [3, 30, 120, 300]

describe.skipIf(leftOut().includes('redis'))('a file that a crash left torn', () => {
  test('is mended without half of anything, and keeps what is acknowledged after it', async () => {
    const server = await aServer({})
    for (const cut of CUTS) {
      const { eventSeq } = await tearSettlement(server, cut)
      expect(await statesAfterRestart(server, eventSeq)).toEqual({
        isSettled: false,
        effects: null,
        isLaterThere: true,
      })
    }
  })

  test('loses what is acknowledged after it where the server takes it as it is, as its default is', async () => {
    const server = await aServer({ 'aof-load-truncated': 'yes' })
    const { eventSeq } = await tearSettlement(server, 30)
    const { isLaterThere, effects } = await statesAfterRestart(server, eventSeq)
    expect(isLaterThere && effects === null).toBe(false)
  })
})

/** Settles with an effect, kills the server, and cuts the file as if it had died while it wrote that. */
async function tearSettlement(server: TestRedis, cut: number): Promise<{ readonly eventSeq: number }> {
  const eventSeq = await withStore(server, async (store) => {
    const stored = await putStored(store, anEvent({ id: `torn ${cut}`, destinations: [`cut ${cut}`] }))
    const lease = await claimOne(store, { destinations: [{ name: `cut ${cut}`, limit: 1 }] })
    await settle(store, lease, { kind: 'succeeded' }, [['INCR', `effects ${stored}`]])
    return stored
  })
  await server.kill()
  const folder = join(server.folder, 'data/appendonlydir')
  const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.incr.aof')) ?? '')
  truncateSync(file, statSync(file).size - cut)
  await server.start()
  return { eventSeq }
}

/** What is there once more has been acknowledged and the server was started again. */
async function statesAfterRestart(
  server: TestRedis,
  eventSeq: number,
): Promise<{ readonly isSettled: boolean; readonly effects: string | null; readonly isLaterThere: boolean }> {
  const later = await withStore(server, (store) =>
    putStored(store, anEvent({ id: `after ${eventSeq}`, destinations: [] })),
  )
  await server.kill()
  await server.start()
  return withStore(server, async (store) => {
    const client = new Redis(server.url)
    const effects = await client.get(`effects ${eventSeq}`)
    client.disconnect()
    const { state } = await deliveryOf(store, eventSeq)
    return { isSettled: state === 'succeeded', effects, isLaterThere: (await store.get(later)) !== undefined }
  })
}

async function withStore<T>(server: TestRedis, use: (store: RedisStore) => Promise<T>): Promise<T> {
  const client = new Redis(server.url, { lazyConnect: true })
  const store = redis(client, { mayLoseAcknowledgedEvents: true })
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

async function aServer(settings: Readonly<Record<string, string>>): Promise<TestRedis> {
  const server = await startRedis(settings)
  onTestFinished(() => server.stop())
  return server
}
