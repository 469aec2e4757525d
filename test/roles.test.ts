import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { postern, startGateway, type Gateway } from './support/gateway.ts'
import { createDatabase } from './support/servers/database.ts'
import { leftOut } from './support/servers/left-out.ts'

// Processes by the handful: on a machine that does other things each takes seconds to start.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const SECRET = 'serve_secret_0123456789abcdef'
const CONFIG = `
import { vastai } from 'postern/providers'
export const config = {
  sources: { vastai: vastai({ secret: '${SECRET}' }) },
  handlers: (on) => [on('vastai', '*', () => {})],
}
`
const HANDLED = /"id":"(\w+)".*"outcome":"succeeded"/

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-roles-'))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'postern.config.mjs'), CONFIG)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function start(role: string, store: string): Promise<Gateway> {
  const gateway = await startGateway(folder, ['serve', '--role', role], { POSTERN_STORE: store })
  onTestFinished(async () => void (await gateway.stop()))
  return gateway
}

async function send({ origin }: Gateway, id: string): Promise<string> {
  const line = ['trigger', 'vastai', 'outbid', '--id', id, '--url', `${origin}/webhooks/vastai`]
  return (await postern(folder, line)).stdout
}

const STORES = [
  { name: 'postgres', skipped: leftOut().includes('postgres') },
  { name: 'sqlite', skipped: false },
]

describe.each(STORES)('over one $name', ({ name, skipped }) => {
  test.skipIf(skipped)(
    'one process takes requests and another handles them, each without the other',
    async () => {
      const store = await openStore(name)
      const ingest = await start('ingest', store)
      const worker = await start('worker', store)

      expect(await send(ingest, 'first')).toMatch(/^200 OK {2}\{"received":true\}/)
      expect((await worker.logs(HANDLED))[1]).toBe('first')

      await worker.kill()
      expect(await send(ingest, 'second')).toMatch(/^200 OK {2}\{"received":true\}/)
      expect((await fetch(`${ingest.origin}/readyz`)).status).toBe(200)
      expect(ingest.output()).not.toContain('"msg":"attempted"')

      const next = await start('worker', store)
      expect((await next.logs(HANDLED))[1]).toBe('second')
      expect(ingest.output()).not.toContain('"msg":"attempted"')
    },
  )
})

test('a worker’s listener has health paths and nothing else', async () => {
  const worker = await start('worker', `sqlite:${join(folder, 'paths.db')}`)
  const status = async (path: string, method = 'GET'): Promise<number> =>
    (await fetch(worker.origin + path, { method, ...(method === 'POST' && { body: '{}' }) })).status
  expect(await Promise.all(['/healthz', '/readyz'].map((path) => status(path)))).toEqual([200, 200])
  expect(await Promise.all(['/', '/webhooks/vastai', '/metrics'].map((path) => status(path)))).toEqual([
    404, 404, 404,
  ])
  expect(await status('/webhooks/vastai', 'POST')).toBe(404)
  expect(await send(worker, 'astray')).toMatch(/^404 Not Found/)
  expect(await (await fetch(`${worker.adminOrigin}/api/events`)).json()).toMatchObject({ events: [] })
})

test('a role that there is not is refused before anything is opened', async () => {
  const { exitCode, stderr } = await postern(folder, ['serve', '--role', 'queue'])
  expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^error: --role: 'queue' is not a role/)])
})

async function openStore(name: string): Promise<string> {
  if (name === 'sqlite') return `sqlite:${join(folder, 'shared.db')}`
  const { url, drop } = await createDatabase(inject('postgresUrl') ?? '')
  onTestFinished(drop)
  return url
}
