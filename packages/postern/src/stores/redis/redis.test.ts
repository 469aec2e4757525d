import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { storeContract, type Clause, type StoreHarness } from '../../testing/index.ts'
import { redis, type RedisEffect, type RedisStore } from './index.ts'

const SKIPPED: Partial<Record<Clause, string>> = {
  'claim/keep': 'a server does not see a process end, and prolongs no lease by itself',
}
const PORT = 7391
let stop: () => void = () => {}
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-redis-'))
  const args = [
    '--port',
    String(PORT),
    '--dir',
    folder,
    '--appendonly',
    'yes',
    '--appendfsync',
    'always',
    '--aof-load-truncated',
    'no',
    '--save',
    '',
  ]
  const server = spawn('redis-server', args, { stdio: 'ignore' })
  stop = () => {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  const client = new Redis(PORT)
  client.on('error', () => {})
  await client.ping()
  client.disconnect()
})
afterAll(() => stop())

let count = 0
describe('the Store contract over Redis', () => {
  for (const { clause, name, run } of storeContract) {
    const reason = SKIPPED[clause]
    test.skipIf(reason)(`${clause}: ${name}${reason ? ` (${reason})` : ''}`, async () => {
      const harness = redisHarness()
      await run(harness).finally(() => harness.dispose())
    })
  }
})

function redisHarness(): StoreHarness {
  const prefix = `case${(count += 1)}:`
  const client = new Redis(PORT, { lazyConnect: true })
  const plain = new Redis(PORT)
  const opened: RedisStore[] = []
  let offsetMs = 0
  const open = async (): Promise<RedisStore> => {
    const store = redis(client, { prefix, offsetMs: () => offsetMs })
    opened.push(store)
    return store
  }
  return {
    open,
    reopen: open,
    advance: (ms) => void (offsetMs += ms),
    effect: (name): RedisEffect => ['RPUSH', `${prefix}effects`, name],
    failingEffect: (): RedisEffect => ['INCRBY', `${prefix}never`, 'a word'],
    effectsSeen: () => plain.lrange(`${prefix}effects`, 0, -1),
    dispose: async () => {
      await Promise.all(opened.map((store) => store.close()))
      client.disconnect()
      plain.disconnect()
    },
  }
}
