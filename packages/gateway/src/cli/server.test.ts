import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import type { HttpLimits } from './http-limits.ts'
import { PublicServer } from './server.ts'

const limits: Partial<HttpLimits> = {
  headersTimeoutMs: 300,
  requestTimeoutMs: 400,
  checkIntervalMs: 50,
  keepAliveTimeoutMs: 300,
  silenceTimeoutMs: 200,
}

let server: PublicServer | undefined
let port = 0
let isReady = true
const sockets: Socket[] = []

afterEach(async () => {
  sockets.splice(0).forEach((socket) => socket.destroy())
  await server?.drain({ announceMs: 0, graceMs: 0 })
})

/** Reads the body and answers it back, as late as the test wants. */
async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  request.on('error', () => {})
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise((resolve) => request.on('close', resolve))
  if (!response.destroyed) response.end(Buffer.concat(chunks))
}

async function start(
  node: (request: IncomingMessage, response: ServerResponse) => Promise<void> = echo,
  changed: Partial<HttpLimits> = {},
): Promise<void> {
  isReady = true
  server = new PublicServer({
    postern: { node, isReady: async () => isReady },
    maxBodyBytesAt: (path) => (path === '/webhooks/vastai' ? 100 : undefined),
    limits: { ...limits, ...changed },
  })
  port = (await server.listen({ host: '127.0.0.1', port: 0 })).port
}

const get = async (path: string, method = 'GET'): Promise<string> =>
  open(head(`${method} ${path} HTTP/1.1`, 'Connection: close')).closed

interface Connection {
  readonly socket: Socket
  /** All that came until the server closed. */
  readonly closed: Promise<string>
  /** Waits until something has come. */
  readonly until: (text: string) => Promise<string>
}

function open(text = ''): Connection {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  let received = ''
  socket.on('data', (chunk) => (received += chunk.toString()))
  socket.on('error', () => {})
  socket.write(text)
  return {
    socket,
    closed: new Promise((resolve) => socket.on('close', () => resolve(received))),
    until: async (expected) => {
      while (!received.includes(expected)) await pause(5)
      return received
    },
  }
}

const head = (line: string, ...headers: readonly string[]): string =>
  [line, 'Host: localhost', ...headers, '', ''].join('\r\n')
const post = (...headers: readonly string[]): string => head('POST /webhooks/vastai HTTP/1.1', ...headers)

