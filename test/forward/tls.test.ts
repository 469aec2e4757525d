import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { networksOf } from '../../packages/gateway/src/forward/networks.ts'
import { Target, type Sent } from '../../packages/gateway/src/forward/target.ts'

let folder: string
let ca: string
let server: Server
/** The names that were asked for in the handshakes. */
const asked: unknown[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-tls-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const names = 'subjectAltName=DNS:billing.example,IP:127.0.0.1'
  const line = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test -addext ${names} -keyout ${key} -out ${cert}`
  execFileSync('openssl', line.split(' '), { stdio: 'ignore' })
  ca = readFileSync(cert, 'utf8')
  server = createServer({ key: readFileSync(key), cert: ca }, (request, response) => {
    asked.push((request.socket as TLSSocket).servername)
    response.end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})

afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true })
})

async function post(host: string, authority?: string): Promise<Sent> {
  const target = new Target({
    url: new URL(`https://${host}:${(server.address() as AddressInfo).port}/`),
    connections: 1,
    timeoutMs: 5000,
    allowNetworks: networksOf(['127.0.0.1']),
    resolve: async () => ['127.0.0.1'],
    ...(authority !== undefined && { ca: authority }),
  })
  onTestFinished(() => target.close())
  return target.post([], Buffer.from('{}'), new AbortController())
}

test('the certificate is held against the name of the URL, which the handshake asks for', async () => {
  expect(await post('billing.example', ca)).toMatchObject({ kind: 'answered', status: 200, excerpt: 'ok' })
  expect(asked.at(-1)).toBe('billing.example')
})

test('or against its address', async () => {
  expect(await post('127.0.0.1', ca)).toMatchObject({ kind: 'answered', status: 200 })
  expect(asked.at(-1)).toBe(false)
})

test('of another name, or by an authority that is not trusted, it is refused before anything is sent', async () => {
  const before = asked.length
  expect(await post('other.example', ca)).toMatchObject({
    kind: 'failed',
    text: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
  })
  expect(await post('billing.example')).toMatchObject({
    kind: 'failed',
    text: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT'),
  })
  expect(asked.length).toBe(before)
})

test('and no variable turns that off', async () => {
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  onTestFinished(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'] as unknown as void)
  expect(await post('billing.example')).toMatchObject({ kind: 'failed' })
})
