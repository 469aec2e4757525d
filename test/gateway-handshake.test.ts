/** A secret that a handshake brings to a gateway in development: kept beside its own secrets, and in use at once. */
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { signRequest } from 'postern'
import { asana } from 'postern/providers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { postern, startGateway, type Gateway } from './support/gateway.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const BROUGHT = 'b537207f20cbfa02357cf448134da559'
const CONFIG = `
import { asana, dropbox } from 'postern/providers'
export const config = {
  sources: { asana: asana({ handshake: true }), dropbox: dropbox({ handshake: true }) },
  handlers: () => [],
}
`

let folder: string
let gateway: Gateway

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-handshake-'))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'postern.config.mjs'), CONFIG)
  gateway = await startGateway(folder, ['dev'])
})
afterAll(async () => {
  await gateway.stop()
  rmSync(folder, { recursive: true })
})

const secretsFile = (): string => join(folder, '.postern/secrets.json')
const secrets = (): Record<string, string> =>
  JSON.parse(readFileSync(secretsFile(), 'utf8')) as Record<string, string>

async function post(headers: Readonly<Record<string, string>>, body = '{}'): Promise<Response> {
  return fetch(`${gateway.origin}/webhooks/asana`, { method: 'POST', headers, body })
}

function signedBy(secret: string, body: string): Promise<Response> {
  const { headers } = signRequest(asana({ secret }), { body, nowMs: Date.now() })
  return post({ ...headers }, body)
}

describe.sequential('a gateway in development', () => {
  test('makes no secret where a handshake will bring one, and says so', () => {
    expect(Object.keys(secrets())).toEqual(['dropbox'])
    expect(gateway.output()).toMatch(/webhooks\/asana +secret to come with its handshake/)
  })

  test('answers 503 until it has come', async () => {
    expect((await signedBy(BROUGHT, '{"events":[]}')).status).toBe(503)
  })

  test('keeps it where the others are, readable by its owner alone, and verifies by it', async () => {
    const answer = await post({ 'x-hook-secret': BROUGHT })
    expect([answer.status, answer.headers.get('x-hook-secret')]).toEqual([200, BROUGHT])
    expect(secrets()['asana']).toBe(BROUGHT)
    expect(statSync(secretsFile()).mode & 0o777).toBe(0o600)
    expect((await signedBy(BROUGHT, '{"events":[1]}')).status).toBe(200)
    expect(gateway.output()).not.toContain(BROUGHT)
  })

  test('takes no second one', async () => {
    expect((await post({ 'x-hook-secret': 'another-secret-0123456789' })).status).toBe(401)
    expect(secrets()['asana']).toBe(BROUGHT)
  })

  test('answers a challenge by GET', async () => {
    const answer = await fetch(`${gateway.origin}/webhooks/dropbox?challenge=abc`)
    expect([answer.status, await answer.text()]).toEqual([200, 'abc'])
    expect((await fetch(`${gateway.origin}/webhooks/dropbox`)).status).toBe(405)
  })

  test('started again has it still, and takes no other', async () => {
    await gateway.stop()
    gateway = await startGateway(folder, ['dev'])
    expect((await signedBy(BROUGHT, '{"events":[2]}')).status).toBe(200)
    expect((await post({ 'x-hook-secret': 'another-secret-0123456789' })).status).toBe(401)
  })

  test('has it used by trigger', async () => {
    const url = `${gateway.origin}/webhooks/asana`
    const result = await postern(folder, ['trigger', 'asana', 'events', '--url', url])
    expect(result).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('200 OK') as string })
  })
})

test('serve refuses a source whose secret nobody would keep', async () => {
  const result = await postern(folder, ['serve'], {
    ASANA_WEBHOOK_SECRET: 'a secret of sixteen bytes',
    DROPBOX_WEBHOOK_SECRET: 'a secret of sixteen bytes more',
  })
  expect(result.exitCode).not.toBe(0)
  expect(result.stderr + result.stdout).toContain('its handshake brings a secret, and nobody keeps it')
})
