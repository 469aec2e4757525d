/**
 * Defects of other inboxes, relays and gateways in what comes before and after verification, each named after the product
 * and, where it was reported, the issue. Those in verification itself are in `peers-defects.test.ts`.
 */
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { verify as octokitVerify } from '@octokit/webhooks-methods'
import { createPostern, sign, type Postern, type PosternOptions, type Source } from 'postern'
import { memory } from 'postern/memory'
import { github, standardWebhooks, stripe } from 'postern/providers'
import { sqlite } from 'postern/sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { forwardingInbox, recordingTarget, until } from './support/forwarding.ts'
import { tempFolder } from './support/inbox.ts'

const SECRET = 'a signing secret, long enough'
const WHSEC = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const DAY_MS = 86_400_000
const silent = { debug() {}, info() {}, warn() {}, error() {} }

const STORED = [200, '{"received":true}']
const DUPLICATE = [200, '{"received":true,"duplicate":true}']
const REFUSED = [401, '{"error":"Invalid signature"}']

type Store = PosternOptions<Record<string, Source>, never>['store']
type Headers = Readonly<Record<string, string>>

interface Inbox {
  readonly postern: Postern
  /** Ids, in the order in which handlers had them. */
  readonly had: string[]
}

function inbox(source: Source, store: Store, now = (): number => NOW_MS): Inbox {
  const had: string[] = []
  const postern = createPostern({
    store,
    sources: { own: source },
    handlers: (on) => [on('own', '*', ({ id }) => void had.push(id))],
    log: silent,
    now,
  })
  onTestFinished(() => postern.stop({ graceMs: 0 }))
  return { postern, had }
}

async function send({ postern }: Inbox, headers: Headers, body: string): Promise<readonly [number, string]> {
  const response = await postern.fetch(
    new Request('http://inbox/webhooks/own', { method: 'POST', headers: { ...headers }, body }),
  )
  return [response.status, await response.text()]
}

function stripeEvent(id: string): string {
  return JSON.stringify({ id, type: 'invoice.paid', data: { object: { id: 'in_1' } } })
}

describe('smee, probot/smee.io#9 and probot/smee-client#325: JSON is written anew on its way', () => {
  test('what is relayed are the bytes that came, and every value of a header that came twice', async () => {
    const target = await recordingTarget()
    const { postern, stop } = await forwardingInbox({
      sources: { hub: github({ secret: SECRET }) },
      destinations: {
        app: { url: target.url, headers: { pass: ['x-hub-signature-256', 'x-github-event', 'x-twice'] } },
      },
    })
    const body = '{ "n" : 1.50,\r\n\t"text":"\\u00e9 é \\/", "n":2e0 }\n'
    await postFrom(postern, '/webhooks/hub', body, [
      ...Object.entries(sign(github({ secret: SECRET }), { body, nowMs: NOW_MS })).flat(),
      'X-GitHub-Event',
      'push',
      'X-Twice',
      'a',
      'X-Twice',
      'b',
      'Content-Encoding',
      'x-one',
      'Content-Encoding',
      'x-two',
    ])
    await until(() => target.received.length === 1)
    const [got] = target.received
    expect(got!.body).toEqual(Buffer.from(body))
    // Whoever is behind the relay may verify once more.
    expect(
      await octokitVerify(SECRET, got!.body.toString(), String(got!.headers['x-hub-signature-256'])),
    ).toBe(true)
    const valuesOf = (name: string): readonly string[] =>
      got!.rawHeaders.filter((_, at, all) => at % 2 === 1 && all[at - 1] === name)
    expect(valuesOf('x-twice')).toEqual(['a', 'b'])
    expect(valuesOf('content-encoding')).toEqual(['x-one, x-two'])
    await stop()
  })
})

