import { once } from 'node:events'
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { PosternError, sign, type Source } from '../core/index.ts'
import type { Observer, Occurrence } from '../inbox/index.ts'
import { createPostern, type Postern } from '../postern.ts'
import { custom } from '../providers/index.ts'
import { memory, type MemoryStore } from '../stores/memory/index.ts'
import { BodyBudget } from './body-reading.ts'
import { createMount, type Mount } from './mount.ts'
import { Receiver } from './receiver.ts'
import { bodyScheme } from '../../../../test/support/body-scheme.ts'

const NOW_MS = 1_750_000_000_000
const BODY = '{"id":"evt_1","type":"order.paid"}'
const RECEIVED = [200, '{"received":true}']
const MAX_BODY_BYTES = 100

let occurrences: Occurrence[] = []
let errors: unknown[][] = []

beforeEach(() => {
  occurrences = []
  errors = []
})

describe('the routes of an inbox', () => {
  test('lead to its sources under the prefix', async () => {
    expect(await exchange(aPostern().postern, aRequest('/webhooks/shop'))).toEqual(RECEIVED)
  })

  test('lead to its sources under a prefix of its own', async () => {
    const { postern } = aPostern({ prefix: '/in/v1' })
    expect(await exchange(postern, aRequest('/in/v1/shop'))).toEqual(RECEIVED)
    expect((await postern.fetch(aRequest('/webhooks/shop'))).status).toBe(404)
  })

  test('pay no regard to the query', async () => {
    expect(await exchange(aPostern().postern, aRequest('/webhooks/shop?a=/b'))).toEqual(RECEIVED)
  })

  test.each([
    '/',
    '/shop',
    '/webhooks',
    '/webhooks/',
    '/webhooks/shop/',
    '/webhooks//shop',
    '//webhooks/shop',
    '/webhooks/Shop',
    '/WEBHOOKS/shop',
    '/webhooks/sho%70',
    '/webhooks%2Fshop',
    '/webhooks/shop%00',
    '/webhooks/shop;a=1',
    '/webhooks/shop.json',
    '/webhooks/constructor',
    '/webhooks/__proto__',
    '/webhooksshop',
    '/webhooks-shop',
    '/other/webhooks/shop',
  ])('lead nowhere from %s', async (path) => {
    const { postern, store } = aPostern()
    expect(await exchange(postern, aRequest(path))).toEqual([404, '{"error":"Unknown source"}'])
    expect((await store.stat()).events).toBe(0)
    expect(occurrences).toEqual([{ kind: 'rejected', source: '', reason: 'unknown_source', status: 404 }])
  })

  test.each(['/webhooks/./shop', '/webhooks/x/../shop', '/webhooks/sho%70', '/webhooks//shop'])(
    'of Node lead nowhere from %s, which is taken as it came',
    async (path) => {
      expect((await overNode(aPostern().postern, { path })).status).toBe(404)
    },
  )
})

describe('a mount of one source', () => {
  test('takes requests at whatever path', async () => {
    const mount = aPostern().postern.mount('shop')
    expect(await exchange(mount, aRequest('/api/hooks/anything'))).toEqual(RECEIVED)
  })

  test.each(['nope', '', 'Shop', 'constructor', '__proto__'])('of the unknown name %j throws', (name) => {
    const { postern } = aPostern()
    expect(() => postern.mount(name)).toThrow(PosternError)
    expect(() => postern.mount(name)).toThrow(expect.objectContaining({ code: 'bad_config' }))
  })
})

test('a mount under an empty prefix takes sources at the top', async () => {
  expect(await exchange(aPostern().postern.under(''), aRequest('/shop'))).toEqual(RECEIVED)
})

test.each([
  '/hooks/',
  'hooks',
  '/',
  '//hooks',
  '/hooks?a',
  'https://inbox.test/hooks',
  undefined,
  null,
  5,
  /hooks/,
])('a mount under %s, which no path begins with, throws', (prefix) => {
  const { postern } = aPostern()
  expect(() => postern.under(prefix as string)).toThrow(
    expect.objectContaining({
      code: 'bad_config',
      message: expect.stringMatching(/^under must be empty or like '\/webhooks'/) as string,
    }),
  )
})

describe('another method', () => {
  test.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is answered 405', async (method) => {
    const { postern } = aPostern()
    const response = await postern.fetch(new Request('http://inbox.test/webhooks/shop', { method }))
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
    expect(occurrences).toMatchObject([{ source: 'shop', reason: 'method_not_allowed', status: 405 }])
  })

  test('of an unknown source is answered 404', async () => {
    const request = new Request('http://inbox.test/webhooks/nope')
    expect((await aPostern().postern.fetch(request)).status).toBe(404)
  })

  test('is answered over Node as well, before a byte of the body is read', async () => {
    const { status, headers } = await overNode(aPostern().postern, { method: 'PUT' })
    expect([status, headers['allow']]).toEqual([405, 'POST'])
  })
})