describe('a connection is closed', () => {
  test('from which nothing comes', async () => {
    await start()
    expect(await open().closed).toBe('')
  })

  test('from which only empty lines come', async () => {
    await start()
    const { socket, closed } = open()
    const drip = setInterval(() => socket.write('\r\n'), 50)
    await closed.finally(() => clearInterval(drip))
  })

  test('whose headers drip', async () => {
    await start()
    const { socket, closed } = open('POST /webhooks/vastai HTTP/1.1\r\n')
    const drip = setInterval(() => socket.write('x-a: 1\r\n'), 50)
    expect(await closed.finally(() => clearInterval(drip))).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('whose body drips', async () => {
    await start()
    const { socket, closed } = open(post('Content-Length: 1000'))
    const drip = setInterval(() => socket.write('x'), 50)
    expect(await closed.finally(() => clearInterval(drip))).toMatch(
      /^HTTP\/1\.1 408 [\s\S]*"Request Timeout"/,
    )
  })

  test('that stays idle after its answer, but not at once', async () => {
    await start()
    const { socket, until, closed } = open(post('Content-Length: 2') + 'ok')
    await until('ok')
    await pause(250)
    expect(socket.readyState).toBe('open')
    await closed
  })

  test('beyond the most that may be open', async () => {
    await start(echo, { maxConnections: 1 })
    const first = open(post('Content-Length: 2') + 'ok')
    await first.until('ok')
    await open(post('Content-Length: 2') + 'ok').closed
    expect(first.socket.readyState).toBe('open')
  })
})

describe('what is no HTTP gets a short JSON answer', () => {
  test.each([
    ['garbage', 'nonsense\r\n\r\n', 400, 'Bad Request'],
    ['two lengths', post('Content-Length: 1', 'Content-Length: 2'), 400, 'Bad Request'],
    ['a length and chunks', post('Content-Length: 1', 'Transfer-Encoding: chunked'), 400, 'Bad Request'],
    ['a negative length', post('Content-Length: -1'), 400, 'Bad Request'],
    ['a bad chunk', `${post('Transfer-Encoding: chunked')}zz\r\n`, 400, 'Bad Request'],
    ['64 KB of headers', post(`x-long: ${'x'.repeat(64 * 1024)}`), 431, 'Request Header Fields Too Large'],
  ])('%s', async (_what, text, status, error) => {
    await start()
    const answer = await open(text).closed
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(answer).toContain('Content-Type: application/json')
    expect(answer.split('\r\n\r\n')[1]).toBe(JSON.stringify({ error }))
  })
})

describe('Expect: 100-continue', () => {
  test('is granted for a body that would be read', async () => {
    await start()
    const { socket, until } = open(post('Expect: 100-continue', 'Content-Length: 5'))
    await until('HTTP/1.1 100 Continue')
    socket.write('hello')
    expect(await until('hello')).toContain('HTTP/1.1 200 OK')
  })

  test.each([
    ['a body over the limit', post('Expect: 100-continue', 'Content-Length: 101')],
    [
      'a path of no source',
      head('POST /webhooks/other HTTP/1.1', 'Expect: 100-continue', 'Content-Length: 5'),
    ],
    ['another method', head('PUT /webhooks/vastai HTTP/1.1', 'Expect: 100-continue', 'Content-Length: 5')],
  ])('is not for %s: the final answer comes at once, and the connection ends', async (_what, text) => {
    await start(async (_request, response) => void response.writeHead(413).end('{}'))
    const answer = await open(text).closed
    expect(answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close/i)
    expect(answer).not.toContain('100 Continue')
  })
})

describe('health', () => {
  test('lives while it answers', async () => {
    await start()
    expect(await get('/healthz')).toMatch(/^HTTP\/1\.1 200 [\s\S]*\{"status":"ok"\}$/)
    expect(await get('/healthz?from=probe')).toMatch(/^HTTP\/1\.1 200 /)
    expect(await get('http://any.example/healthz')).toMatch(/^HTTP\/1\.1 200 /)
    expect(await get('/healthz', 'HEAD')).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\n$/)
    expect(await get('/healthz', 'POST')).toMatch(/^HTTP\/1\.1 405 /)
  })

  test('is ready while the inbox is', async () => {
    await start()
    expect(await get('/readyz')).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('is not ready while the inbox is not', async () => {
    await start()
    isReady = false
    expect(await get('/readyz')).toMatch(/^HTTP\/1\.1 503 /)
  })
})

describe('a drain', () => {
  test('answers what is under way, says that the connection ends, and then is done', async () => {
    let answer: (() => void) | undefined
    await start(async (_request, response) => {
      answer = () => response.end('late')
    })
    const { closed } = open(post('Content-Length: 0'))
    await pause(50)
    const drained = server!.drain({ announceMs: 0, graceMs: 5000 })
    await pause(50)
    answer?.()
    expect(await closed).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*late/i)
    await drained
  })

  test('tells on kept connections that it is not ready, and ends them', async () => {
    await start(async (_request, response) => void setTimeout(() => response.end('ok'), 150))
    const { socket, closed, until } = open(post('Content-Length: 0'))
    await pause(50)
    const drained = server!.drain({ announceMs: 0, graceMs: 5000 })
    socket.write(head('GET /readyz HTTP/1.1'))
    await until('ok')
    await closed
    await drained
  })

  test('ends idle connections at once and takes no new ones', async () => {
    await start(echo, { keepAliveTimeoutMs: 60_000, silenceTimeoutMs: 60_000 })
    const idle = open(post('Content-Length: 2') + 'ok')
    await idle.until('ok')
    const silent = open()
    await pause(20)
    await server!.drain({ announceMs: 0, graceMs: 5000 })
    await Promise.all([idle.closed, silent.closed])
    expect(await open(post('Content-Length: 0')).closed).toBe('')
  })

  test('first answers what comes on kept connections, and announces their end', async () => {
    await start()
    const { closed, socket, until } = open(post('Content-Length: 5') + 'first')
    await until('first')
    const drained = server!.drain({ announceMs: 100, graceMs: 5000 })
    socket.write(post('Content-Length: 6') + 'second')
    expect(await closed).toMatch(/connection: keep-alive[\s\S]*first[\s\S]*connection: close[\s\S]*second/i)
    await drained
  })

  test('cuts off at its deadline what will not end', async () => {
    await start(async () => {}, { requestTimeoutMs: 60_000 })
    const { closed } = open(post('Content-Length: 0'))
    await pause(50)
    await server!.drain({ announceMs: 0, graceMs: 100 })
    expect(await closed).toBe('')
  })
})

test('a port that is taken is an error to be told', async () => {
  await start()
  const second = new PublicServer({
    postern: { node: echo, isReady: async () => true },
    maxBodyBytesAt: () => undefined,
  })
  await expect(second.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})
