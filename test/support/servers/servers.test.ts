import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readdirSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { createDatabase } from './database.ts'
import { leftOut } from './left-out.ts'
import { Needs } from './needed.ts'
import { startPgBouncer } from './pgbouncer.ts'
import { startPostgres, type TestPostgres } from './postgres.ts'
import { startProxy, throughPort, type TestProxy } from './proxy.ts'
import { createRedisDatabase } from './redis-database.ts'
import { startRedis, type TestRedis } from './redis.ts'
import { timedTest } from '../timed-test.ts'
import { eventually } from '../eventually.ts'

const without = leftOut()

describe.skipIf(without.includes('postgres'))('PostgreSQL', () => {
  let postgres: TestPostgres
  beforeAll(async () => void (postgres = await startPostgres()))
  afterAll(() => postgres.stop())

  test('has the settings that a 2xx needs', async () => {
    const rows = await query(
      postgres.url,
      "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') ORDER BY name",
    )
    expect(rows.map(Object.values)).toEqual([
      ['fsync', 'on'],
      ['full_page_writes', 'on'],
      ['synchronous_commit', 'on'],
    ])
  })

  test('keeps what was committed when it is killed, and is back on the same port', async () => {
    await query(postgres.url, 'CREATE TABLE kept AS SELECT 1 AS n')
    await postgres.kill()
    await expect(query(postgres.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED')
    await postgres.start()
    expect(await query(postgres.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }])
    await postgres.restart()
    expect(await query(postgres.url, 'SELECT n FROM kept')).toEqual([{ n: 1 }])
    expect(postgres.log()).toContain('automatic recovery in progress')
  })

  test('gives each who asks a database of their own', async () => {
    const [one, two] = await Promise.all([postgres.database(), postgres.database()])
    await query(one.url, 'CREATE TABLE mine ()')
    await expect(query(two.url, 'SELECT * FROM mine')).rejects.toThrow('does not exist')
    await one.drop()
    await expect(query(one.url, 'SELECT 1')).rejects.toThrow('does not exist')
  })

  test('can be reached through PgBouncer', async () => {
    const pgbouncer = await startPgBouncer(postgres)
    const database = await postgres.database()
    try {
      expect(
        await query(
          throughPort(database.url, pgbouncer.port),
          'SELECT current_database() = current_catalog AS ok',
        ),
      ).toEqual([{ ok: true }])
    } finally {
      await pgbouncer.stop()
    }
  })

  test('is shared by the whole run', async () => {
    const database = await createDatabase(inject('postgresUrl') ?? '')
    expect(await query(database.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }])
    await database.drop()
  })
})

describe.skipIf(without.includes('redis'))('Redis', () => {
  let redis: TestRedis
  beforeAll(async () => void (redis = await startRedis()))
  afterAll(() => redis.stop())

  test('has the settings that a 2xx needs', async () => {
    const wanted = {
      appendonly: 'yes',
      appendfsync: 'always',
      'no-appendfsync-on-rewrite': 'no',
      'aof-load-truncated': 'no',
      'maxmemory-policy': 'noeviction',
    }
    const flat = await withRedis(redis.url, (client) => client.config('GET', ...Object.keys(wanted)))
    expect(flat).toHaveLength(10)
    const pairs = Array.from({ length: 5 }, (_, index) => (flat as string[]).slice(2 * index, 2 * index + 2))
    expect(Object.fromEntries(pairs)).toEqual(wanted)
  })

  test('keeps what was acknowledged when it is killed, also where its file ends in the middle of a command', async () => {
    await withRedis(redis.url, (client) => client.set('kept', '1'))
    await redis.kill()
    await expect(withRedis(redis.url, (client) => client.get('kept'))).rejects.toThrow()
    const folder = join(redis.folder, 'data/appendonlydir')
    const file = readdirSync(folder).find((name) => name.endsWith('.incr.aof')) ?? ''
    appendFileSync(join(folder, file), '*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\nto')
    await redis.start()
    expect(await withRedis(redis.url, (client) => client.get('kept'))).toBe('1')
    await redis.restart()
    expect(await withRedis(redis.url, (client) => client.get('kept'))).toBe('1')
    expect(redis.log()).toContain('Unexpected end of file')
  })

  test('of the run is shared, by databases', async () => {
    const shared = inject('redisUrl') ?? ''
    const [one, two] = await Promise.all([createRedisDatabase(shared), createRedisDatabase(shared)])
    await withRedis(one.url, (client) => client.set('mine', '1'))
    expect(await withRedis(two.url, (client) => client.dbsize())).toBe(0)
    await one.drop()
    expect(await withRedis(one.url, (client) => client.dbsize())).toBe(0)
  })
})

describe('no server outlives its tests', () => {
  test.skipIf(without.length > 0).each(['SIGKILL', 'SIGTERM'] as const)('that end by %s', async (signal) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'start-both.mjs')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const started = JSON.parse(line.toString()) as { readonly folder: string; readonly port: number }[]
    expect(started.map(({ folder }) => existsSync(folder))).toEqual([true, true])
    child.kill(signal)
    await vi.waitFor(
      async () => {
        expect(started.filter(({ folder }) => existsSync(folder))).toEqual([])
        expect(await Promise.all(started.map(({ port }) => isListening(port)))).toEqual([false, false])
      },
      { timeout: 20_000, interval: 20 },
    )
  })
})

