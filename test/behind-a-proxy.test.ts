import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGateway, type Gateway } from './support/gateway.ts'

const SECRET = 'a signature key of more than sixteen bytes'
const CONFIG = `
import { square } from 'postern/providers'
export const config = { sources: { square: square({ secret: '${SECRET}' }) } }
`
const KNOWN_AS = 'https://hooks.example.com/in/webhooks/square'

let folder: string
let gateway: Gateway
let proxy: Awaited<ReturnType<typeof startProxy>>

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-proxied-'))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'postern.config.mjs'), CONFIG)
  gateway = await startGateway(folder, ['serve'], {
    POSTERN_PUBLIC_URL: 'https://hooks.example.com/in',
    POSTERN_TRUSTED_PROXIES: '127.0.0.0/8, ::1',
    POSTERN_RETENTION: '1d',
  })
  proxy = await startProxy(new URL(gateway.origin).port)
})
afterAll(async () => {
  proxy.close()
  await gateway.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** As a proxy does that ends TLS: cuts off its own prefix, names itself as the host, and says who came. */
async function startProxy(toPort: string): Promise<{ readonly origin: string; close(): void }> {
  const server = createServer((from, to) => {
    const headers = {
      ...from.headers,
      host: `127.0.0.1:${toPort}`,
      'x-forwarded-for': [from.headers['x-forwarded-for'], '198.51.100.7'].filter(Boolean).join(', '),
    }
    const path = (from.url ?? '').replace(/^\/in/, '')
    const onward = httpRequest(
      { host: 'localhost', port: toPort, path, method: from.method, headers },
      (answer) => {
        to.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(to)
      },
    )
    from.pipe(onward)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function send(
  url: string,
  { id, signedFor }: { readonly id: string; readonly signedFor: string },
  headers: Record<string, string> = {},
): Promise<Response> {
  const body = `{"event_id":"${id}","type":"payment.created"}`
  const signature = createHmac('sha256', SECRET)
    .update(signedFor + body)
    .digest('base64')
  return fetch(url, {
    method: 'POST',
    headers: { 'x-square-hmacsha256-signature': signature, ...headers },
    body,
  })
}

test('a provider that signs the URL is verified against the public one', async () => {
  const answer = await send(`${proxy.origin}/in/webhooks/square`, { id: 'a', signedFor: KNOWN_AS })
  expect([answer.status, await answer.text()]).toEqual([200, '{"received":true}'])
})

test('what the proxy or the sender calls this host is not believed', async () => {
  const spoofed = 'https://evil.example/in/webhooks/square'
  const headers = { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example;proto=https' }
  expect(
    (await send(`${proxy.origin}/in/webhooks/square`, { id: 'b', signedFor: spoofed }, headers)).status,
  ).toBe(401)
})

test('the log says who sent what was refused: as the proxy says, and not as the sender does', async () => {
  const before = gateway.output().length
  await send(
    `${proxy.origin}/in/webhooks/square?third`,
    { id: 'c', signedFor: 'elsewhere' },
    { 'x-forwarded-for': '203.0.113.99' },
  )
  const [line] = await gateway.logs(/.*"reason":"signature_mismatch".*third.*/, before)
  expect(JSON.parse(line)).toMatchObject({ client: '198.51.100.7', url: `${KNOWN_AS}?third` })
  expect(line).not.toContain('203.0.113.99')
})
