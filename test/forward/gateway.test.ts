import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Webhook as OfficialWebhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { SECRET, until } from '../support/forwarding.ts'
import { postern, startGateway, type Gateway } from '../support/gateway.ts'

/** The gateway as its own process, and the operator's commands against it. */
const env = {
  VASTAI_WEBHOOK_SECRET: 'a-secret-of-16-bytes-or-more',
  BILLING_DESTINATION_SECRET: SECRET,
  POSTERN_ADMIN_TOKEN: 'a-token-of-16-bytes-or-more',
}

/** Each command is a process. */
vi.setConfig({ testTimeout: 60_000 })

let folder: string
let target: Server
let status = 204
let received: { readonly body: string; readonly headers: Record<string, string> }[] = []
let gateway: Gateway

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-forward-'))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  target = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      received.push({ body, headers: request.headers as Record<string, string> })
      response.writeHead(status).end('from the target\u001b[31m')
    })
  })
  await new Promise<void>((done) => target.listen(0, '127.0.0.1', done))
  config("allowNetworks: ['127.0.0.0/8'], retry: { attempts: 1 }")
  gateway = await startGateway(folder, ['serve'], env)
})

afterAll(async () => {
  await gateway.stop()
  target.closeAllConnections()
  await new Promise((done) => target.close(done))
  rmSync(folder, { recursive: true, force: true })
})

function config(options: string): void {
  const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/in/secret-path`
  writeFileSync(
    join(folder, 'postern.config.ts'),
    `import { defineConfig } from '@postern/gateway'
     import { vastai } from 'postern/providers'
     export const config = defineConfig({
       sources: { vastai: vastai() },
       destinations: { billing: { url: '${url}', ${options} } },
     })`,
  )
}

function run(...args: string[]): ReturnType<typeof postern> {
  return postern(folder, args, { ...env, POSTERN_ADMIN: new URL(gateway.adminOrigin).host })
}

function trigger(id: string): ReturnType<typeof postern> {
  return run('trigger', 'vastai', 'outbid', '--id', id, '--url', `${gateway.origin}/webhooks/vastai`)
}

test('an event goes on to its destination, signed with the key of the environment', async () => {
  expect(await trigger('one')).toMatchObject({ exitCode: 0 })
  await until(() => received.length === 1)
  const [{ body, headers } = { body: '', headers: {} }] = received
  expect(new OfficialWebhook(SECRET).verify(body, headers)).toBeDefined()
  expect(headers['postern-source']).toBe('vastai')
})

test('a destination is paused, keeps its events, and is resumed', async () => {
  expect(await run('pause', 'billing')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('billing is paused'),
  })
  await trigger('two')
  const listed = await run('destinations')
  expect(listed.stdout).toMatch(/^NAME +STATE +PENDING/)
  expect(listed.stdout).toMatch(/^billing +paused +1 +0 +0 +\d+ s +http:\/\/127\.0\.0\.1:\d+$/m)
  expect(listed.stdout).not.toContain('secret-path')
  expect(await run('resume', 'billing')).toMatchObject({ exitCode: 0, stdout: 'billing is resumed\n' })
  await until(() => received.length === 2)
})

test('what is dead is listed and redriven', async () => {
  status = 500
  await trigger('three')
  const headers = { authorization: `Bearer ${env.POSTERN_ADMIN_TOKEN}` }
  const deadOnes = `${gateway.adminOrigin}/api/deliveries?state=dead`
  await until(async () => (await (await fetch(deadOnes, { headers })).text()).includes('"state":"dead"'))
  status = 204
  const { stdout } = await run('dead', 'billing')
  expect(stdout).toMatch(
    /^DELIVERY +EVENT +DESTINATION +TRIES +ERROR\n3 +3 +billing +1 +Error: HTTP 500: from the target/,
  )
  expect(stdout).not.toContain('\u001b')
  expect(await run('redrive', 'billing')).toMatchObject({
    exitCode: 0,
    stdout: '1 of billing is pending again\n',
  })
  await until(() => received.length === 4)
  expect(received[3]?.headers['webhook-id']).toBe(received[2]?.headers['webhook-id'])
  expect(await run('redrive', '3')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('and only what is dead can be redriven'),
  })
})

test('what has succeeded is delivered again, as another message of the same event', async () => {
  const [first] = received
  expect(await run('replay', '1', '--destination', 'billing')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^event 1 is due again at billing: delivery \d+\n$/),
  })
  await until(() => received.length === 5)
  const again = received[4]
  expect(again?.body).toBe(first?.body)
  expect(again?.headers['postern-event-id']).toBe(first?.headers['postern-event-id'])
  expect(again?.headers['webhook-id']).not.toBe(first?.headers['webhook-id'])
})

describe('commands that cannot be done say why', () => {
  test('of a destination that is not there', async () => {
    expect(await run('pause', 'nobody')).toMatchObject({
      exitCode: 1,
      stderr: "error: there is no destination 'nobody'; there are: billing\n",
    })
    expect(await run('pause', '../x')).toMatchObject({ exitCode: 2 })
  })

  test('without the token, and without a gateway', async () => {
    const at = { POSTERN_ADMIN: new URL(gateway.adminOrigin).host }
    expect(await postern(folder, ['destinations'], at)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('POSTERN_ADMIN_TOKEN'),
    })
    expect(await postern(folder, ['destinations'], { POSTERN_ADMIN: '127.0.0.1:1' })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(
        /no gateway answers at http:\/\/127\.0\.0\.1:1 .*start one with postern dev/,
      ),
    })
  })
})

test('a gateway does not start with a destination that could not be sent to, and doctor says the same', async () => {
  config('retry: { attempts: 1 }')
  const expected = /destinations\.billing\.url: 127\.0\.0\.1 is not on the public internet/
  const rest = { ...env, PORT: '0' }
  const serve = await postern(folder, ['serve'], rest)
  expect([serve.exitCode, serve.stderr + serve.stdout]).toEqual([1, expect.stringMatching(expected)])
  const doctor = await postern(folder, ['doctor', '--json'], rest)
  expect(doctor.stdout).toContain('is not on the public internet')
  expect(JSON.stringify([serve, doctor])).not.toContain(SECRET)
})

test('in development a destination on this machine needs neither network nor secret', async () => {
  config('')
  received = []
  // The other one has the same store, and would take the delivery as well as this one.
  await gateway.stop()
  const developing = await startGateway(folder, ['dev'], {})
  try {
    const sent = await postern(folder, [
      'trigger',
      'vastai',
      'outbid',
      '--url',
      `${developing.origin}/webhooks/vastai`,
    ])
    expect(sent.exitCode).toBe(0)
    await until(() => received.length === 1)
    const path = join(folder, '.postern/secrets.json')
    const secrets = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>
    const secret = secrets['destination:billing'] ?? ''
    expect([statSync(path).mode & 0o777, secret.length]).toEqual([0o600, 64])
    expect(
      new OfficialWebhook(secret).verify(received[0]?.body ?? '', received[0]?.headers ?? {}),
    ).toBeDefined()
    expect(developing.output()).not.toContain(secret)
  } finally {
    await developing.stop()
  }
})
