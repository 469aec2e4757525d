import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { postern as run, startGateway, type Gateway } from './support/gateway.ts'
import { createDatabase } from './support/servers/database.ts'
import { freePort } from './support/servers/free-port.ts'
import { leftOut, type TestedServer } from './support/servers/left-out.ts'
import { startProxy, throughPort } from './support/servers/proxy.ts'
import { startPostgres } from './support/servers/postgres.ts'
import { createRedisDatabase } from './support/servers/redis-database.ts'
import { startRedis } from './support/servers/redis.ts'

// Processes by the dozen: on a machine that does other things each takes seconds to start.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const SECRET = 'serve_secret_0123456789abcdef'
const CONFIG = `
import { vastai } from 'postern/providers'
export const config = {
  sources: { vastai: vastai({ secret: '${SECRET}' }) },
  handlers: (on) => [on('vastai', '*', () => {})],
}
`

interface Served {
  readonly server: TestedServer
  readonly variable: 'POSTERN_STORE' | 'REDIS_URL'
  readonly engine: RegExp
  readonly settings: readonly string[]
  /** An empty store on the run's own server. */
  readonly open: () => Promise<{ readonly url: string; drop(): Promise<void> }>
  /** One on a server that may lose what it has acknowledged, and the setting that is at fault. */
  readonly unsafe: { readonly setting: string; readonly open: () => Promise<string> }
}

const STORES: readonly Served[] = [
  {
    server: 'postgres',
    variable: 'POSTERN_STORE',
    engine: /^PostgreSQL \d+/,
    settings: ['fsync', 'full_page_writes', 'synchronous_commit'],
    open: () => createDatabase(inject('postgresUrl') ?? ''),
    unsafe: {
      setting: 'full_page_writes',
      open: async () => {
        const { url, stop } = await startPostgres({ full_page_writes: 'off' })
        onTestFinished(stop)
        return url
      },
    },
  },
  {
    server: 'redis',
    variable: 'REDIS_URL',
    engine: /^Redis \d+/,
    settings: ['appendonly', 'appendfsync', 'maxmemory-policy'],
    open: () => createRedisDatabase(inject('redisUrl') ?? ''),
    unsafe: {
      setting: 'appendfsync',
      open: async () => {
        const { url, stop } = await startRedis({ appendfsync: 'everysec' })
        onTestFinished(stop)
        return url
      },
    },
  },
]

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-stores-'))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'postern.config.mjs'), CONFIG)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function postern(args: readonly string[], env?: Readonly<Record<string, string>>): ReturnType<typeof run> {
  return run(folder, args, env)
}