describe('a proxy', () => {
  let proxy: TestProxy
  let server: Server
  let received: string

  beforeEach(async () => {
    received = ''
    server = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (chunk) => {
        received += chunk.toString()
        socket.write(chunk)
      })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    proxy = await startProxy((server.address() as AddressInfo).port)
  })
  afterEach(async () => {
    for (const socket of opened.splice(0)) socket.destroy()
    await proxy.close()
    await new Promise((resolve) => server.close(resolve))
  })

  test('carries both ways, and the end', async () => {
    const client = await open(proxy.port)
    client.write('hello')
    expect(await text(client, 5)).toBe('hello')
    client.end()
    await once(client, 'close')
    expect(proxy.connections()).toBe(0)
  })

  timedTest('delays each direction, without making what follows wait longer', async () => {
    const client = await open(proxy.port)
    client.setNoDelay(true)
    const beside = await startProxy((server.address() as AddressInfo).port)
    const witness = await open(beside.port)
    proxy.delay(50)
    const startedMs = performance.now()
    const letters = 'abcdefghijklmnopqrst'
    for (const letter of letters) {
      client.write(letter)
      // There and back by another way: the proxy has the letter by then, alone.
      witness.write('|')
      await text(witness, 1)
    }
    expect(await text(client, letters.length)).toBe(letters)
    const tookMs = performance.now() - startedMs
    expect(tookMs).toBeGreaterThan(99)
    // One after the other they would take 21 × 50 ms.
    expect(tookMs).toBeLessThan(900)
    witness.destroy()
    await beside.close()
  })

  test('resets and refuses while it is cut', async () => {
    const client = await open(proxy.port)
    proxy.cut()
    await expect(once(client, 'data')).rejects.toThrow('ECONNRESET')
    const refused = connect(proxy.port, '127.0.0.1')
    await expect(once(refused, 'end')).rejects.toThrow('ECONNRESET')
    proxy.heal()
    const again = await open(proxy.port)
    again.write('x')
    expect(await text(again, 1)).toBe('x')
  })

  test('cuts after so many bytes, once', async () => {
    const client = await open(proxy.port)
    proxy.cutAfter(3, 'toServer')
    client.write('hello')
    await expect(once(client, 'end')).rejects.toThrow('ECONNRESET')
    await eventually(() => expect(received).toBe('hel'))
    const again = await open(proxy.port)
    again.write('hello')
    expect(await text(again, 5)).toBe('hello')
  })

  test('forgets what is open, and carries what is new', async () => {
    const client = await open(proxy.port)
    client.write('before')
    await text(client, 6)
    proxy.forget()
    client.write('after')
    const again = await open(proxy.port)
    again.write('|')
    expect(await text(again, 1)).toBe('|')
    proxy.heal()
    again.write('|')
    expect(await text(again, 1)).toBe('|')
    expect(received).toBe('before||')
  })

  test('holds everything back while it is silent, ends as well, and delivers it when it heals', async () => {
    const client = await open(proxy.port)
    client.write('before')
    await text(client, 6)
    proxy.silence()
    client.write('after')
    client.destroy()
    const other = await open(proxy.port)
    other.write('other')
    // Through another proxy to the same server and back: whatever was on its way is there by then.
    const beside = await startProxy((server.address() as AddressInfo).port)
    const witness = await open(beside.port)
    witness.write('|')
    await text(witness, 1)
    expect(received).toBe('before|')
    expect(await new Promise((resolve) => server.getConnections((_, count) => resolve(count)))).toBe(3)
    proxy.heal()
    expect(await text(other, 5)).toBe('other')
    await eventually(() => expect(received).toContain('after'))
    await beside.close()
  })
})

describe('which servers a run needs', () => {
  const file = (name: string): string => join(import.meta.dirname, name)

  test('is read from its test files and what they import', () => {
    const needs = new Needs([file('servers.test.ts')])
    expect((['postgres', 'redis', 'pgbouncer'] as const).map((server) => needs.programs(server))).toEqual([
      true,
      true,
      true,
    ])
    expect([needs.shared('postgres'), needs.shared('redis')]).toEqual([true, true])
  })

  test('is none for those that name none', () => {
    const needs = new Needs([file('../../http/handled.test.ts')])
    expect((['postgres', 'redis', 'pgbouncer'] as const).some((server) => needs.programs(server))).toBe(false)
    expect([needs.shared('postgres'), needs.shared('redis')]).toEqual([false, false])
  })

  test('leaving one out is said by name, and a wrong name is refused', () => {
    expect(leftOut({ POSTERN_TEST_WITHOUT: 'redis, postgres' })).toEqual(['redis', 'postgres'])
    expect(leftOut({})).toEqual([])
    expect(() => leftOut({ POSTERN_TEST_WITHOUT: 'mysql' })).toThrow("there is no 'mysql'")
  })
})

const opened: Socket[] = []

/** A connection that ends with the test. */
async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  opened.push(socket)
  await once(socket, 'connect')
  return socket
}

/** The next so many characters that come. */
async function text(socket: Socket, length: number): Promise<string> {
  let got = ''
  while (got.length < length) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    got += chunk.toString()
  }
  return got
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function withRedis<T>(url: string, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { maxRetriesPerRequest: 0 })
  client.on('error', () => {})
  try {
    return await use(client)
  } finally {
    client.disconnect()
  }
}

async function query(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}
