import { request } from 'node:http'
import { memory } from 'postern/memory'
import { castai } from 'postern/providers'
import { readSecretUse, type NewEvent } from 'postern'
import { afterEach, describe, expect, test } from 'vitest'
import type { AccessRules } from './access.ts'
import { AdminServer } from './admin-server.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const open: AdminServer[] = []
const sources = { castai: castai({ secret: ['the new one of 16 bytes', 'the old one of 16 bytes'] }) }

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()))
})

interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly json: unknown
}

type Ask = (path: string, headers?: Record<string, string>, method?: string) => Promise<Answer>

async function start(
  access: AccessRules = { isLoopback: true },
  bodies: readonly string[] = [],
): Promise<Ask> {
  const store = memory()
  await store.put(bodies.map(newEvent))
  const [, old] = await readSecretUse(store.state, sources)
  await store.state.set(`secret-matched/castai/secret/${old?.label}`, '2026-03-02T22:20:00.000Z')
  const server = new AdminServer({
    store,
    secretUse: () => readSecretUse(store.state, sources),
    replay: async () => ({ outcome: 'unknown' }),
    destinations: ['handlers'],
    access,
    log: silent,
  })
  open.push(server)
  const { port } = await server.listen('127.0.0.1', 0)
  return (path, headers = {}, method = 'GET') => ask({ port, path, headers, method })
}

function ask(options: {
  port: number
  path: string
  headers: Record<string, string>
  method: string
}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', ...options }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          json: text === '' ? undefined : (JSON.parse(text) as unknown),
        })
      })
    })
      .on('error', reject)
      .end()
  })
}

function newEvent(body: string, index: number): NewEvent {
  const bytes = Buffer.from(body, 'latin1')
  return {
    tenant: '',
    source: index % 2 ? 'castai' : 'vastai',
    id: `evt_${index}`,
    idKind: 'signed',
    type: 'resource.created',
    createdMs: undefined,
    orderingKey: undefined,
    verifiedBy: 'template',
    body: bytes,
    headers: ['content-type', 'application/json'],
    dedupeWindowMs: 1_000_000,
    onDead: undefined,
    onConflict: 'hold',
    destinations: ['handlers'],
  }
}

test('the secrets of each source are listed with when they last matched, by a label', async () => {
  const get = await start()
  const label = expect.stringMatching(/^[0-9a-f]{4}$/)
  expect((await get('/api/secrets')).json).toEqual({
    secrets: [
      { source: 'castai', name: 'secret', position: 1, label },
      { source: 'castai', name: 'secret', position: 2, label, lastMatched: '2026-03-02T22:20:00.000Z' },
    ],
  })
})

describe('events', () => {
  test('are listed newest first, by pages', async () => {
    const get = await start(undefined, ['{}', '{}', '{}'])
    const first = await get('/api/events?limit=2')
    expect(first.json).toMatchObject({ events: [{ id: 'evt_2' }, { id: 'evt_1' }] })
    const { next } = first.json as { next: number }
    expect((await get(`/api/events?limit=2&before=${next}`)).json).toMatchObject({
      events: [{ id: 'evt_0' }],
    })
  })

  test('are filtered', async () => {
    const get = await start(undefined, ['{}', '{}'])
    expect((await get('/api/events?source=castai')).json).toMatchObject({ events: [{ id: 'evt_1' }] })
    expect((await get('/api/events?type=other')).json).toMatchObject({ events: [] })
  })

  test('have a detail with the exact bytes, and their text where they are JSON', async () => {
    const get = await start(undefined, ['{"a":1}', '{"a":\xff}', 'no JSON'])
    const bodies = await Promise.all([1, 2, 3].map(async (seq) => (await get(`/api/events/${seq}`)).json))
    expect(bodies).toMatchObject([
      {
        event: { body: { base64: 'eyJhIjoxfQ==', text: '{"a":1}' } },
        duplicates: 0,
        deliveries: [{ state: 'pending' }],
      },
      { event: { body: { base64: 'eyJhIjr/fQ==' } } },
      { event: { body: { base64: Buffer.from('no JSON').toString('base64') } } },
    ])
    expect(JSON.stringify(bodies.slice(1))).not.toContain('"text"')
  })

  test('are counted', async () => {
    const get = await start(undefined, ['{}'])
    expect((await get('/api/stat')).json).toMatchObject({
      events: 1,
      destinations: [{ name: 'handlers', pending: 1 }],
    })
  })
})

