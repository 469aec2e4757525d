import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postern as run, startGateway, type Gateway } from './support/gateway.ts'
import { freePort } from './support/servers/free-port.ts'

const VENDORS = ['vastai', 'castai', 'coreweave', 'anima'] as const

let folder: string
let gateway: Gateway

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-gateway-'))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  gateway = await startGateway(folder, ['dev'])
})

afterAll(async () => {
  await gateway.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('the first start in an empty folder', () => {
  test('prints the four URLs, where the secrets are, and a line to copy', () => {
    for (const vendor of VENDORS) expect(gateway.output()).toContain(`${gateway.origin}/webhooks/${vendor}`)
    expect(gateway.output()).toContain('.postern/secrets.json')
    expect(gateway.output()).toContain(
      `npx postern trigger vastai resource.created --url ${gateway.origin}/webhooks/vastai`,
    )
  })

  test('keeps the development secrets readable by their owner alone, and prints none of them', () => {
    const path = join(folder, '.postern/secrets.json')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const secrets = Object.values(JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>)
    expect(secrets).toHaveLength(4)
    for (const secret of secrets) expect(gateway.output()).not.toContain(secret)
  })

  test('is healthy and ready', async () => {
    expect((await fetch(`${gateway.origin}/healthz`)).status).toBe(200)
    expect((await fetch(`${gateway.origin}/readyz`)).status).toBe(200)
  })
})

describe('trigger', () => {
  test.each([
    ...VENDORS.map((vendor) => [vendor, 'resource.created']),
    ['vastai', 'outbid'],
    ['anima', 'message.received'],
  ])('%s %s is verified, stored and handled', async (vendor = '', type = '') => {
    const result = await postern(['trigger', vendor, type, '--url', `${gateway.origin}/webhooks/${vendor}`])
    expect(result).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('200 OK  {"received":true}'),
    })
    await gateway.logs(new RegExp(`${vendor} ${type} verified by .* stored`))
    await gateway.logs(new RegExp(`${vendor} ${type} handled`))
  })

  test.each(VENDORS)('%s webhooks trigger, as the guides write it', async (vendor) => {
    const result = await postern([
      vendor,
      'webhooks',
      'trigger',
      'resource.created',
      '--url',
      `${gateway.origin}/webhooks/${vendor}`,
    ])
    expect(result).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('200 OK  {"received":true}'),
    })
  })

  test('the same id twice is a duplicate', async () => {
    const line = ['trigger', 'vastai', 'outbid', '--id', 'a1b2', '--url', `${gateway.origin}/webhooks/vastai`]
    await postern(line)
    expect((await postern(line)).stdout).toContain('200 OK  {"received":true,"duplicate":true}')
  })

  test('--count sends that many events', async () => {
    const result = await postern([
      'trigger',
      'castai',
      'resource.updated',
      '--count',
      '20',
      '--json',
      '--url',
      `${gateway.origin}/webhooks/castai`,
    ])
    expect(result.exitCode).toBe(0)
    expect(result.stdout.match(/"status":\s*200/g)).toHaveLength(20)
  })

  test('a wrong secret is answered 401, and the command fails', async () => {
    const result = await postern([
      'trigger',
      'vastai',
      'outbid',
      '--secret',
      'not_the_secret_0123456789',
      '--url',
      `${gateway.origin}/webhooks/vastai`,
    ])
    expect(result).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('401 Unauthorized  {"error":"Invalid signature"}'),
    })
  })

  test('nobody listening is said in one line, with what to do', async () => {
    const result = await postern([
      'trigger',
      'vastai',
      'outbid',
      '--url',
      `http://127.0.0.1:${await freePort()}/webhooks/vastai`,
    ])
    expect(result.exitCode).toBe(1)
    expect(result.stdout + result.stderr).toMatch(/npx postern dev/)
  })
})

describe("the guides' own curl", () => {
  test.each(VENDORS)('%s: 401, and the line that the log then prints passes', async (vendor) => {
    const before = gateway.output().length
    const response = await fetch(`${gateway.origin}/webhooks/${vendor}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"type": "test", "data": {}}',
    })
    expect(response.status).toBe(401)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.text()).toBe('{"error":"Invalid signature"}')

    const [line = ''] = await gateway.logs(new RegExp(`npx postern trigger ${vendor} .*--data @.*`), before)
    const output = execFileSync('bash', ['-c', line], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, PATH: `${resolve('node_modules/.bin')}:${process.env.PATH}` },
    })
    expect(output).toContain('200 OK  {"received":true}')
  })
})

describe('serve', () => {
  test('refuses to start without a secret, naming it', async () => {
    const result = await postern(['serve'], { VASTAI_WEBHOOK_SECRET: '' })
    expect(result.exitCode).toBe(1)
    expect(result.stderr + result.stdout).toMatch(/VASTAI_WEBHOOK_SECRET/)
  })

  test('serves the sources whose secret is set, and stops on SIGTERM with everything stored', async () => {
    const room = mkdtempSync(join(tmpdir(), 'postern-serve-'))
    const env = { VASTAI_WEBHOOK_SECRET: 'serve_secret_0123456789abcdef' }
    const server = await startGateway(room, ['serve'], env)
    const result = await postern(
      ['trigger', 'vastai', 'outbid', '--url', `${server.origin}/webhooks/vastai`],
      env,
    )
    expect(result.stdout).toContain('200 OK')
    const made = ['', '/postern.db', '/postern.db-wal', '/postern.db-shm']
    expect(made.map((name) => statSync(join(room, `.postern${name}`)).mode & 0o077)).toEqual([0, 0, 0, 0])
    expect(await server.stop()).toBe(0)
    rmSync(room, { recursive: true, force: true })
  })
})

/** In a folder of its own: what the README's reader has. */
function postern(args: readonly string[], env?: Readonly<Record<string, string>>): ReturnType<typeof run> {
  return run(folder, args, env)
}
