import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { createPostern, sign, type Logger, type NewEvent, type Postern, type Sources } from 'postern'
import { memory } from 'postern/memory'
import { standardWebhooks } from 'postern/providers'
import { expect, onTestFinished } from 'vitest'
import { Forwarding } from '../../packages/gateway/src/forward/index.ts'
import type { OutletParts } from '../../packages/gateway/src/forward/outlet.ts'
import type { Sender } from '../../packages/gateway/src/forward/sender.ts'
import type { ResolvedDestination } from '../../packages/gateway/src/forward/index.ts'
import type { Resolve } from '../../packages/gateway/src/forward/guarded-connect.ts'
import type { Time } from '../../packages/gateway/src/forward/time.ts'

/** Keys of 32 bytes: what the sources are signed with, and what two destinations are. */
export const SOURCE_SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
export const SECRET = `whsec_${Buffer.alloc(32, 2).toString('base64')}`
export const OTHER_SECRET = `whsec_${Buffer.alloc(32, 3).toString('base64')}`

export const OWN_MACHINE = ['127.0.0.0/8']

type Store = ReturnType<typeof memory>

export interface ForwardingOptions {
  readonly destinations: Readonly<Record<string, Partial<ResolvedDestination> & { readonly url: string }>>
  /** Those that send something of their own. */
  readonly others?: (parts: OutletParts) => readonly Sender[]
  /** Beside `shop`. */
  readonly sources?: Sources
  readonly log?: Logger
  readonly store?: Store
  readonly time?: Time
  readonly resolve?: Resolve
  /** Whether the worker runs. Default true. */
  readonly isStarted?: boolean
}

export interface Forwarded {
  readonly postern: Postern
  readonly forwarding: Forwarding
  readonly store: Store
  /** Sends a signed event of the source `shop`. */
  send(id: string, body?: string | Uint8Array, headers?: Readonly<Record<string, string>>): Promise<void>
  stop(): Promise<void>
}

/** An inbox with a source `shop` and destinations, all of them on this machine. */
export async function forwardingInbox(options: ForwardingOptions): Promise<Forwarded> {
  const { store = memory(), time, resolve } = options
  const source = standardWebhooks({ secret: SOURCE_SECRET })
  const sources: Sources = { shop: source, ...options.sources }
  const log = options.log ?? { debug() {}, info() {}, warn() {}, error() {} }
  const destinations = Object.entries(options.destinations).map(([name, given]) => ({
    name,
    secrets: [SECRET],
    allowNetworks: OWN_MACHINE,
    ...given,
  }))
  const forwarding = new Forwarding({
    destinations,
    ...(options.others && { others: options.others }),
    sources: Object.keys(sources),
    state: store.state,
    log,
    ...(time && { time }),
    ...(resolve && { resolve }),
  })
  const postern = createPostern({
    store,
    sources,
    handlers: (on) => forwarding.registrations(on),
    log,
  })
  await forwarding.start()
  if (options.isStarted !== false) await postern.start()
  let stopped: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    await postern.stop({ graceMs: 0 })
    await forwarding.stop()
  }
  const stopOnce = (): Promise<void> => (stopped ??= stop())
  onTestFinished(stopOnce)
  return {
    postern,
    forwarding,
    store,
    stop: stopOnce,
    async send(id, body = JSON.stringify({ type: 'order.paid', id }), headers = {}) {
      const bytes = Buffer.from(body)
      const signed = sign(source, { body: bytes, nowMs: Date.now(), id })
      const request = new Request('http://inbox/webhooks/shop', {
        method: 'POST',
        body: bytes,
        headers: { 'content-type': 'application/json', ...headers, ...signed },
      })
      const response = await postern.fetch(request)
      expect([response.status, await response.text()]).toEqual([200, '{"received":true}'])
    },
  }
}

/** What a target was sent. */
export interface Received {
  readonly url: string
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: Buffer
}

/** A target on 127.0.0.1, with what it has had and how much of that at once. */
export interface RecordingTarget {
  readonly url: string
  readonly received: Received[]
  readonly inFlight: () => number
  readonly peak: () => number
  /** The ids that came, in the order they came. */
  ids(): readonly string[]
  /** From now on every connection to it is reset, those that are open as well, until it comes back. */
  goDown(): void
  comeBack(): void
}

type Answering = (request: Received, response: ServerResponse) => void

/** Answers 204 by default. Closed after the test. */
export async function recordingTarget(answer: Answering = taken): Promise<RecordingTarget> {
  const received: Received[] = []
  let inFlight = 0
  let peak = 0
  let isDown = false
  const server = createServer((request, response) => {
    inFlight += 1
    peak = Math.max(peak, inFlight)
    response.on('close', () => (inFlight -= 1))
    const take = (each: Received): void => {
      received.push(each)
      answer(each, response)
    }
    // What is cut off, as by the death of its sender, has not been received.
    void read(request).then(take, () => {})
  })
  // It keeps its port: one that is free meanwhile may be somebody else's afterwards.
  server.on('connection', (socket) => isDown && socket.resetAndDestroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`,
    received,
    inFlight: () => inFlight,
    peak: () => peak,
    ids: () => received.map(({ headers }) => String(headers['postern-event-id'])),
    goDown: () => {
      isDown = true
      server.closeAllConnections()
    },
    comeBack: () => void (isDown = false),
  }
}

export function taken(_request: Received, response: ServerResponse): void {
  response.writeHead(204).end()
}

async function read(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { url = '', rawHeaders, headers } = request
  return { url, rawHeaders, headers, body: Buffer.concat(chunks) }
}

/** A stored event, put without a request: for tests that need many. */
export function storedEvent(index: number, destinations: readonly string[]): NewEvent {
  return {
    tenant: '',
    source: 'shop',
    id: `evt_${index}`,
    idKind: 'signed',
    type: 'order.paid',
    createdMs: undefined,
    orderingKey: undefined,
    onDead: undefined,
    verifiedBy: 'test',
    body: Buffer.from(`{"n":${index}}`),
    headers: ['content-type', 'application/json'],
    dedupeWindowMs: 1_000_000,
    onConflict: 'hold',
    destinations,
  }
}

export async function until(holds: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const endMs = performance.now() + withinMs
  while (performance.now() < endMs && !(await holds())) await wait(5)
  expect(await holds()).toBe(true)
}
