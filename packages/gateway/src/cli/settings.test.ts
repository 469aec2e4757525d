import { describe, expect, test } from 'vitest'
import { readSettings, type GatewayFlags, type SettingsInput } from './settings.ts'

function read(
  mode: SettingsInput['mode'],
  env: Readonly<Record<string, string>> = {},
  flags: GatewayFlags = {},
): ReturnType<typeof readSettings> {
  return readSettings({ mode, env, flags, cwd: '/srv/app' })
}

function problemPaths(...input: Parameters<typeof read>): readonly string[] {
  const settings = read(...input)
  return settings.ok ? [] : settings.problems.map(({ path }) => path)
}

function sqliteAt(path: string, setting: string): object {
  return { kind: 'sqlite', address: path, shownAs: path, setting }
}

test('development listens on this machine only, with an admin listener', () => {
  expect(read('development')).toEqual({
    ok: true,
    value: {
      listen: { host: '127.0.0.1', port: 3000 },
      store: sqliteAt('/srv/app/.postern/postern.db', 'POSTERN_STORE'),
      mayLoseAcknowledgedEvents: false,
      admin: { address: { host: '127.0.0.1', port: 3001 }, token: undefined, isDefault: true },
      role: 'all',
    },
  })
})

test('production listens everywhere, without an admin listener', () => {
  expect(read('production')).toMatchObject({ value: { listen: { port: 3000 }, admin: undefined } })
})

test('a flag wins over its variable', () => {
  const env = { PORT: '1', POSTERN_STORE: 'sqlite:env.db' }
  expect(read('production', env, { port: '2', host: '::1', store: 'sqlite:flag.db' })).toMatchObject({
    value: { listen: { host: '::1', port: 2 }, store: sqliteAt('/srv/app/flag.db', '--store') },
  })
})

test('a blank variable is not there', () => {
  expect(read('production', { PORT: '', POSTERN_STORE: ' ', POSTERN_ADMIN: '' })).toEqual(read('production'))
})

test('everything wrong is told at once', () => {
  const env = { PORT: 'x', POSTERN_STORE: 'nats://h', POSTERN_ADMIN: 'y' }
  expect(problemPaths('production', env)).toEqual(['PORT', 'POSTERN_STORE', 'POSTERN_ADMIN'])
})

describe('REDIS_URL', () => {
  const env = { REDIS_URL: 'redis://:hunter2@cache/1' }

  test('is the store of serve where POSTERN_STORE is not set', () => {
    const store = { kind: 'redis', address: env.REDIS_URL, shownAs: 'redis://cache/1', setting: 'REDIS_URL' }
    expect(read('production', env)).toMatchObject({ value: { store } })
    expect(read('production', { ...env, POSTERN_STORE: ' ' })).toMatchObject({ value: { store } })
  })

  test('is not looked at otherwise', () => {
    expect(read('production', { ...env, POSTERN_STORE: 'sqlite:a.db' })).toMatchObject({
      value: { store: { kind: 'sqlite' } },
    })
    expect(read('production', env, { store: 'sqlite:a.db' })).toMatchObject({
      value: { store: { kind: 'sqlite' } },
    })
    expect(read('development', env)).toMatchObject({ value: { store: { kind: 'sqlite' } } })
    expect(read('production', { REDIS_URL: '' })).toMatchObject({ value: { store: { kind: 'sqlite' } } })
  })

  test('of another kind is refused by its name', () => {
    expect(problemPaths('production', { REDIS_URL: 'postgres://db/inbox' })).toEqual(['REDIS_URL'])
    expect(problemPaths('production', { REDIS_URL: 'cache:6379' })).toEqual(['REDIS_URL'])
    expect(read('production', { REDIS_URL: 'https://cache' })).toMatchObject({
      problems: [{ message: expect.stringMatching(/^not a redis:\/\/ or rediss:\/\/ URL/) as string }],
    })
  })
})

test.each([
  ['yes', true],
  ['no', false],
  ['', false],
])('loss is accepted by %j: %s', (word, mayLoseAcknowledgedEvents) => {
  expect(read('production', { POSTERN_MAY_LOSE_ACKNOWLEDGED_EVENTS: word })).toMatchObject({
    value: { mayLoseAcknowledgedEvents },
  })
})

test.each(['true', '1', 'YES', 'y'])('loss is not accepted by %j', (word) => {
  const name = 'POSTERN_MAY_LOSE_ACKNOWLEDGED_EVENTS'
  expect(problemPaths('production', { [name]: word })).toEqual([name])
})