describe('a body over the limit', () => {
  const tooLong = 'x'.repeat(MAX_BODY_BYTES + 1)

  test('is answered 413 by its Content-Length, before it is read', async () => {
    const request = aRequest('/webhooks/shop', BODY, { 'content-length': String(MAX_BODY_BYTES + 1) })
    expect((await aPostern().postern.fetch(request)).status).toBe(413)
    expect(request.bodyUsed).toBe(false)
  })

  test('is answered 413 by its bytes', async () => {
    expect((await aPostern().postern.fetch(aRequest('/webhooks/shop', tooLong))).status).toBe(413)
  })

  test('is answered 413 over Node', async () => {
    expect((await overNode(aPostern().postern, { body: tooLong })).status).toBe(413)
  })

  test('is observed without the request', async () => {
    await aPostern().postern.fetch(aRequest('/webhooks/shop', tooLong))
    expect(occurrences).toEqual([{ kind: 'rejected', source: 'shop', reason: 'body_too_large', status: 413 }])
  })

  test('is cancelled, so that its sender sends no more', async () => {
    const cancel = vi.fn()
    const stream = new ReadableStream({ start: (body) => body.enqueue(Buffer.from(tooLong)), cancel })
    await aPostern().postern.fetch(streamed(stream))
    expect(cancel).toHaveBeenCalledTimes(1)
  })

  // The reading waits for its cancel: of a cloned request that ends only when the other branch is cancelled too, of
  // some streams never. No answer is ever given, so nothing bounds it to 2.5 s.
  test.each([
    ['of a request that was cloned', aRequest('/webhooks/shop', tooLong).clone()],
    ['whose stream never ends its cancel', streamed(neverCancelled(tooLong))],
  ])('%s is answered 413', async (_what, request) => {
    const { postern } = aPostern()
    const statuses: number[] = []
    void postern.fetch(request).then(({ status }) => statuses.push(status))
    for (let count = 0; count < 50; count += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(statuses).toEqual([413])
  })

  // The failed cancel is taken for a sender that went away.
  test('whose stream cannot be cancelled is answered 413', async () => {
    const stream = new ReadableStream({
      start: (body) => body.enqueue(Buffer.from(tooLong)),
      cancel: () => Promise.reject(new Error('reset')),
    })
    expect((await aPostern().postern.fetch(streamed(stream))).status).toBe(413)
  })
})

test('a body of exactly the limit is received', async () => {
  const body = BODY.padEnd(MAX_BODY_BYTES)
  expect(await exchange(aPostern().postern, aRequest('/webhooks/shop', body))).toEqual(RECEIVED)
})

describe('the body', () => {
  test('may come in chunks of one byte', async () => {
    const bytes = Buffer.from(BODY)
    const stream = new ReadableStream({
      start(body) {
        for (const byte of bytes) body.enqueue(Uint8Array.of(byte))
        body.close()
      },
    })
    expect(await exchange(aPostern().postern, streamed(stream))).toEqual(RECEIVED)
  })

  test('may be absent, and is then read as no JSON', async () => {
    const source = aSource()
    const headers = sign(source, { body: '', nowMs: NOW_MS })
    const request = new Request('http://inbox.test/webhooks/shop', { method: 'POST', headers })
    expect((await aPostern().postern.fetch(request)).status).toBe(400)
  })

  test('that somebody has read before is our fault: 503', async () => {
    const request = aRequest()
    await request.text()
    const response = await aPostern().postern.fetch(request)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect(occurrences).toMatchObject([{ reason: 'body_already_parsed', status: 503 }])
  })

  // `getReader` throws in front of the `try`, and a mount must never reject.
  test('that somebody else is about to read is our fault as well', async () => {
    const request = aRequest()
    request.body!.getReader()
    expect((await aPostern().postern.fetch(request)).status).toBe(503)
  })

  test('that comes as text is our fault as well', async () => {
    const stream = new ReadableStream({
      start: (body) => body.enqueue(BODY as unknown as Uint8Array),
    })
    expect((await aPostern().postern.fetch(streamed(stream))).status).toBe(503)
    expect(occurrences).toMatchObject([{ reason: 'body_already_parsed', status: 503 }])
  })

  test('whose stream breaks off is 503, and no event', async () => {
    const { postern, store } = aPostern()
    const stream = new ReadableStream({
      pull(body) {
        body.error(new Error('reset'))
      },
    })
    expect((await postern.fetch(streamed(stream))).status).toBe(503)
    expect((await store.stat()).events).toBe(0)
    expect(occurrences).toMatchObject([{ reason: 'client_disconnected', status: 503 }])
  })
})

describe('the memory of bodies being read', () => {
  test('is taken from the oldest, which is told to come again', async () => {
    const mount = aMount(new BodyBudget(100))
    const [first, second] = [heldOpen(80), heldOpen(50)]
    const oldest = mount.fetch(first.request)
    await first.taken
    const younger = mount.fetch(second.request)
    const response = await oldest
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    second.close()
    expect((await younger).status).not.toBe(503)
  })

  test('is observed as an overload', async () => {
    const mount = aMount(new BodyBudget(10))
    await mount.fetch(aRequest())
    expect(occurrences).toMatchObject([{ source: 'shop', reason: 'overloaded', status: 503 }])
  })

  test('is free again once a body has been answered', async () => {
    const mount = aMount(new BodyBudget(Buffer.byteLength(BODY)))
    expect(await exchange(mount, aRequest())).toEqual(RECEIVED)
    expect((await exchange(mount, aRequest()))[0]).toBe(200)
  })

  test('is free again once a body was too long', async () => {
    const mount = aMount(new BodyBudget(MAX_BODY_BYTES))
    await mount.fetch(aRequest('/webhooks/shop', 'x'.repeat(MAX_BODY_BYTES + 1)))
    expect(await exchange(mount, aRequest())).toEqual(RECEIVED)
  })

  test('is taken from the oldest over Node as well', async () => {
    const mount = aMount(new BodyBudget(Buffer.byteLength(BODY) - 1))
    expect((await overNode(mount)).status).toBe(503)
    expect(occurrences).toMatchObject([{ reason: 'overloaded' }])
  })
})

describe('over Node', () => {
  test('an authentic request is received', async () => {
    expect(await overNode(aPostern().postern)).toMatchObject({ status: 200, body: '{"received":true}' })
  })

  test('the answer has a type and a length', async () => {
    const { headers } = await overNode(aPostern().postern)
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'content-length': '17' })
  })

  test('a security header that comes twice is answered 401', async () => {
    const { 'x-signature': signature, ...others } = signatureHeaders()
    const headers = { ...others, 'x-signature': [signature!, signature!] }
    expect(await overNode(aPostern().postern, { headers })).toMatchObject({
      status: 401,
      body: '{"error":"Invalid signature"}',
    })
  })

  test('credentials are not stored', async () => {
    const { postern, store } = aPostern()
    const headers = { ...signatureHeaders(), Authorization: 'Bearer x', COOKIE: 'a=x' }
    await overNode(postern, { headers })
    expect((await store.get(1))!.event.headers.join()).not.toMatch(/authorization|cookie/i)
  })

  test('an answer that somebody else has given stays as it is', async () => {
    const { postern } = aPostern()
    const server = createServer((request, response) => {
      response.writeHead(202).end('mine')
      void postern.node(request, response).then(() => served())
    })
    const { promise, resolve: served } = deferred()
    expect(await send(await listening(server), {})).toMatchObject({ status: 202, body: 'mine' })
    await promise
  })
})

