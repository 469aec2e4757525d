import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import * as v from 'valibot'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { ApiClient, type ApiFailure, type ApiRequest, type ApiResult } from './api-client.ts'

const KEY = 'the-key-0123456789abcdef'
const GET: ApiRequest = { method: 'GET', path: '/things/' }
const POST: ApiRequest = { method: 'POST', path: '/things/', body: { a: 1 } }
const schema = v.object({ thing: v.string() })

let waits: number[] = []

beforeEach(() => {
  waits = []
})

describe('an answer', () => {
  test('is read in its form; the key goes in a header alone', async () => {
    const seen: unknown[] = []
    const client = await aClient((request, response) => {
      seen.push(
        request.method,
        request.url,
        request.headers.authorization,
        request.headers['accept-encoding'],
      )
      response.end('{"thing":"x","more":1}')
    })
    expect(await client.ask({ ...GET, query: { q: 'a b' } }, schema)).toEqual({
      ok: true,
      value: { thing: 'x' },
    })
    expect(seen).toEqual(['GET', '/things/?q=a+b', `Bearer ${KEY}`, 'identity'])
  })

  test.each<[string, string, ApiFailure['kind'], string]>([
    ['no JSON', '<html>', 'unusable', 'is not JSON'],
    ['another form', '{"thing":{"secret":"s3cret"}}', 'unusable', 'form (at thing)'],
    ['nothing', '', 'unusable', 'is not JSON'],
  ])('of %s is a failure that does not quote it', async (_, body, kind, message) => {
    const client = await aClient((_request, response) => void response.end(body))
    const failure = failureOf(await client.ask(GET, schema))
    expect(failure).toMatchObject({ kind, message: expect.stringContaining(message) as string })
    expect(failure.message).not.toContain('s3cret')
  })

  test('that does not end is given up at its limit, compressed or not', async () => {
    let sent = 0
    const endless = await aClient((_request, response) => {
      const more = (): void => {
        for (; sent < 64 * 1024 * 1024; sent += 65_536) if (!response.write(' '.repeat(65_536))) return
      }
      response.on('drain', more)
      more()
    })
    expect(failureOf(await endless.ask(GET, schema)).message).toContain('longer than 4194304 bytes')
    expect(sent).toBeLessThan(32 * 1024 * 1024)
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
    const packed = await aClient(
      (_request, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    )
    expect(failureOf(await packed.ask(GET, schema)).message).toContain('longer than 4194304 bytes')
  })

  test.each(['headers', 'body'])('whose %s never come is given up at the deadline', async (what) => {
    const client = await aClient((_request, response) => {
      if (what === 'body') response.writeHead(200).write('{')
    })
    expect(failureOf(await client.ask(POST, schema))).toMatchObject({ kind: 'unavailable', mayBeDone: true })
  })

  test('that redirects is not followed: the key would go along', async () => {
    let followed = 0
    const elsewhere = await serve((_request, response) => {
      followed += 1
      response.end('{"thing":"x"}')
    })
    for (const status of [301, 302, 303, 307, 308]) {
      const client = await aClient(
        (_request, response) => void response.writeHead(status, { location: elsewhere }).end(),
      )
      expect(failureOf(await client.ask(GET, schema))).toMatchObject({ kind: 'unusable', status })
    }
    expect(followed).toBe(0)
  })
})

describe('a failure', () => {
  test.each<[number, ApiFailure['kind']]>([
    [400, 'refused'],
    [401, 'unauthorized'],
    [403, 'unauthorized'],
    [404, 'refused'],
    [429, 'rate_limited'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ])('of status %d is %s, and says what the vendor did', async (status, kind) => {
    const client = await aClient(
      (_request, response) => void response.writeHead(status).end('{"error":"e","msg":"because"}'),
    )
    expect(failureOf(await client.ask(GET, schema))).toMatchObject({
      kind,
      status,
      message: expect.stringContaining(`(${status}): e: because`) as string,
    })
  })

  test.each([0, 190])(
    'never has the key in it, nor what a terminal would act on, after %d characters',
    async (before) => {
      const client = await aClient((request, response) => {
        const msg = `${'x'.repeat(before)}\u001b[2J ${request.headers.authorization}`
        response.writeHead(400).end(JSON.stringify({ msg }))
      })
      const { message } = failureOf(await client.ask(GET, schema))
      expect(message).toContain('x'.repeat(before))
      expect(message).not.toContain('\u001b')
      expect(message).not.toMatch(/the-key/)
      expect(message.length).toBeLessThan(300)
      expect(inspect(client, { depth: 9, showHidden: true })).not.toContain(KEY)
      expect(JSON.stringify(client)).not.toContain(KEY)
    },
  )

  test('of a read is tried again, each wait longer, four times in all', async () => {
    let asked = 0
    const client = await aClient((_request, response) => {
      asked += 1
      response.writeHead(500).end()
    })
    expect(failureOf(await client.ask(GET, schema)).kind).toBe('unavailable')
    expect(asked).toBe(4)
    expect(waits).toEqual([1500, 3000, 6000])
  })

  test('of a change is tried again only where nothing was done', async () => {
    const statuses = [429, 429, 200]
    const client = await aClient(
      (_request, response) => void response.writeHead(statuses.shift() ?? 200).end('{"thing":"x"}'),
    )
    expect(await client.ask(POST, schema)).toMatchObject({ ok: true })
    let asked = 0
    const broken = await aClient((_request, response) => {
      asked += 1
      response.socket?.destroy()
    })
    expect(failureOf(await broken.ask(POST, schema))).toMatchObject({ kind: 'unavailable', mayBeDone: true })
    expect(asked).toBe(1)
  })

  test('waits as long as it is asked to, within bounds', async () => {
    const values = ['7', '99999']
    const client = await aClient((_request, response) => {
      const value = values.shift()
      response
        .writeHead(value === undefined ? 200 : 429, value === undefined ? {} : { 'retry-after': value })
        .end('{"thing":"x"}')
    })
    expect(await client.ask(GET, schema)).toMatchObject({ ok: true })
    expect(waits).toEqual([7000, 30_000])
  })

  test('of the connection is said by its code', async () => {
    const gone = createServer()
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
    const { port } = gone.address() as AddressInfo
    await new Promise((resolve) => gone.close(resolve))
    const client = new ApiClient({ origin: `http://127.0.0.1:${port}`, key: KEY, pause: async () => {} })
    expect(failureOf(await client.ask(GET, schema)).message).toBe('its API is out of reach: ECONNREFUSED')
  })
})

test('a signal ends the request, and nothing is tried after it', async () => {
  const stopping = new AbortController()
  let asked = 0
  const client = await aClient(() => {
    asked += 1
    stopping.abort()
  }, stopping.signal)
  expect(failureOf(await client.ask(GET, schema)).kind).toBe('unavailable')
  expect(asked).toBe(1)
})

async function aClient(listener: RequestListener, signal?: AbortSignal): Promise<ApiClient> {
  return new ApiClient({
    origin: await serve(listener),
    key: KEY,
    timeoutMs: 1000,
    random: () => 0.5,
    pause: async (ms) => void waits.push(ms),
    ...(signal !== undefined && { signal }),
  })
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function failureOf(result: ApiResult<unknown>): ApiFailure {
  if (result.ok) throw new Error('it succeeded')
  return result
}
