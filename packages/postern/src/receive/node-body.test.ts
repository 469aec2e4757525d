/** What others may have done to a Node request before the inbox has it. */
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { sign } from '../core/index.ts'
import { createPostern, type Postern } from '../postern.ts'
import { custom } from '../providers/index.ts'
import { memory } from '../stores/memory/index.ts'
import { bodyScheme } from '../../../../test/support/body-scheme.ts'

/** Longer than one chunk of a connection. */
const BODY = JSON.stringify({ id: 'evt_1', type: 'order.paid', note: 'ä'.repeat(100_000) })
const source = custom({
  secret: 'a secret of more than sixteen bytes',
  scheme: bodyScheme,
  envelope: { id: [{ json: ['id'] }], type: { json: ['type'] } },
})

let reasons: string[] = []
let warnings: string[] = []

beforeEach(() => {
  reasons = []
  warnings = []
})

type Step = (request: IncomingMessage) => unknown

const hasClosed: Step = async (request) => {
  if (!request.closed) await once(request, 'close')
}

describe('a body that was read before is 503 with a warning', () => {
  test.each<readonly [string, Step]>([
    ['at once', (request) => buffer(request)],
    // Node has destroyed the request by then, as it does where the connection breaks.
    ['and the request has closed', (request) => Promise.all([buffer(request), hasClosed(request)])],
    [
      'by a loop, and the request has closed',
      async (request) => {
        for await (const chunk of request) void chunk
        await hasClosed(request)
      },
    ],
    ['by nobody that kept it', (request) => Promise.all([request.resume(), hasClosed(request)])],
    [
      'in part',
      async (request) => {
        await once(request, 'readable')
        request.read(10)
      },
    ],
    // Text is no bytes: its chunks threw in a listener, which ends the process.
    ['as text, from now on', (request) => request.setEncoding('utf8')],
    [
      'as text, in part',
      async (request) => {
        request.setEncoding('latin1')
        await once(request, 'readable')
      },
    ],
  ])('%s', async (_what, before) => {
    expect(await statusAfter(before)).toBe(503)
    expect(reasons).toEqual(['body_already_parsed'])
    expect(warnings).toEqual([expect.stringContaining('mount the inbox before any body parser')])
  })
})

describe('a body that nobody has read is received', () => {
  test.each<readonly [string, Step]>([
    ['where the request was paused', (request) => request.pause()],
    [
      'where it was paused, and has arrived',
      async (request) => {
        request.pause()
        await once(request, 'readable')
      },
    ],
    [
      'where a parser has left its bytes, and the request has closed',
      async (request) => {
        Object.assign(request, { body: await buffer(request) })
        await hasClosed(request)
      },
    ],
    [
      'where a parser has left them beside what it made, and the request has closed',
      async (request) => {
        const rawBody = await buffer(request)
        Object.assign(request, { rawBody, body: JSON.parse(rawBody.toString()) as unknown })
        await hasClosed(request)
      },
    ],
  ])('%s', async (_what, before) => {
    expect(await statusAfter(before)).toBe(200)
    expect(reasons).toEqual([])
  })
})

describe('a connection that breaks is one, and no mistake of the app', () => {
  const HALF = `POST /webhooks/shop HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"id":`

  test.each<readonly [string, Step]>([
    ['while nobody reads', () => {}],
    ['before the inbox has the request', (request) => new Promise((resolve) => request.on('close', resolve))],
    ['while a parser reads', (request) => buffer(request).catch(() => {})],
    [
      'and the parser has been at it for long',
      async (request) => {
        await buffer(request).catch(() => {})
        await hasClosed(request)
      },
    ],
  ])('%s', async (_what, before) => {
    const { port, served } = await serving(async (request) => {
      // A listener, as some have it: without one Node emits no error either.
      request.on('error', () => {})
      socket.destroy()
      await before(request)
    })
    const socket = connect(port, '127.0.0.1', () => socket.write(HALF))
    await served
    expect(reasons).toEqual(['client_disconnected'])
    expect(warnings).toEqual([])
  })
})

/** The status of a good request that somebody has at first. */
async function statusAfter(before: Step): Promise<number | undefined> {
  const { port } = await serving(before)
  const headers = sign(source, { body: BODY, nowMs: 0 })
  const request = httpRequest({ port, path: '/webhooks/shop', method: 'POST', headers, agent: false })
  request.end(BODY)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode
}

async function serving(before: Step): Promise<{ readonly port: number; readonly served: Promise<void> }> {
  const postern = anInbox()
  let done = (): void => {}
  const served = new Promise<void>((resolve) => (done = resolve))
  const server = createServer(async (request, response) => {
    await before(request)
    await postern.node(request, response)
    done()
  })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { port: (server.address() as AddressInfo).port, served }
}

function anInbox(): Postern {
  return createPostern({
    store: memory(),
    sources: { shop: source },
    log: { debug() {}, info() {}, warn: (text) => void warnings.push(text), error() {} },
    observe: (occurrence) => occurrence.kind === 'rejected' && reasons.push(occurrence.reason),
  })
}