describe('while stopping', () => {
  test('requests are answered 503 with a time to come again', async () => {
    const { postern } = aPostern()
    await postern.stop()
    const response = await postern.fetch(aRequest())
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect(occurrences).toMatchObject([{ reason: 'stopping' }])
  })

  // A connection that is kept, and used, keeps `server.close()` from its end.
  test('the connection of an answer ends with it, and so does a server that was closed', async () => {
    const { postern } = aPostern()
    const server = createServer((from, to) => void postern.node(from, to))
    const port = await listening(server)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = (): Promise<NodeAnswer> => send(port, { agent })
    expect((await ask()).headers['connection']).toBe('keep-alive')
    const stopped = postern.stop()
    expect(await ask()).toMatchObject({ status: 503, headers: { connection: 'close' } })
    await stopped
    await once(server.close(), 'close')
  })

  test('a mount of one source refuses too', async () => {
    const { postern } = aPostern()
    const mount = postern.mount('shop')
    await postern.stop()
    expect((await mount.fetch(aRequest())).status).toBe(503)
  })
})

describe('an observer that throws', () => {
  const observe = (): never => {
    throw new Error('no metrics today')
  }

  test('changes nothing about what is received', async () => {
    expect(await exchange(aPostern({ observe }).postern, aRequest())).toEqual(RECEIVED)
  })

  test.each([
    ['an unknown source', 404, aRequest('/nope')],
    ['another method', 405, new Request('http://inbox.test/webhooks/shop')],
    ['a forged signature', 401, aRequest('/webhooks/shop', BODY, { 'x-signature': '0'.repeat(64) })],
    ['a body over the limit', 413, aRequest('/webhooks/shop', 'x'.repeat(MAX_BODY_BYTES + 1))],
  ])('changes nothing about the refusal of %s', async (_what, status, request) => {
    expect((await aPostern({ observe }).postern.fetch(request)).status).toBe(status)
  })

  test('is in the log', async () => {
    await aPostern({ observe }).postern.fetch(aRequest())
    expect(errors).toEqual([
      ['the observer threw', { kind: 'accepted', error: new Error('no metrics today') }],
    ])
  })
})