describe.each(STORES)('$server', ({ server, variable, engine, settings, open, unsafe }) => {
  describe.skipIf(leftOut().includes(server))('is the store of two gateways', () => {
    let store: Awaited<ReturnType<Served['open']>>
    let gateways: readonly Gateway[]

    beforeAll(async () => {
      store = await open()
      const start = (): Promise<Gateway> => startGateway(folder, ['serve'], { [variable]: store.url })
      gateways = await Promise.all([start(), start()])
    })
    afterAll(async () => {
      await Promise.all(gateways.map((gateway) => gateway.stop()))
      await store.drop()
    })

    test('a copy that is sent to the other one is a duplicate, and the event is handled once', async () => {
      const [one, other] = gateways
      const line = (gateway: Gateway | undefined): readonly string[] => [
        'trigger',
        'vastai',
        'outbid',
        '--id',
        'a1b2',
        '--url',
        `${gateway?.origin}/webhooks/vastai`,
      ]
      expect((await postern(line(one))).stdout).toContain('200 OK  {"received":true} ')
      expect((await postern(line(other))).stdout).toContain('200 OK  {"received":true,"duplicate":true} ')
      await Promise.race(gateways.map((gateway) => gateway.logs(/"outcome":"succeeded"/)))
      const [detail, listed] = await Promise.all(
        ['/api/events/1', '/api/events'].map((path) => ask(other, path)),
      )
      expect(listed).toMatchObject({ events: [{ id: 'a1b2' }] })
      expect(detail).toMatchObject({ duplicates: 1, deliveries: [{ state: 'succeeded', attempt: 1 }] })
    })

    test('the log and the admin API say what it is, and nobody says its password', async () => {
      const [one] = gateways
      const { password, host } = new URL(store.url)
      await one?.logs(/"msg":"listening"/)
      expect(one?.output()).toMatch(
        new RegExp(`"store":"${variable === 'REDIS_URL' ? 'redis' : 'postgres'}://${host}`),
      )
      expect(await ask(one, '/api/store')).toMatchObject({
        engine: expect.stringMatching(engine),
        acceptsLoss: false,
      })
      expect(one?.output()).not.toContain(password)
    })

    test('doctor finds all of it sound, beside a gateway that runs', async () => {
      const env = { [variable]: store.url, PORT: new URL(gateways[0]?.origin ?? '').port }
      const { exitCode, stdout } = await postern(['doctor', '--json'], env)
      const { sound, findings } = JSON.parse(stdout) as Report
      expect(levels(findings, ({ level }) => level !== 'ok')).toEqual([])
      expect([sound, exitCode]).toEqual([true, 0])
      expect(textOf(findings, 'store')).toMatch(engine)
      for (const setting of settings) expect(textOf(findings, 'store.durability')).toContain(setting)
      expect(textOf(findings, 'store.schema')).toMatch(/^version \d+/)
      expect(textOf(findings, 'store.clock')).toBe('as this machine’s')
      expect(textOf(findings, 'PORT')).toMatch(/runs already/)
      expect(stdout).not.toContain(new URL(store.url).password)
    })
  })

  test.skipIf(leftOut().includes(server))(
    'out of reach is answered 503, and what comes afterwards is taken without a restart',
    async () => {
      const { url, drop } = await open()
      onTestFinished(drop)
      const proxy = await startProxy(Number(new URL(url).port))
      const gateway = await startGateway(folder, ['serve'], { [variable]: throughPort(url, proxy.port) })
      onTestFinished(() => proxy.close())
      onTestFinished(async () => void (await gateway.stop()))
      const send = async (id: string): Promise<string> =>
        (
          await postern([
            'trigger',
            'vastai',
            'outbid',
            '--id',
            id,
            '--url',
            `${gateway.origin}/webhooks/vastai`,
          ])
        ).stdout

      // 200 ms there and back.
      proxy.delay(100)
      expect(await send('far')).toMatch(/^200 OK/)
      proxy.silence()
      expect(await send('silent')).toMatch(/^503 Service Unavailable .* \d{4} ms/)
      proxy.heal()
      // It may have come through after its answer had been given.
      expect(await send('silent')).toMatch(/^200 OK/)
      proxy.cut()
      expect(await send('cut')).toMatch(/^503 Service Unavailable/)
      expect((await fetch(`${gateway.origin}/readyz`)).status).toBe(503)
      proxy.heal()
      await vi.waitFor(async () => expect((await fetch(`${gateway.origin}/readyz`)).status).toBe(200), {
        timeout: 10_000,
      })
      expect(await send('cut')).toMatch(/^200 OK/)
      const { events } = (await ask(gateway, '/api/events')) as { readonly events: readonly { id: string }[] }
      expect(events.map(({ id }) => id).toSorted()).toEqual(['cut', 'far', 'silent'])
      await gateway.logs(/"msg":"(a|the) connection to the store broke"/)

      proxy.silence()
      const stoppedMs = performance.now()
      expect(await gateway.stop()).toBe(0)
      expect(performance.now() - stoppedMs).toBeLessThan(10_000)
      expect(gateway.output()).not.toMatch(/nobody caught|Unhandled/)
    },
  )

  test.skipIf(leftOut().includes(server))(
    'that may lose what was acknowledged is refused, unless that is accepted',
    async () => {
      const env = { [variable]: await unsafe.open(), PORT: '0' }
      const accepted = { ...env, POSTERN_MAY_LOSE_ACKNOWLEDGED_EVENTS: 'yes' }
      const [refused, failed, warned] = await Promise.all([
        postern(['serve'], env),
        postern(['doctor', '--json'], env),
        postern(['doctor', '--json'], accepted),
      ])
      expect(refused.exitCode).toBe(1)
      expect(refused.stderr).toMatch(new RegExp(`^error: ${variable}: ${unsafe.setting} is `))
      expect(refused.stderr).toContain('POSTERN_MAY_LOSE_ACKNOWLEDGED_EVENTS=yes')
      expect([failed.exitCode, warned.exitCode]).toEqual([1, 0])
      const of = (report: string): unknown =>
        levels((JSON.parse(report) as Report).findings, ({ subject }) => subject.startsWith('store.'))
      expect(of(failed.stdout)).toContainEqual(['fail', `store.${unsafe.setting}`])
      expect(of(warned.stdout)).toContainEqual(['warn', `store.${unsafe.setting}`])

      const gateway = await startGateway(folder, ['serve'], accepted)
      onTestFinished(async () => void (await gateway.stop()))
      await gateway.logs(new RegExp(`"level":"warn".*may be lost.*${unsafe.setting}`))
      expect(await ask(gateway, '/api/store')).toMatchObject({ acceptsLoss: true })
    },
  )

  test.skipIf(leftOut().includes(server))(
    'whose clock is another is told by doctor, and one that nobody runs',
    async () => {
      const { url, drop } = await open()
      onTestFinished(drop)
      const gone = new URL(url)
      gone.port = String(await freePort())
      const behind = (ms: number): Record<string, string> => ({ NODE_OPTIONS: `--import=${clockBehind(ms)}` })
      const [minutes, seconds, unreachable] = await Promise.all([
        postern(['doctor', '--json'], { [variable]: url, PORT: '0', ...behind(120_000) }),
        postern(['doctor', '--json'], { [variable]: url, PORT: '0', ...behind(5000) }),
        postern(['doctor', '--json'], { [variable]: gone.href, PORT: '0' }),
      ])
      const findings = (report: string): readonly Finding[] => (JSON.parse(report) as Report).findings
      expect(findings(minutes.stdout)).toContainEqual({
        level: 'fail',
        subject: 'store.clock',
        message: expect.stringMatching(/1[12]\d\.\d s ahead/),
      })
      expect(findings(seconds.stdout)).toContainEqual({
        level: 'warn',
        subject: 'store.clock',
        message: expect.stringMatching(/[45]\.\d s ahead/),
      })
      expect(findings(unreachable.stdout)).toContainEqual({
        level: 'fail',
        subject: variable,
        message: expect.stringMatching(/cannot be used: .*ECONNREFUSED.*is the server running/),
      })
      expect([minutes, seconds, unreachable].map(({ exitCode }) => exitCode)).toEqual([1, 0, 1])
    },
  )
})

interface Finding {
  readonly level: string
  readonly subject: string
  readonly message: string
}

interface Report {
  readonly sound: boolean
  readonly findings: readonly Finding[]
}

function levels(findings: readonly Finding[], which: (finding: Finding) => boolean): readonly string[][] {
  return findings.filter(which).map(({ level, subject }) => [level, subject])
}

function textOf(findings: readonly Finding[], subject: string): string {
  return findings.find((finding) => finding.subject === subject)?.message ?? ''
}

async function ask(gateway: Gateway | undefined, path: string): Promise<unknown> {
  return (await fetch(`${gateway?.adminOrigin}${path}`)).json()
}

/** A module that sets a process's clock back. */
function clockBehind(ms: number): string {
  const code = `const now = Date.now; Date.now = () => now() - ${ms}`
  return `data:text/javascript,${encodeURIComponent(code)}`
}