test('a wrong flag is named as the flag', () => {
  expect(problemPaths('development', {}, { port: 'x', store: 'y' })).toEqual(['--port', '--store'])
})

describe('an admin listener open to others needs a token of 16 characters', () => {
  test.each([
    ['0.0.0.0:1', undefined],
    ['[::]:1', undefined],
    ['192.168.0.1:1', undefined],
    ['gateway.example:1', undefined],
    ['0.0.0.0:1', 'x'.repeat(15)],
    ['127.0.0.1:1', 'x'.repeat(15)],
    ['0.0.0.0:1', '   '],
  ])('%s with %s is refused', (POSTERN_ADMIN, token) => {
    const env = { POSTERN_ADMIN, ...(token !== undefined && { POSTERN_ADMIN_TOKEN: token }) }
    expect(problemPaths('production', env)).toEqual(['POSTERN_ADMIN_TOKEN'])
    expect(problemPaths('development', env)).toEqual(['POSTERN_ADMIN_TOKEN'])
  })

  test.each([
    ['0.0.0.0:1', 'x'.repeat(16)],
    ['127.0.0.1:1', undefined],
    ['[::1]:1', undefined],
    ['localhost:1', undefined],
  ])('%s with %s may start', (POSTERN_ADMIN, token) => {
    const env = { POSTERN_ADMIN, ...(token !== undefined && { POSTERN_ADMIN_TOKEN: token }) }
    expect(problemPaths('production', env)).toEqual([])
  })
})

describe('the role', () => {
  test('is all, or what the flag or the variable says', () => {
    expect(read('production')).toMatchObject({ value: { role: 'all' } })
    expect(read('production', { POSTERN_ROLE: 'ingest' })).toMatchObject({ value: { role: 'ingest' } })
    expect(read('production', { POSTERN_ROLE: 'ingest' }, { role: 'worker' })).toMatchObject({
      value: { role: 'worker' },
    })
  })

  test('is one of three, and in development all', () => {
    expect(problemPaths('production', { POSTERN_ROLE: 'queue' })).toEqual(['POSTERN_ROLE'])
    expect(problemPaths('production', {}, { role: 'Worker' })).toEqual(['--role'])
    expect(problemPaths('development', { POSTERN_ROLE: 'worker' })).toEqual(['POSTERN_ROLE'])
    expect(problemPaths('development', { POSTERN_ROLE: 'all' })).toEqual([])
  })
})

describe('the network', () => {
  test('is read whole', () => {
    const env = {
      POSTERN_TLS_CERT: 'tls.crt',
      POSTERN_TLS_KEY: '/etc/tls.key',
      POSTERN_PUBLIC_URL: 'https://hooks.example.com/in/',
      POSTERN_TRUSTED_PROXIES: '10.0.0.0/8',
      POSTERN_RETENTION: '12h',
    }
    const settings = read('production', env)
    expect(settings).toMatchObject({
      value: {
        tls: { certPath: '/srv/app/tls.crt', keyPath: '/etc/tls.key', certSetting: 'POSTERN_TLS_CERT' },
        publicUrl: 'https://hooks.example.com/in',
        retentionMs: 43_200_000,
      },
    })
    expect(settings.ok && settings.value.trustedProxies?.check('10.1.2.3')).toBe(true)
    expect(read('production', env, { tlsCert: 'other.crt' })).toMatchObject({
      value: { tls: { certPath: '/srv/app/other.crt', certSetting: '--tls-cert' } },
    })
  })

  test.each([
    ['a certificate without its key', { POSTERN_TLS_CERT: 'a' }, 'POSTERN_TLS_KEY'],
    ['a key without its certificate', { POSTERN_TLS_KEY: 'a' }, 'POSTERN_TLS_CERT'],
    ['a public URL without a scheme', { POSTERN_PUBLIC_URL: 'hooks.example.com' }, 'POSTERN_PUBLIC_URL'],
    ['a proxy that is everybody', { POSTERN_TRUSTED_PROXIES: '0.0.0.0/0' }, 'POSTERN_TRUSTED_PROXIES'],
    ['a retention without its unit', { POSTERN_RETENTION: '30' }, 'POSTERN_RETENTION'],
  ])('%s is refused', (_what, env: Readonly<Record<string, string>>, path) => {
    expect(problemPaths('production', env)).toEqual([path])
  })

  test('a password in the public URL is not repeated', () => {
    const env = { POSTERN_PUBLIC_URL: 'https://user:hunter2@hooks.example.com' }
    expect(JSON.stringify(read('production', env))).not.toContain('hunter2')
  })
})
