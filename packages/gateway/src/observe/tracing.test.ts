import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createPostern, type Postern } from 'postern'
import { memory } from 'postern/memory'
import { vastai } from 'postern/providers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { tracedHandlers, tracedReceiving, traceOccurrence } from './tracing.ts'

const SECRET = 'a secret of more than sixteen bytes'
const SENDERS_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const TRACEPARENT = `00-${SENDERS_TRACE}-00f067aa0ba902b7-01`

const exporter = new InMemorySpanExporter()

function loadSdk(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  )
}

beforeEach(() => {
  failing = undefined
  activeInHandler = undefined
})
afterEach(() => exporter.reset())

let failing: Error | undefined
let activeInHandler: string | undefined

function anInbox(): Postern {
  const postern = createPostern({
    store: memory(),
    sources: { vastai: vastai({ secret: SECRET }) },
    handlers: (on) =>
      tracedHandlers([
        on(
          'vastai',
          '*',
          async () => {
            await Promise.resolve()
            activeInHandler = trace.getActiveSpan()?.spanContext().spanId
            if (failing !== undefined) throw failing
          },
          { name: 'billing' },
        ),
      ]),
    log: { debug() {}, info() {}, warn() {}, error() {} },
    observe: traceOccurrence,
  })
  onTestFinished(() => postern.stop({ graceMs: 0 }))
  return postern
}

interface Sent {
  readonly secret?: string
  readonly path?: string
  readonly traceparent?: string
}

async function send(
  postern: Postern,
  { secret = SECRET, path = '/webhooks/vastai?token=hidden', traceparent = TRACEPARENT }: Sent = {},
): Promise<number> {
  const server = createServer(tracedReceiving(postern.node))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const body = JSON.stringify({ id: 'evt_1', type: 'outbid', data: { word: 'in-the-body' }, created: 1 })
  const timestamp = String(Math.floor(Date.now() / 1000))
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
  const headers = { 'x-vastai-signature': signature, 'x-vastai-timestamp': timestamp, traceparent }
  const { port } = server.address() as AddressInfo
  const { status } = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body })
  await new Promise((closed) => {
    server.close(closed)
    server.closeAllConnections()
  })
  return status
}

function spanNamed(name: string): ReadableSpan {
  const span = exporter.getFinishedSpans().find((each) => each.name === name)
  if (span === undefined) throw new Error(`no span ${name}`)
  return span
}

function linked({ links }: ReadableSpan): readonly string[] {
  return links.map((link) => link.context.traceId)
}

// The first: a tracer that has once found an SDK keeps to it.
test('without an SDK everything works, and nothing is recorded', async () => {
  const postern = anInbox()
  expect(await send(postern)).toBe(200)
  expect(await postern.drain()).toBe(1)
  expect([activeInHandler, exporter.getFinishedSpans()]).toEqual([undefined, []])
})

describe('with an SDK', () => {
  beforeAll(loadSdk)
  afterAll(() => {
    context.disable()
    propagation.disable()
    trace.disable()
  })

  test('a request and each try of its deliveries have a span, linked to the sender’s trace', async () => {
    const postern = anInbox()
    expect(await send(postern)).toBe(200)
    await postern.drain()

    const received = spanNamed('postern receive vastai')
    expect(received.attributes).toEqual({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'postern.source': 'vastai',
      'postern.outcome': 'stored',
      'postern.event.id': 'evt_1',
      'postern.event.type': 'outbid',
      'postern.event.seq': 1,
      'postern.deliveries': 1,
    })
    const handled = spanNamed('postern handle billing')
    expect(handled.attributes).toMatchObject({
      'postern.event.id': 'evt_1',
      'postern.destination': 'billing',
      'postern.attempt': 1,
    })
    expect(activeInHandler).toBe(handled.spanContext().spanId)
    for (const span of [received, handled]) {
      expect(linked(span)).toEqual([SENDERS_TRACE])
      expect(span.spanContext().traceId).not.toBe(SENDERS_TRACE)
      expect(span.parentSpanContext).toBeUndefined()
    }
  })

  test('a refused request says why, and a path that there is not is no name of a span', async () => {
    const postern = anInbox()
    expect(await send(postern, { secret: 'another secret of sixteen bytes' })).toBe(401)
    expect(spanNamed('postern receive vastai').attributes).toMatchObject({
      'http.response.status_code': 401,
      'postern.reason': 'signature_mismatch',
    })
    exporter.reset()
    await send(postern, { path: '/webhooks/of-a-stranger' })
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['postern receive'])
  })

  test('a handler that fails has an error without its words', async () => {
    const postern = anInbox()
    failing = new TypeError('password hunter2 was refused')
    await send(postern)
    await postern.drain()
    const { attributes, status, events } = spanNamed('postern handle billing')
    expect([attributes['error.type'], status, events]).toEqual(['TypeError', { code: 2 }, []])
  })

  test('nothing of a body, a header, a query or an error’s message is in a span', async () => {
    const postern = anInbox()
    failing = new Error('password hunter2 was refused')
    await send(postern)
    await send(postern, { secret: 'another secret of sixteen bytes' })
    await postern.drain()
    const written = JSON.stringify(
      exporter.getFinishedSpans().map(({ name, attributes, events, links, status }) => ({
        name,
        attributes,
        events,
        links,
        status,
      })),
    )
    expect(written).toContain('evt_1')
    for (const hidden of ['in-the-body', 'hidden', 'hunter2', 'signature"', SECRET])
      expect(written).not.toContain(hidden)
  })

  test('a malformed traceparent links to nothing', async () => {
    await send(anInbox(), { traceparent: '00-zz-zz-01' })
    expect(spanNamed('postern receive vastai').links).toEqual([])
  })
})
