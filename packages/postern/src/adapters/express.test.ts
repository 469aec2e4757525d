import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express } from 'express'
import express4 from 'express4'
import { describe, expect, onTestFinished, test } from 'vitest'
import { sign, type Source } from '../core/index.ts'
import type { Occurrence } from '../inbox/index.ts'
import { createPostern, type Postern } from '../postern.ts'
import { custom } from '../providers/index.ts'
import { memory, type MemoryStore } from '../stores/memory/index.ts'
import { expressMount } from './express.ts'
import { bodyScheme } from '../../../../test/support/body-scheme.ts'

const NOW_MS = 1_750_000_000_000
/** With white space that no parser would give back. */
const BODY = '{ "id": "evt_1",  "type": "order.paid" }'
const RECEIVED = [200, '{"received":true}']
const UNAVAILABLE = [503, '{"error":"Temporarily unavailable"}']
const UNKNOWN = [404, '{"error":"Unknown source"}']

describe('one source', () => {
  test('is received at the path of the app', async () => {
    const { app, postern, post } = anApp()
    app.post('/api/hooks/shop', expressMount(postern, 'shop'))
    expect(await post('/api/hooks/shop')).toEqual(RECEIVED)
  })

  test('is received at a path that says nothing of its name', async () => {
    const { app, postern, post } = anApp()
    app.post('/incoming', expressMount(postern, 'shop'))
    expect(await post('/incoming')).toEqual(RECEIVED)
  })

  test('is received inside nested routers', async () => {
    const { app, postern, post } = anApp()
    const [api, hooks] = [express.Router(), express.Router()]
    hooks.post('/shop', expressMount(postern, 'shop'))
    api.use('/hooks', hooks)
    app.use('/api', api)
    expect(await post('/api/hooks/shop')).toEqual(RECEIVED)
  })

  test('is stored with the bytes that came', async () => {
    const { app, postern, post, store } = anApp()
    app.post('/shop', expressMount(postern, 'shop'))
    await post('/shop')
    expect(Buffer.from((await store.get(1))!.event.body).toString()).toBe(BODY)
  })

  test('that is not authentic is answered 401', async () => {
    const { app, postern, post } = anApp()
    app.post('/shop', expressMount(postern, 'shop'))
    expect(await post('/shop', { 'x-signature': '0'.repeat(64) })).toEqual([
      401,
      '{"error":"Invalid signature"}',
    ])
  })

  test('that is not configured throws where it is mounted', () => {
    const { postern } = anApp()
    expect(() => expressMount(postern, 'nope')).toThrow(expect.objectContaining({ code: 'bad_config' }))
  })

  test('under an empty name throws too, and is not taken for all of them', () => {
    const { postern } = anApp()
    expect(() => expressMount(postern, '')).toThrow(expect.objectContaining({ code: 'bad_config' }))
  })
})

describe('all sources', () => {
  test.each(['shop', 'bank'])('are received under the prefix of the app: %s', async (name) => {
    const { app, postern, post, store } = anApp()
    app.use('/webhooks', expressMount(postern))
    expect(await post(`/webhooks/${name}`)).toEqual(RECEIVED)
    expect((await store.get(1))!.event.source).toBe(name)
  })

  test('are received at the top', async () => {
    const { app, postern, post } = anApp()
    app.use(expressMount(postern))
    expect(await post('/shop')).toEqual(RECEIVED)
  })

  test('are received inside nested routers', async () => {
    const { app, postern, post } = anApp()
    const [api, version] = [express.Router(), express.Router()]
    version.use('/hooks', expressMount(postern))
    api.use('/v1', version)
    app.use('/api', api)
    expect(await post('/api/v1/hooks/shop?a=1')).toEqual(RECEIVED)
  })

  test.each(['/webhooks', '/webhooks/', '/webhooks/nope', '/webhooks/shop/', '/webhooks/a/shop'])(
    'are not at %s',
    async (path) => {
      const { app, postern, post } = anApp()
      app.use('/webhooks', expressMount(postern))
      expect(await post(path)).toEqual(UNKNOWN)
    },
  )

  test('of another method are answered 405', async () => {
    const { app, postern, url } = anApp()
    app.use('/webhooks', expressMount(postern))
    const response = await fetch(await url('/webhooks/shop'))
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })

  test('leave other paths to the app', async () => {
    const { app, postern, post } = anApp()
    app.use('/webhooks', expressMount(postern))
    app.post('/orders', (_request, response) => void response.send('mine'))
    expect(await post('/orders')).toEqual([200, 'mine'])
  })
})