describe('openlinker-project/openlinker#3005: far more is accepted than is worked off, and keys expire before the work is done', () => {
  const EVENTS = 750

  async function overfilled(
    source: Source,
  ): Promise<{ readonly own: Inbox; copyAfter(days: number): Promise<unknown> }> {
    let clockMs = NOW_MS
    const own = inbox(source, memory({ now: () => clockMs }), () => clockMs)
    // Each try of Stripe's is signed anew, so that no time holds it back.
    const arrive = (index: number): Promise<unknown> => {
      const body = stripeEvent(`evt_${index}`)
      return send(own, sign(source, { body, nowMs: clockMs }), body)
    }
    for (let index = 0; index < EVENTS; index += 1) expect(await arrive(index)).toEqual(STORED)
    return {
      own,
      copyAfter: (days) => {
        clockMs = NOW_MS + days * DAY_MS - 1
        return arrive(7)
      },
    }
  }

  test('a copy is one for as long as its sender may send it, however long nothing is worked off; each runs once', async () => {
    const { own, copyAfter } = await overfilled(stripe({ secret: SECRET }))
    for (const days of [1, 3, 8, 29, 30]) expect(await copyAfter(days)).toEqual(DUPLICATE)
    expect(own.had).toEqual([])
    // The backlog shows: nobody has to find out by what is late.
    const { store } = await own.postern.metrics()
    expect(store.destinations).toMatchObject([{ name: 'handlers', pending: EVENTS }])
    await own.postern.drain()
    expect(own.had.toSorted()).toEqual(
      Array.from({ length: EVENTS }, (_, index) => `evt_${index}`).toSorted(),
    )
  })

  test('negative control: with a window of their seven days the copy of the eighth runs again', async () => {
    const { own, copyAfter } = await overfilled(stripe({ secret: SECRET, dedupeWindowMs: 7 * DAY_MS }))
    expect(await copyAfter(7)).toEqual(DUPLICATE)
    expect(await copyAfter(8)).toEqual(STORED)
    await own.postern.drain()
    expect(own.had.filter((id) => id === 'evt_7')).toHaveLength(2)
  })
})

describe('@hookflo/tern: a replay deletes what it replays', () => {
  test.each([
    ['memory', () => memory()],
    ['SQLite', () => sqlite(join(tempFolder(), 'postern.db'))],
  ] as const)('the event, its deliveries and its key stay: %s', async (_, open) => {
    const store = open()
    const source = github({ secret: SECRET })
    const own = inbox(source, store)
    const body = '{"action":"opened"}'
    const headers = {
      ...sign(source, { body, nowMs: NOW_MS }),
      'x-github-delivery': 'd1',
      'x-github-event': 'issues',
    }
    expect(await send(own, headers, body)).toEqual(STORED)
    await own.postern.drain()
    const before = await store.get(1)
    expect(await own.postern.replay(1)).toMatchObject({ outcome: 'replayed' })
    await own.postern.drain()
    const after = await store.get(1)
    expect(after?.event).toEqual(before?.event)
    expect(Buffer.from(after!.event.body).toString()).toBe(body)
    expect(after?.deliveries.map(({ state }) => state)).toEqual(['succeeded', 'succeeded'])
    expect(after?.deliveries[0]).toEqual(before?.deliveries[0])
    expect(await send(own, headers, body)).toEqual(DUPLICATE)
    expect(own.had).toEqual(['d1', 'd1'])
  })
})

describe('Convoy: whether an event is known is looked up before the request is verified', () => {
  test('a forged request reads no event and writes none, and is answered alike for ids that are known and that are not', async () => {
    const asked: string[] = []
    const own = inbox(github({ secret: SECRET }), noting(memory(), asked))
    const body = '{"action":"opened"}'
    const genuine = sign(github({ secret: SECRET }), { body, nowMs: NOW_MS })
    const forged = { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }
    expect(await send(own, { ...genuine, 'x-github-delivery': 'known' }, body)).toEqual(STORED)
    expect(asked).toContain('put')
    asked.length = 0
    for (const id of ['known', 'unknown'])
      expect(await send(own, { ...forged, 'x-github-delivery': id }, body)).toEqual(REFUSED)
    expect(asked).toEqual([])
  })
})