function aSource(): Source {
  return custom({
    secret: 'a secret of more than sixteen bytes',
    maxBodyBytes: MAX_BODY_BYTES,
    scheme: bodyScheme,
    envelope: { id: [{ json: ['id'] }], type: { json: ['type'] } },
  })
}

function signatureHeaders(body: string = BODY): Record<string, string> {
  return sign(aSource(), { body, nowMs: NOW_MS })
}

/** An authentic request, or one with other headers. */
function aRequest(
  path = '/webhooks/shop',
  body: string = BODY,
  headers: Readonly<Record<string, string>> = {},
): Request {
  return new Request(`http://inbox.test${path}`, {
    method: 'POST',
    headers: { ...signatureHeaders(body), ...headers },
    body,
  })
}

/** A request signed for `BODY` whose body is a stream. */
function streamed(body: ReadableStream<Uint8Array>): Request {
  // `duplex` is missing in the types that TypeScript has of the DOM.
  const init: RequestInit & { readonly duplex: 'half' } = {
    method: 'POST',
    headers: signatureHeaders(),
    body,
    duplex: 'half',
  }
  return new Request('http://inbox.test/webhooks/shop', init)
}

function neverCancelled(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (body) => body.enqueue(Buffer.from(text)),
    cancel: () => new Promise<never>(() => {}),
  })
}

/** A request that has sent so many bytes and stays open. */
function heldOpen(bytes: number): {
  readonly request: Request
  readonly taken: Promise<void>
  readonly close: () => void
} {
  const taken = deferred()
  let close = (): void => {}
  const stream = new ReadableStream<Uint8Array>(
    {
      start: (body) => void (close = () => body.close()),
      pull(body) {
        // The second pull says that the first chunk has been taken.
        if (isSent) return taken.resolve()
        isSent = true
        body.enqueue(new Uint8Array(bytes))
      },
    },
    { highWaterMark: 0 },
  )
  let isSent = false
  return { request: streamed(stream), taken: taken.promise, close: () => close() }
}

/** An inbox with one source, `shop`, over a store in memory. */
function aPostern({ prefix, observe }: { readonly prefix?: string; readonly observe?: Observer } = {}): {
  readonly postern: Postern
  readonly store: MemoryStore
} {
  const store = memory({ now: () => NOW_MS })
  const postern = createPostern({
    store,
    sources: { shop: aSource() },
    log: { debug() {}, info() {}, warn() {}, error: (...line) => errors.push(line) },
    observe: observe ?? ((occurrence) => occurrences.push(occurrence)),
    now: () => NOW_MS,
    ...(prefix !== undefined && { prefix }),
  })
  return { postern, store }
}

/** A mount of the source `shop` with a budget of its own. */
function aMount(budget: BodyBudget): Mount {
  const receiver = new Receiver({
    store: memory({ now: () => NOW_MS }),
    sources: new Map([['shop', aSource()]]),
    destinationsFor: () => [],
    reserve: () => undefined,
    handledDestination: 'handlers',
    handle: async () => true,
    log: { debug() {}, info() {}, warn() {}, error: (...line) => errors.push(line) },
    observe: (occurrence) => occurrences.push(occurrence),
    now: () => NOW_MS,
  })
  return createMount({ receiver, budget }, () => 'shop')
}

async function exchange(mount: Mount, request: Request): Promise<readonly [number, string]> {
  const response = await mount.fetch(request)
  return [response.status, await response.text()]
}

interface NodeRequest {
  readonly path?: string
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string
  readonly agent?: Agent
}

interface NodeAnswer {
  readonly status: number | undefined
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
}

/** Sends one request to a mount that a real server serves. */
async function overNode(mount: Mount, request: NodeRequest = {}): Promise<NodeAnswer> {
  return send(await listening(createServer((from, to) => void mount.node(from, to))), request)
}

async function listening(server: ReturnType<typeof createServer>): Promise<number> {
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}

async function send(
  port: number,
  {
    path = '/webhooks/shop',
    method = 'POST',
    body = BODY,
    headers = signatureHeaders(body),
    agent,
  }: NodeRequest,
): Promise<NodeAnswer> {
  const request = httpRequest({ port, host: '127.0.0.1', path, method, headers, agent: agent ?? false })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() }
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => {}
  const promise = new Promise<void>((fulfil) => (resolve = fulfil))
  return { promise, resolve }
}