test('a refused request is kept with the whole path, not with what the app has left of it', async () => {
  const { app, postern, post, store } = anApp()
  app.use('/webhooks', expressMount(postern))
  await post('/webhooks/shop?a=1', signatureHeaders('not JSON'), 'not JSON')
  expect((await store.rejected.list({ limit: 1 })).requests).toMatchObject([{ url: '/webhooks/shop?a=1' }])
})

describe('behind a parser of bodies', () => {
  test('raw(), one source is received with the bytes that came', async () => {
    const { app, postern, post, store } = anApp()
    app.post('/shop', express.raw({ type: '*/*' }), expressMount(postern, 'shop'))
    expect(await post('/shop')).toEqual(RECEIVED)
    expect(Buffer.from((await store.get(1))!.event.body).toString()).toBe(BODY)
  })

  test('raw(), all sources are received', async () => {
    const { app, postern, post } = anApp()
    app.use('/webhooks', express.raw({ type: 'application/json' }), expressMount(postern))
    expect(await post('/webhooks/shop')).toEqual(RECEIVED)
  })

  test('raw() that does not know the content type, the body is read by the inbox', async () => {
    const { app, postern, post } = anApp()
    app.post('/shop', express.raw({ type: 'application/cbor' }), expressMount(postern, 'shop'))
    expect(await post('/shop')).toEqual(RECEIVED)
  })

  test('raw(), a body over the limit is answered 413', async () => {
    const { app, postern, post } = anApp()
    app.post('/shop', express.raw({ type: '*/*', limit: '1mb' }), expressMount(postern, 'shop'))
    expect((await post('/shop', {}, 'x'.repeat(1001)))[0]).toBe(413)
  })

  test('json(), one source is our fault: 503', async () => {
    const { app, postern, post, store } = anApp()
    app.use(express.json())
    app.post('/shop', expressMount(postern, 'shop'))
    expect(await post('/shop')).toEqual(UNAVAILABLE)
    expect((await store.stat()).events).toBe(0)
  })

  test('json(), all sources are our fault: 503', async () => {
    const { app, postern, post } = anApp()
    app.use(express.json())
    app.use('/webhooks', expressMount(postern))
    expect(await post('/webhooks/shop')).toEqual(UNAVAILABLE)
  })

  test('json(), the observer is told that the body was read before', async () => {
    const { app, postern, post, occurrences } = anApp()
    app.use(express.json())
    app.post('/shop', expressMount(postern, 'shop'))
    await post('/shop')
    expect(occurrences).toEqual([
      { kind: 'rejected', source: 'shop', reason: 'body_already_parsed', status: 503 },
    ])
  })

  // Only an observer is told: an app without one sees every request answered 503, and nothing that says why.
  test('json(), the log says that the body was read before', async () => {
    const { app, postern, post, logged } = anApp()
    app.use(express.json())
    app.post('/shop', expressMount(postern, 'shop'))
    await post('/shop')
    expect(logged).not.toEqual([])
  })

  test('json() that does not know the content type, the body is read by the inbox', async () => {
    const { app, postern, post } = anApp()
    app.use(express.json())
    app.post('/shop', expressMount(postern, 'shop'))
    const headers = { ...signatureHeaders(), 'content-type': 'text/plain' }
    expect(await post('/shop', headers)).toEqual(RECEIVED)
  })

  test('json() that keeps the bytes in `rawBody`, the source is received', async () => {
    const { app, postern, post } = anApp()
    app.use(
      express.json({
        verify: (request, _response, bytes) => void Object.assign(request, { rawBody: bytes }),
      }),
    )
    app.post('/shop', expressMount(postern, 'shop'))
    expect(await post('/shop')).toEqual(RECEIVED)
  })

  test('json() after the mount, the app has its bodies and the inbox its bytes', async () => {
    const { app, postern, post } = anApp()
    app.post('/shop', expressMount(postern, 'shop'))
    app.use(express.json())
    app.post('/orders', (request, response) => void response.send((request.body as { id: string }).id))
    expect(await post('/shop')).toEqual(RECEIVED)
    expect(await post('/orders')).toEqual([200, 'evt_1'])
  })
})

