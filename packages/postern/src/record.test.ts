import { createHmac } from 'node:crypto'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { PosternError } from './core/index.ts'
import type { Occurrence, PutResult } from './inbox/index.ts'
import { createPostern, type Postern } from './postern.ts'
import type { Recording } from './receive/index.ts'
import { asana, castaiNotifications, custom, providers } from './providers/index.ts'
import { memory, type MemoryStore } from './stores/memory/index.ts'

const SECRET = 'a secret of more than sixteen bytes'
const OTHER = 'another secret of more than sixteen bytes'
const BODY = '{"id":"evt_1","type":"order.paid","region":"eu"}'

const SCHEME = {
  algorithm: 'hmac-sha256',
  key: { as: 'utf8' },
  signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
  content: ['body'],
} as const
const SILENT = { debug() {}, info() {}, warn() {}, error() {} }
const ENVELOPE = { id: [{ json: ['id'] }], type: { json: ['type'] } } as const

let handled: unknown[] = []
let occurrences: Occurrence[] = []

beforeEach(() => {
  handled = []
  occurrences = []
})

describe('an event that came by no request', () => {
  test('is stored with its exact bytes, says who recorded it, and is handled', async () => {
    const { postern, store } = anInbox()
    const body = '{ "type":"order.paid",  "big": 12345678901234567890 }'

    expect(await postern.record('shop', { id: 'msg-1', witness: 'queue', body })).toEqual({
      outcome: 'stored',
      eventSeq: 1,
    })
    await postern.drain()

    const { event } = (await store.get(1))!
    expect(event).toMatchObject({
      source: 'shop',
      id: 'msg-1',
      type: 'order.paid',
      verifiedBy: 'record:queue',
      headers: [],
    })
    expect(Buffer.from(event.body).toString()).toBe(body)
    expect(handled).toEqual([{ id: 'msg-1', type: 'order.paid', data: JSON.parse(body) }])
    expect(occurrences[0]).toMatchObject({
      kind: 'accepted',
      outcome: 'stored',
      secretIndex: undefined,
      deliveries: 1,
    })
  })

  test('is a duplicate when it is recorded again, and handled once', async () => {
    const { postern } = anInbox()
    const recording = { id: 'msg-1', witness: 'queue', body: BODY }
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => postern.record('shop', recording)))
    await postern.drain()
    expect(outcomes.filter(({ outcome }) => outcome === 'stored')).toHaveLength(1)
    expect(outcomes.filter(({ outcome }) => outcome === 'duplicate')).toHaveLength(19)
    expect(handled).toHaveLength(1)
  })

  test('is another one under another id, with the same body too', async () => {
    const { postern } = anInbox()
    await postern.record('shop', { id: 'msg-1', witness: 'queue', body: BODY })
    expect(await postern.record('shop', { id: 'msg-2', witness: 'queue', body: BODY })).toMatchObject({
      outcome: 'stored',
    })
  })

  test('is a conflict with another body under its id, and is held', async () => {
    const { postern } = anInbox()
    await postern.record('shop', { id: 'msg-1', witness: 'queue', body: BODY })
    expect(await postern.record('shop', { id: 'msg-1', witness: 'queue', body: '{}' })).toMatchObject({
      outcome: 'conflict',
    })
    await postern.drain()
    expect(handled).toHaveLength(1)
  })

  test('is the same event as a webhook with its id', async () => {
    const { postern } = anInbox()
    await postern.record('shop', { id: 'evt_1', witness: 'queue', body: BODY })
    expect(await send(postern, SECRET)).toEqual([200, '{"received":true,"duplicate":true}'])
  })

  test('goes where a condition lets it, as any other', async () => {
    const seen: unknown[] = []
    const postern = createPostern({
      store: memory(),
      sources: { shop: custom({ scheme: SCHEME, envelope: ENVELOPE, secret: SECRET }) },
      handlers: (on) => [
        on('shop', '*', ({ id }) => void seen.push(id), {
          name: 'eu',
          when: ({ data }) => (data as { readonly region?: unknown }).region === 'eu',
        }),
      ],
    })
    await postern.record('shop', { id: 'a', witness: 'queue', body: BODY })
    await postern.record('shop', { id: 'b', witness: 'queue', body: '{"region":"us"}' })
    await postern.drain()
    expect(seen).toEqual(['a'])
    await postern.stop()
  })

  test('takes the type it is given before the one in the body', async () => {
    const { postern, store } = anInbox()
    await postern.record('shop', { id: 'a', witness: 'look', body: BODY, type: 'reconciled.order' })
    await postern.record('shop', { id: 'b', witness: 'look', body: 'not JSON' })
    expect((await store.get(1))!.event.type).toBe('reconciled.order')
    expect((await store.get(2))!.event.type).toBe('unknown')
  })

  test('is not said to be recorded before the store has it', async () => {
    const store = memory()
    let commit: () => void = () => {}
    const put = store.put.bind(store)
    const waiting = new Promise<void>((resolve) => (commit = resolve))
    store.put = async (events) => {
      const results = await put(events)
      await waiting
      return results
    }
    const { postern } = anInbox(store)
    let isDone = false
    const recording = postern
      .record('shop', { id: 'a', witness: 'queue', body: BODY })
      .then(() => (isDone = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(isDone).toBe(false)
    commit()
    await recording
    expect(isDone).toBe(true)
  })

  test.each<[string, () => Promise<PutResult[]>]>([
    ['rejects', () => Promise.reject(new Error('disk full'))],
    ['fails the event', () => Promise.resolve([{ outcome: 'failed', error: new Error('disk full') }])],
  ])('rejects where the store %s', async (_, put) => {
    const store = memory()
    store.put = put
    await expect(
      anInbox(store).postern.record('shop', { id: 'a', witness: 'queue', body: BODY }),
    ).rejects.toThrow(/disk full|could not record/)
    expect(occurrences).toEqual([])
  })

  test.each([
    ['an unknown source', 'shpo', {}],
    ['an empty id', 'shop', { id: '' }],
    ['a long id', 'shop', { id: 'x'.repeat(256) }],
    ['an id that no store could keep', 'shop', { id: 'a\0b' }],
    ['half a character', 'shop', { id: '\uD800' }],
    ['an empty type', 'shop', { type: '' }],
    ['a number for an id', 'shop', { id: 5 }],
    ['a list for an id', 'shop', { id: ['x'] }],
    ['no id', 'shop', { id: undefined }],
    ['a number for a type', 'shop', { type: 7 }],
    ['no witness', 'shop', { witness: undefined }],
    ['a body that is neither text nor bytes', 'shop', { body: { a: 1 } }],
    ['no body', 'shop', { body: undefined }],
    ['a witness that could be mistaken', 'shop', { witness: 'a:b' }],
    ['a body that the source would not take', 'shop', { body: 'x'.repeat(1025) }],
  ])('is refused for %s', async (_, source, changed) => {
    const { postern, store } = anInbox()
    const recording = { id: 'a', witness: 'queue', body: BODY, ...changed } as Recording
    const recorded = postern.record(source, recording)
    await expect(recorded).rejects.toThrow(expect.objectContaining({ code: 'bad_event' }))
    expect((await store.list({ of: 'events', limit: 10 })).events).toEqual([])
  })

  test('is never mistaken for a verified one: no scheme of the catalogue has such a name', () => {
    const names = providers.flatMap(({ schemes }) => schemes.map(({ name }) => name))
    expect(names.filter((name) => name.startsWith('record:'))).toEqual([])
  })
})

