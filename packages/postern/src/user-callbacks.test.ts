import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { sign, type Logger, type Source } from './core/index.ts'
import { createPostern, type Postern, type PosternOptions } from './postern.ts'
import type { Sources } from './sources.ts'
import { custom } from './providers/index.ts'
import { memory, type MemoryEffect } from './stores/memory/index.ts'

// A promise that is rejected unheard fails the run: Vitest listens where a process would end.

const BODY = '{"id":"evt_1","type":"order.paid"}'
const source: Source = custom({
  secret: 'a secret of more than sixteen bytes',
  scheme: {
    algorithm: 'hmac-sha256',
    key: { as: 'utf8' },
    signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
    content: ['body'],
  },
  envelope: { id: [{ json: ['id'] }], type: { json: ['type'] } },
})
const headers = sign(source, { body: BODY, nowMs: 0 })

function throwing(): never {
  throw new Error('thrown by the user')
}

async function rejecting(): Promise<void> {
  throw new Error('rejected by the user')
}

function anInbox(options: Partial<PosternOptions<Sources, MemoryEffect>>): Postern {
  const postern = createPostern<Sources, MemoryEffect>({
    store: memory(),
    sources: { shop: source },
    ...options,
  })
  onTestFinished(() => postern.stop({ graceMs: 0 }))
  return postern
}

function send(postern: Postern, given: Readonly<Record<string, string>> = headers): Promise<Response> {
  return postern.fetch(
    new Request('http://inbox.test/webhooks/shop', { method: 'POST', headers: given, body: BODY }),
  )
}

test.each([
  ['throws', throwing],
  ['rejects', rejecting],
])('a log that %s changes no answer, and ends no worker', async (_what, say) => {
  const log: Logger = { debug: say, info: say, warn: say, error: say }
  const store = memory()
  vi.spyOn(store, 'claim').mockRejectedValueOnce(new Error('out of reach'))
  const ran = vi.fn()
  const postern = anInbox({ store, log, observe: throwing, handlers: (on) => [on('shop', '*', ran)] })
  await postern.start()
  expect((await send(postern)).status).toBe(200)
  await vi.waitFor(() => expect(ran).toHaveBeenCalledOnce(), 5000)
})

test('a log that throws leaves a request that cannot be looked at its 503', async () => {
  const log: Logger = { debug: throwing, info: throwing, warn: throwing, error: throwing }
  expect((await send(anInbox({ log, now: throwing }))).status).toBe(503)
})

test('a log that is an object of a class is called as one, and with no more than there is', async () => {
  const lines: unknown[][] = []
  class Log implements Logger {
    readonly #lines = lines
    debug(): void {}
    info(): void {}
    warn(...line: unknown[]): void {
      this.#lines.push(line)
    }
    error(...line: unknown[]): void {
      this.#lines.push(line)
    }
  }
  anInbox({ log: new Log(), sources: { shop: { ...source, warnings: ['an oddity'] } } })
  expect(lines).toEqual([['sources.shop: an oddity']])
})

test('what an asynchronous observer rejects with is logged', async () => {
  const error = vi.fn()
  const log: Logger = { debug() {}, info() {}, warn() {}, error }
  expect((await send(anInbox({ log, observe: rejecting }))).status).toBe(200)
  await vi.waitFor(() =>
    expect(error).toHaveBeenCalledWith('the observer threw', {
      kind: 'accepted',
      error: new Error('rejected by the user'),
    }),
  )
})

test.each([
  ['throws', throwing],
  ['rejects', rejecting as never],
])('a clientOf that %s leaves a request its answer, and is logged once a second', async (_what, clientOf) => {
  const error = vi.fn()
  const log: Logger = { debug() {}, info() {}, warn() {}, error }
  const postern = anInbox({ log, clientOf })
  const port = await listening(postern)
  for (let count = 0; count < 3; count += 1) {
    const request = httpRequest({ port, path: '/webhooks/shop', method: 'POST', headers, agent: false })
    request.end(BODY)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    expect(response.statusCode).toBe(200)
  }
  expect(error).toHaveBeenCalledTimes(1)
})

test('a clientOf that expects an address survives a connection that has none any more', async () => {
  const asked = vi.fn()
  const postern = anInbox({
    log: { debug() {}, info() {}, warn() {}, error: asked },
    clientOf: ({ socket }) => {
      // What is gone before it is asked for, as after a reset.
      socket.destroy()
      return (socket.remoteAddress as string).replace('::ffff:', '')
    },
  })
  const socket = connect(await listening(postern), '127.0.0.1')
  socket.end('POST /webhooks/shop HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}')
  await once(socket, 'close')
  expect(asked).toHaveBeenCalledOnce()
})

async function listening(postern: Postern): Promise<number> {
  const server = createServer((request, response) => void postern.node(request, response))
  onTestFinished(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}
