/**
 * GitHub's own payloads (`@octokit/webhooks-examples`), signed by GitHub's own library (`@octokit/webhooks-methods`),
 * over HTTP into the built package and its embedded store.
 */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sign } from '@octokit/webhooks-methods'
import { createPostern, type EventSummary, type Postern } from 'postern'
import { github } from 'postern/providers'
import { sqlite, type SqliteStore } from 'postern/sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const SECRET = "It's a Secret to Everybody"

interface Delivery {
  readonly id: string
  readonly type: string
  readonly body: string
}

interface Sent {
  readonly status: number
  readonly answer: unknown
}

// The package is a JSON file, and its types are those of one.
const examples = createRequire(import.meta.url)('@octokit/webhooks-examples') as readonly {
  readonly name: string
  readonly examples: readonly object[]
}[]

const deliveries: readonly Delivery[] = examples.flatMap(({ name, examples: bodies }) =>
  bodies.map((body, index) => ({ id: `${name}-${index}`, type: name, body: JSON.stringify(body) })),
)

/** The first delivery of each body: what GitHub does not sign, its id included, cannot tell two of them apart. */
const firstOfEachBody = deliveries.filter(
  (delivery, index) => deliveries.findIndex(({ body }) => body === delivery.body) === index,
)

const copies = deliveries.filter((delivery) => !firstOfEachBody.includes(delivery))

let folder: string
let store: SqliteStore
let postern: Postern
let server: Server
let url: string
const sent = new Map<string, Sent>()
const handled: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-octokit-'))
  store = sqlite(join(folder, 'postern.db'))
  postern = createPostern({
    store,
    sources: { github: github({ secret: SECRET }) },
    handlers: (on) => [on('github', '*', (event) => handled.push(event.id))],
  })
  server = createServer((request, response) => void postern.node(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on TCP has such an address.
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/github`
  for (const delivery of deliveries) sent.set(delivery.id, await send(delivery))
  await postern.drain()
})

afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await postern.stop()
  await rm(folder, { recursive: true, force: true })
})

describe("GitHub's payloads", () => {
  it('are many, and five of them are copies of others', () => {
    expect(deliveries.length).toBeGreaterThan(300)
    expect(new Set(deliveries.map(({ id }) => id)).size).toBe(deliveries.length)
    expect(copies.map(({ type }) => type).toSorted()).toEqual([
      'github_app_authorization',
      'membership',
      'org_block',
      'organization',
      'sponsorship',
    ])
  })

  it('are all verified', () => {
    expect([...sent.values()].filter(({ status }) => status !== 200)).toEqual([])
    expect(sent.size).toBe(deliveries.length)
  })

  it('are duplicates exactly where their bytes came before, whatever their unsigned id', () => {
    const duplicates = deliveries.filter(({ id }) =>
      JSON.stringify(sent.get(id)).includes('"duplicate":true'),
    )
    expect(duplicates).toEqual(copies)
    expect(firstOfEachBody.map(({ id }) => sent.get(id)?.answer)).toEqual(
      firstOfEachBody.map(() => ({ received: true })),
    )
  })

  it('are stored once each, with id, type and the exact bytes', async () => {
    const { events } = await store.list({ of: 'events', limit: 1000 })
    const stored = await Promise.all(events.map(bytesOf))
    const expected = firstOfEachBody.map(({ id, type, body }) => ({
      id,
      type,
      body: Buffer.from(body).toString('base64'),
    }))
    expect(stored.toSorted(byId)).toEqual(expected.toSorted(byId))
  })

  it('are handled exactly once each', () => {
    expect(handled.toSorted()).toEqual(firstOfEachBody.map(({ id }) => id).toSorted())
  })

  it('leave nothing pending, leased or dead', async () => {
    expect(await postern.drain()).toBe(0)
    const { events, destinations } = await store.stat()
    expect(events).toBe(firstOfEachBody.length)
    expect(destinations.filter(({ pending, leased, dead }) => pending + leased + dead > 0)).toEqual([])
  })

  it('count their copies', async () => {
    const { events } = await store.list({ of: 'events', limit: 1000 })
    const details = await Promise.all(events.map(({ eventSeq }) => store.get(eventSeq)))
    const counted = details.filter((detail) => detail?.duplicates === 1).map((detail) => detail?.event.type)
    expect(counted.toSorted()).toEqual(copies.map(({ type }) => type).toSorted())
  })

  it('are refused with one byte more, and nothing of that is stored', async () => {
    const before = (await store.stat()).events
    const delivery = deliveries[0]!
    const signature = await sign(SECRET, delivery.body)
    const forged = await post({ ...delivery, id: 'forged', body: `${delivery.body} ` }, signature)
    expect(forged).toEqual({ status: 401, answer: { error: 'Invalid signature' } })
    expect((await store.stat()).events).toBe(before)
  })

  it('sent again under another id are duplicates, and are not handled again', async () => {
    const delivery = firstOfEachBody[0]!
    const again = await send({ ...delivery, id: 'a fresh id' })
    expect(again).toEqual({ status: 200, answer: { received: true, duplicate: true } })
    expect(await postern.drain()).toBe(0)
    expect(handled).not.toContain('a fresh id')
  })
})

async function send(delivery: Delivery): Promise<Sent> {
  return post(delivery, await sign(SECRET, delivery.body))
}

async function post(delivery: Delivery, signature: string): Promise<Sent> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-delivery': delivery.id,
      'x-github-event': delivery.type,
      'x-hub-signature-256': signature,
    },
    body: delivery.body,
  })
  return { status: response.status, answer: await response.json() }
}

async function bytesOf({ eventSeq }: EventSummary): Promise<Delivery> {
  const detail = await store.get(eventSeq)
  const { id = '', type = '', body = new Uint8Array() } = detail?.event ?? {}
  return { id, type, body: Buffer.from(body).toString('base64') }
}

function byId(left: Delivery, right: Delivery): number {
  return left.id < right.id ? -1 : 1
}