describe.each([
  ['Express 4', express4],
  ['Express 5', express],
])('behind a parser of bodies and a step that is awaited, in %s', (_version, framework) => {
  /** As a database or a token would take its time: by then Node has closed a request that was read. */
  const awaitClose: express.RequestHandler = (request, _response, next) => {
    if (request.closed) next()
    else request.once('close', () => next())
  }

  test('json() is our fault: 503, and the log says why', async () => {
    const { app, postern, post, occurrences, logged } = anApp(framework())
    app.use(framework.json(), awaitClose)
    app.use('/webhooks', expressMount(postern))
    expect(await post('/webhooks/shop')).toEqual(UNAVAILABLE)
    expect(occurrences).toMatchObject([{ reason: 'body_already_parsed' }])
    expect(logged).toEqual([[expect.stringContaining('before any body parser'), { source: 'shop' }]])
  })

  test('raw(), the source is received', async () => {
    const { app, postern, post } = anApp(framework())
    app.use('/webhooks', framework.raw({ type: '*/*' }), awaitClose, expressMount(postern))
    expect(await post('/webhooks/shop')).toEqual(RECEIVED)
  })

  test('without a parser, the body is read by the inbox', async () => {
    const { app, postern, post } = anApp(framework())
    app.use((_request, _response, next) => void setImmediate(next))
    app.use('/webhooks', expressMount(postern))
    expect(await post('/webhooks/shop')).toEqual(RECEIVED)
  })
})

function aSource(): Source {
  return custom({
    secret: 'a secret of more than sixteen bytes',
    maxBodyBytes: 1000,
    scheme: bodyScheme,
    envelope: { id: [{ json: ['id'] }], type: { json: ['type'] } },
  })
}

function signatureHeaders(body: string = BODY): Record<string, string> {
  return { 'content-type': 'application/json', ...sign(aSource(), { body, nowMs: NOW_MS }) }
}

/** An Express app without any route, an inbox with two sources, and a client; the app listens at the first request. */
function anApp(app: Express = express()): {
  readonly app: Express
  readonly postern: Postern
  readonly store: MemoryStore
  readonly occurrences: readonly Occurrence[]
  readonly logged: readonly unknown[][]
  readonly url: (path: string) => Promise<string>
  readonly post: (
    path: string,
    headers?: Readonly<Record<string, string>>,
    body?: string,
  ) => Promise<readonly [number, string]>
} {
  const store = memory({ now: () => NOW_MS })
  const occurrences: Occurrence[] = []
  const logged: unknown[][] = []
  const log = (...line: unknown[]): void => void logged.push(line)
  const postern = createPostern({
    store,
    sources: { shop: aSource(), bank: aSource() },
    log: { debug: log, info: log, warn: log, error: log },
    observe: (occurrence) => occurrences.push(occurrence),
    now: () => NOW_MS,
  })
  let port: Promise<number> | undefined
  const url = async (path: string): Promise<string> =>
    `http://127.0.0.1:${await (port ??= listen(app))}${path}`
  return {
    app,
    postern,
    store,
    occurrences,
    logged,
    url,
    async post(path, headers = signatureHeaders(), body = BODY) {
      const response = await fetch(await url(path), { method: 'POST', headers, body })
      return [response.status, await response.text()]
    },
  }
}

/** Serves an app until the test ends; its port. */
async function listen(app: Express): Promise<number> {
  const server = createServer((request, response) => void app(request, response))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}