describe('nonces and authentication', () => {
  const source = standardWebhooks({ secret: WHSEC })
  const body = '{"type":"a"}'
  const headers = sign(source, { body, nowMs: NOW_MS, id: 'msg_1' })

  test('Hookaido: a nonce is taken before the signature is looked at: a forged request costs the genuine one nothing', async () => {
    const own = inbox(source, memory())
    const forged = { ...headers, 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}` }
    expect(await send(own, forged, body)).toEqual(REFUSED)
    expect(await send(own, headers, body)).toEqual(STORED)
    await own.postern.drain()
    expect(own.had).toEqual(['msg_1'])
  })

  test('Hookaido: nonces are lost on reload: what came before a restart is a duplicate after it', async () => {
    const file = join(tempFolder(), 'postern.db')
    const before = inbox(source, sqlite(file))
    expect(await send(before, headers, body)).toEqual(STORED)
    await before.postern.stop({ graceMs: 0 })
    const after = inbox(source, sqlite(file))
    expect(await send(after, headers, body)).toEqual(DUPLICATE)
    expect(await send(after, sign(source, { body, nowMs: NOW_MS, id: 'msg_2' }), body)).toEqual(STORED)
  })

  test('Hookaido: authentication is dropped on reload, and NoopVerifier of Convoy: a source without a secret takes nothing', async () => {
    const own = inbox(standardWebhooks(), memory())
    for (const sent of [headers, {}]) expect((await send(own, sent, body))[0]).toBe(503)
    own.postern.setSecret('own', WHSEC)
    expect(await send(own, {}, body)).toEqual(REFUSED)
    expect(await send(own, headers, body)).toEqual(STORED)
    await own.postern.drain()
    expect(own.had).toEqual(['msg_1'])
  })
})

describe('trigger.dev: an id is claimed before its event is stored', () => {
  test.each([0, 59_000, 61_000])(
    'what was never committed is stored by the retry, and is no duplicate: after %d ms',
    async (laterMs) => {
      let clockMs = NOW_MS
      const source = standardWebhooks({ secret: WHSEC })
      const own = inbox(source, failingOnce(memory({ now: () => clockMs })), () => clockMs)
      const body = '{"type":"a"}'
      const attempt = (): Promise<unknown> =>
        send(own, sign(source, { body, nowMs: clockMs, id: 'msg_1' }), body)
      expect(await attempt()).toEqual([503, expect.any(String)])
      clockMs += laterMs
      expect(await attempt()).toEqual(STORED)
      expect(await attempt()).toEqual(DUPLICATE)
      await own.postern.drain()
      expect(own.had).toEqual(['msg_1'])
    },
  )
})

/** The same store, whose first commit never happens. */
function failingOnce(store: Store): Store {
  let hasFailed = false
  return {
    ...store,
    put: (events) => {
      if (hasFailed) return store.put(events)
      hasFailed = true
      return Promise.reject(new Error('the process ended before its commit'))
    },
  }
}

/** The same store, which notes the verbs that read or write events. */
function noting(store: Store, asked: string[]): Store {
  const note =
    <Arguments extends unknown[], Result>(verb: string, run: (...given: Arguments) => Result) =>
    (...given: Arguments): Result => {
      asked.push(verb)
      return run(...given)
    }
  return {
    ...store,
    put: note('put', store.put),
    get: note('get', store.get),
    list: note('list', store.list),
    replay: note('replay', store.replay),
    stat: note('stat', store.stat),
    claim: note('claim', store.claim),
    move: note('move', store.move),
  }
}

/** Sends a request over HTTP, whose headers are names and values in turn, so that one may come twice. */
async function postFrom(
  postern: Postern,
  path: string,
  body: string,
  headers: readonly string[],
): Promise<void> {
  const server = createServer(postern.node)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const status = await new Promise((resolve, reject) => {
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      path,
      method: 'POST',
      headers: [
        'Content-Length',
        String(Buffer.byteLength(body)),
        'Host',
        'inbox',
        'Connection',
        'close',
        ...headers,
      ],
    })
    request.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject)
    request.end(body)
  })
  expect(status).toBe(200)
}