describe("a source's secret, replaced while it runs", () => {
  test('counts from the next request on', async () => {
    const { postern } = anInbox()
    expect(await statusOf(postern, SECRET)).toBe(200)
    postern.setSecret('shop', OTHER)
    expect(await statusOf(postern, SECRET)).toBe(401)
    expect(await statusOf(postern, OTHER)).toBe(200)
  })

  test('may overlap with the one before', async () => {
    const { postern } = anInbox()
    postern.setSecret('shop', [OTHER, SECRET])
    expect([await statusOf(postern, SECRET), await statusOf(postern, OTHER)]).toEqual([200, 200])
  })

  test('none at all is our fault, which senders try again', async () => {
    const { postern } = anInbox()
    postern.setSecret('shop', [])
    expect(await statusOf(postern, SECRET)).toBe(503)
    postern.setSecret('shop', SECRET)
    expect(await statusOf(postern, SECRET)).toBe(200)
  })

  test('is not to be another source’s, where one of them is sent it with every request', async () => {
    const sources = {
      one: castaiNotifications({ secret: SECRET }),
      two: castaiNotifications({ secret: OTHER }),
    }
    const postern = createPostern({ store: memory(), sources, log: SILENT })
    expect(() => postern.setSecret('two', SECRET)).toThrow(/have the same secret/)
    await postern.stop()
  })

  test('is not to be replaced where handshakes bring it: anybody could bring the next', async () => {
    const sources = { asana: asana({ handshake: { keep: () => {} } }) }
    const postern = createPostern({ store: memory(), sources, log: SILENT })
    expect(() => postern.setSecret('asana', [])).toThrow(/handshakes bring its secrets/)
    await postern.stop()
  })

  test('is refused where construction would refuse it, and the old one stays', async () => {
    const { postern } = anInbox()
    expect(() => postern.setSecret('shpo', OTHER)).toThrow(PosternError)
    expect(() => postern.setSecret('hex', 'no hexadecimal')).toThrow(
      expect.objectContaining({ code: 'bad_secret' }),
    )
    expect(await statusOf(postern, SECRET)).toBe(200)
  })
})

function anInbox(store: MemoryStore = memory()): { postern: Postern; store: MemoryStore } {
  const postern = createPostern({
    store,
    sources: {
      shop: custom({ scheme: SCHEME, envelope: ENVELOPE, secret: SECRET, maxBodyBytes: 1024 }),
      hex: custom({ scheme: { ...SCHEME, key: { as: 'hex' } }, envelope: ENVELOPE, secret: '00'.repeat(16) }),
    },
    handlers: (on) => [on('shop', '*', ({ id, type, data }) => void handled.push({ id, type, data }))],
    observe: (occurrence) => void occurrences.push(occurrence),
    log: SILENT,
  })
  onTestFinished(() => postern.stop({ graceMs: 0 }))
  return { postern, store }
}

async function send(postern: Postern, secret: string): Promise<[number, string]> {
  const signature = createHmac('sha256', secret).update(BODY).digest('hex')
  const answer = await postern.fetch(
    new Request('http://inbox/webhooks/shop', {
      method: 'POST',
      body: BODY,
      headers: { 'x-signature': signature },
    }),
  )
  return [answer.status, await answer.text()]
}

async function statusOf(postern: Postern, secret: string): Promise<number> {
  return (await send(postern, secret))[0]
}
