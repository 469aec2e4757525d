import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { Occurrence } from './inbox/index.ts'
import { createPostern, type Postern } from './postern.ts'
import { square } from './providers/index.ts'
import { memory } from './stores/memory/index.ts'

const SECRET = 'a signature key of more than sixteen bytes'
const BODY = '{"event_id":"1","type":"payment.created"}'
const PUBLIC_URL = 'https://hooks.example.com/in'
/** As it stands in the provider's settings. */
const KNOWN_AS = `${PUBLIC_URL}/webhooks/square?shop=7`

let occurrences: Occurrence[] = []

function anInbox(publicUrl?: string): Postern {
  occurrences = []
  return createPostern({
    store: memory(),
    sources: { square: square({ secret: SECRET }) },
    ...(publicUrl !== undefined && { publicUrl }),
    clientOf: ({ socket }) => `from ${socket.remoteAddress}`,
    observe: (occurrence) => occurrences.push(occurrence),
  })
}

/** By Node's own HMAC, not by ours. */
function headersFor(url: string): Record<string, string> {
  const signature = createHmac('sha256', SECRET)
    .update(url + BODY)
    .digest('base64')
  return { 'x-square-hmacsha256-signature': signature }
}

async function overNode(
  mount: Pick<Postern, 'node'>,
  headers: Record<string, string>,
  path = '/webhooks/square?shop=7',
): Promise<number | undefined> {
  const server = createServer((request, response) => void mount.node(request, response))
  onTestFinished(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const request = httpRequest({ port, host: '127.0.0.1', path, method: 'POST', headers, agent: false })
  request.end(BODY)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode
}

function overFetch(postern: Postern, headers: Record<string, string>): Promise<Response> {
  return postern.fetch(
    new Request('http://10.0.0.7:3000/webhooks/square?shop=7', { method: 'POST', headers, body: BODY }),
  )
}

test('a signed URL is the public one, whatever the server sees', async () => {
  const headers = headersFor(KNOWN_AS)
  expect(await overNode(anInbox(PUBLIC_URL), headers)).toBe(200)
  expect((await overFetch(anInbox(PUBLIC_URL), headers)).status).toBe(200)
})

test('a Host header does not stand in for it', async () => {
  const spoofed = { ...headersFor('http://evil.example/webhooks/square?shop=7'), host: 'evil.example' }
  expect(await overNode(anInbox(PUBLIC_URL), spoofed)).toBe(401)
  expect(await overNode(anInbox(), spoofed)).toBe(401)
})

test('nor does the authority of a target in absolute form', async () => {
  const path = 'http://evil.example/webhooks/square?shop=7'
  const spoofed = { ...headersFor(path), host: 'evil.example' }
  expect(await overNode(anInbox(PUBLIC_URL), spoofed, path)).toBe(401)
  expect(await overNode(anInbox(), spoofed, path)).toBe(401)
  // At whatever path: without the route of a prefix, which kept it out, the sender's word was the URL.
  expect(await overNode(anInbox().mount('square'), spoofed, path)).toBe(401)
  expect(await overNode(anInbox(PUBLIC_URL), headersFor(KNOWN_AS), path)).toBe(200)
  expect(await overNode(anInbox(), headersFor('/webhooks/square?shop=7'), path)).toBe(200)
})

test('a target that is a URL of another form is none, at whatever path a mount is', async () => {
  const path = 'https://user@hooks.example.com/in/webhooks/square'
  expect(await overNode(anInbox().mount('square'), headersFor(path), path)).toBe(404)
})

test('the path and the query are those of the request', async () => {
  expect(await overNode(anInbox(PUBLIC_URL), headersFor(KNOWN_AS), '/webhooks/square?shop=8')).toBe(401)
})

test('without one the URL is the request’s own word', async () => {
  expect(await overNode(anInbox(), headersFor('/webhooks/square?shop=7'))).toBe(200)
  expect((await overFetch(anInbox(), headersFor('http://10.0.0.7:3000/webhooks/square?shop=7'))).status).toBe(
    200,
  )
})

test.each([
  ['hooks.example.com'],
  ['https://hooks.example.com/'],
  ['https://hooks.example.com/in/'],
  ['https://hooks.example.com/?a=1'],
  ['https://user:password@hooks.example.com'],
  ['ftp://hooks.example.com'],
])('%s is refused', (publicUrl) => {
  expect(() => anInbox(publicUrl)).toThrow(/^publicUrl must be like/)
})

test.each([
  ['a wrong signature', '/webhooks/square', 'signature_mismatch'],
  ['an unknown path', '/webhooks/round', 'unknown_source'],
])('%s is told of with who sent it', async (_what, path, reason) => {
  await overNode(anInbox(PUBLIC_URL), headersFor('elsewhere'), path)
  expect(occurrences).toEqual([
    expect.objectContaining({ kind: 'rejected', reason, client: 'from 127.0.0.1' }),
  ])
})