test('what the store runs on is told, with what it may lose', async () => {
  const get = await start()
  expect((await get('/api/store')).json).toMatchObject({ engine: 'memory', acceptsLoss: true })
})

describe('a wrong question gets an answer', () => {
  test.each([
    ['/', 404],
    ['/api/events/99', 404],
    ['/api/events/x', 404],
    ['/api/events/../stat', 200],
    ['/api/events?limit=0', 400],
    ['/api/events?limit=1001', 400],
    ['/api/events?limit=1e2', 400],
    ['/api/events?before=-1', 400],
    ['/api/events?state=dead', 400],
    ['//', 400],
  ])('%s: %i', async (path, status) => {
    expect((await (await start())(path)).status).toBe(status)
  })

  test('nothing can be changed yet', async () => {
    const answer = await (await start())('/api/events', {}, 'DELETE')
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD'])
  })
})

test('a browser is told to make nothing of it', async () => {
  const { headers } = await (await start())('/api/stat')
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'content-security-policy': expect.stringContaining("default-src 'none'"),
    'content-type': 'application/json',
    'x-content-type-options': 'nosniff',
  })
  expect(headers['access-control-allow-origin']).toBeUndefined()
})

describe('on loopback only its own names are answered, so that no web page can read it', () => {
  test.each(['localhost', 'localhost:3001', 'LOCALHOST:1', '127.0.0.1', '127.0.0.1:3001', '[::1]:3001'])(
    '%s may',
    async (host) => expect((await (await start())('/api/stat', { host })).status).toBe(200),
  )

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example:3001',
    'evil.example:3001',
    ' ',
    '0.0.0.0',
    'localhost@evil.example',
  ])('%j may not', async (host) => expect((await (await start())('/api/stat', { host })).status).toBe(403))

  test('elsewhere the name is anybody’s', async () => {
    const get = await start({ isLoopback: false, token: 'a-token-of-enough-length' })
    const headers = { host: 'gateway.example', authorization: 'Bearer a-token-of-enough-length' }
    expect((await get('/api/stat', headers)).status).toBe(200)
  })
})

describe('with a token', () => {
  const token = 'a-token-of-enough-length'

  test.each([`Bearer ${token}`, `bearer  ${token} `])('%j may', async (authorization) => {
    expect((await (await start({ isLoopback: true, token }))('/api/stat', { authorization })).status).toBe(
      200,
    )
  })

  test.each([
    '',
    token,
    `Basic ${token}`,
    `Bearer ${token}x`,
    `Bearer ${token.slice(1)}`,
    'Bearer ',
    'Bearer undefined',
  ])('%j may not', async (authorization) => {
    const answer = await (await start({ isLoopback: true, token }))('/api/stat', { authorization })
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer'])
  })
})

describe('/metrics', () => {
  async function serve(access: AccessRules): Promise<number> {
    const server = new AdminServer({
      store: memory(),
      secretUse: async () => [],
      replay: async () => ({ outcome: 'unknown' }),
      destinations: [],
      access,
      log: silent,
      metrics: async () => 'postern_info 1\n',
    })
    open.push(server)
    return (await server.listen('127.0.0.1', 0)).port
  }

  test('is text in Prometheus’ format', async () => {
    const port = await serve({ isLoopback: true })
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`)
    expect([answer.status, await answer.text()]).toEqual([200, 'postern_info 1\n'])
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  test('asks for the token like everything else here', async () => {
    const port = await serve({ isLoopback: false, token: 'token-of-16-bytes' })
    expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(401)
    const headers = { authorization: 'Bearer token-of-16-bytes' }
    expect((await fetch(`http://127.0.0.1:${port}/metrics`, { headers })).status).toBe(200)
  })
})
