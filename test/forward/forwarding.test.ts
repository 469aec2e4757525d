import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventDetail } from 'postern'
import { memory } from 'postern/memory'
import { sqlite } from 'postern/sqlite'
import { Webhook as OfficialWebhook } from 'standardwebhooks'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemTime } from '../../packages/gateway/src/forward/time.ts'
import {
  forwardingInbox,
  OTHER_SECRET,
  recordingTarget,
  SECRET,
  storedEvent,
  until,
  type Forwarded,
  type Received,
} from '../support/forwarding.ts'
import { FakeTime } from '../support/fake-time.ts'

const NOW_MS = 1_795_000_000_000

async function deliveriesOf({ store }: Forwarded, seq = 1): Promise<EventDetail['deliveries']> {
  return (await store.get(seq))?.deliveries ?? []
}

function officially({ body, headers }: Received, secret: string): unknown {
  return new OfficialWebhook(secret).verify(body.toString(), headers as Record<string, string>)
}

describe('a target gets', () => {
  test('exactly this', async () => {
    const target = await recordingTarget()
    const time = { ...systemTime, wallMs: () => NOW_MS }
    const { send } = await forwardingInbox({
      time,
      destinations: {
        billing: {
          url: `${target.url}?tenant=7`,
          secrets: [SECRET, OTHER_SECRET],
          headers: {
            pass: ['X-Request-Id', 'x-twice', 'x-set', 'x-absent'],
            original: ['webhook-id', 'x-request-id', 'user-agent'],
            set: { Authorization: 'Bearer own', 'X-Set': 'ours' },
          },
        },
      },
    })
    await send('evt_1', '{ "type" : "order.paid", "n": 1.50 }\n', {
      'x-request-id': 'r-1',
      'x-set': 'theirs',
      'x-secret': 'not for them',
      'x-twice': 'a',
      'user-agent': 'Shop/1',
      cookie: 'session=1',
      authorization: 'Bearer theirs',
      'x-forwarded-for': '10.0.0.9',
      'accept-encoding': 'br',
    })
    await until(() => target.received.length === 1)
    const [{ url, rawHeaders, body } = { url: '', rawHeaders: [], body: Buffer.alloc(0) }] = target.received
    expect(url).toBe('/in?tenant=7')
    expect(body.toString()).toBe('{ "type" : "order.paid", "n": 1.50 }\n')
    const pairs = rawHeaders.flatMap((name, index) =>
      index % 2 ? [] : [`${name}: ${rawHeaders[index + 1]}`],
    )
    expect(pairs).toEqual([
      expect.stringMatching(/^host: 127\.0\.0\.1:\d+$/),
      'connection: keep-alive',
      'user-agent: Postern',
      'webhook-id: msg_Bg5a6wyixEuU3lknvWji_O1Z7-ql0M6g',
      'webhook-timestamp: 1795000000',
      expect.stringMatching(/^webhook-signature: v1,[\w+/]{43}= v1,[\w+/]{43}=$/),
      'postern-source: shop',
      'postern-type: order.paid',
      'postern-event-id: evt_1',
      'postern-attempt: 1',
      'content-type: application/json',
      'x-request-id: r-1',
      'x-twice: a',
      'postern-original-webhook-id: evt_1',
      'postern-original-x-request-id: r-1',
      'postern-original-user-agent: Shop/1',
      'authorization: Bearer own',
      'x-set: ours',
      'content-length: 37',
    ])
  })

  test('what the official library of Standard Webhooks verifies, with either key of a rotation', async () => {
    const target = await recordingTarget()
    const { send } = await forwardingInbox({
      destinations: { billing: { url: target.url, secrets: [OTHER_SECRET, SECRET] } },
    })
    await send('evt_1', '{"type":"order.paid","text":"\\u00e9 é"}')
    await until(() => target.received.length === 1)
    const [received] = target.received
    expect(officially(received!, SECRET)).toEqual({ type: 'order.paid', text: 'é é' })
    expect(officially(received!, OTHER_SECRET)).toBeDefined()
    expect(() => officially(received!, `whsec_${'B'.repeat(43)}=`)).toThrow('No matching signature')
    expect(() => officially({ ...received!, body: Buffer.from('{}') }, SECRET)).toThrow(
      'No matching signature',
    )
  })

  test('ids and types that no header could carry, percent-encoded', async () => {
    const target = await recordingTarget()
    const { store } = await forwardingInbox({ destinations: { billing: { url: target.url } } })
    const odd = { id: 'a\r\nx-evil: 1 é 100%', type: 'größe\u0000\ud800' }
    await store.put([{ ...storedEvent(1, ['billing']), ...odd }])
    await until(() => target.received.length === 1)
    const { headers } = target.received[0]!
    expect(headers['x-evil']).toBeUndefined()
    expect(decodeURIComponent(String(headers['postern-event-id']))).toBe(odd.id)
    expect(headers['postern-type']).toBe('gr%C3%B6%C3%9Fe%00%EF%BF%BD')
  })

  test('no received header whose value a header must not have', async () => {
    const target = await recordingTarget()
    const { store } = await forwardingInbox({
      destinations: { billing: { url: target.url, headers: { pass: ['x-a', 'x-b', 'x-c', 'x-d'] } } },
    })
    const headers = ['x-a', 'one\r\ntwo: 2', 'x-b', 'é', 'x-c', 'x'.repeat(5000), 'X-D', '1', 'x-d', '2']
    await store.put([{ ...storedEvent(1, ['billing']), headers }])
    await until(() => target.received.length === 1)
    const { headers: got } = target.received[0]!
    expect([got['x-a'], got['x-b'], got['x-c'], got['x-d'], got['two']]).toEqual([
      undefined,
      undefined,
      undefined,
      '1, 2',
      undefined,
    ])
  })
})

describe('the id that a target drops copies by', () => {
  test('is the same for every try and after a redrive; a replay has another, and the same event', async () => {
    let status = 500
    const target = await recordingTarget((_request, response) => response.writeHead(status).end())
    const { store, send } = await forwardingInbox({
      destinations: { billing: { url: target.url, retry: { attempts: 2, baseMs: 0 } } },
    })
    await send('evt_1')
    await until(async () => (await store.get(1))?.deliveries[0]?.state === 'dead')
    status = 204
    const { deliverySeq = 0 } = (await store.get(1))?.deliveries[0] ?? {}
    expect(await store.move([{ deliverySeq, to: 'redrive' }])).toEqual(['moved'])
    await until(() => target.received.length === 3)
    await store.replay([{ eventSeq: 1, destinations: ['billing'] }])
    await until(() => target.received.length === 4)
    const ids = target.received.map(({ headers }) => headers['webhook-id'])
    expect([new Set(ids.slice(0, 3)).size, new Set(ids).size]).toEqual([1, 2])
    expect(new Set(target.ids())).toEqual(new Set(['evt_1']))
    expect(target.received.map(({ headers }) => headers['postern-attempt'])).toEqual(['1', '2', '1', '1'])
  })

  test('is another for each event, source and store', async () => {
    const target = await recordingTarget()
    const one = await forwardingInbox({ destinations: { billing: { url: target.url } } })
    await one.send('evt_1')
    await one.send('evt_2')
    await until(() => target.received.length === 2)
    await one.stop()
    // A store that is begun anew counts from 1 again.
    const next = await forwardingInbox({ destinations: { billing: { url: target.url } } })
    await next.send('evt_3')
    await until(() => target.received.length === 3)
    expect(new Set(target.received.map(({ headers }) => headers['webhook-id'])).size).toBe(3)
  })
})

describe('destinations are apart', () => {
  test('each has its own deliveries, tries and end', async () => {
    const well = await recordingTarget()
    const late = await recordingTarget((request, response) =>
      response.writeHead(request.headers['postern-attempt'] === '1' ? 500 : 200).end('out of order'),
    )
    const gone = await recordingTarget((_request, response) => response.writeHead(410).end())
    const inbox = await forwardingInbox({
      destinations: {
        well: { url: well.url },
        late: { url: late.url, retry: { baseMs: 0 } },
        gone: { url: gone.url },
      },
    })
    await inbox.send('evt_1')
    await until(async () =>
      (await deliveriesOf(inbox)).every(({ state }) => state !== 'pending' && state !== 'leased'),
    )
    const ends = new Map((await deliveriesOf(inbox)).map((each) => [each.destination, each]))
    expect(ends.get('well')).toMatchObject({ state: 'succeeded', attempt: 1 })
    expect(ends.get('late')).toMatchObject({
      state: 'succeeded',
      attempt: 2,
      error: 'Error: HTTP 500: out of order',
    })
    expect(ends.get('gone')).toMatchObject({
      state: 'dead',
      attempt: 1,
      error: 'NonRetryableError: HTTP 410',
    })
    expect([well, late, gone].map(({ received }) => received.length)).toEqual([1, 2, 1])
  })

  test('one that never answers holds nobody up but itself', async () => {
    const tarpit = await recordingTarget(() => {})
    const well = await recordingTarget()
    const { send, forwarding } = await forwardingInbox({
      destinations: {
        tarpit: { url: tarpit.url, concurrency: 3, timeoutMs: 60_000 },
        well: { url: well.url, concurrency: 2 },
      },
    })
    for (let index = 0; index < 100; index += 1) await send(`evt_${index}`)
    await until(() => well.received.length === 100)
    expect([tarpit.received.length, tarpit.inFlight(), well.peak() <= 2]).toEqual([3, 3, true])
    expect(forwarding.list().find(({ name }) => name === 'tarpit')?.inFlight).toBe(3)
  })

  test('an answer that is slow past its deadline is a failure that says so', async () => {
    const tarpit = await recordingTarget(() => {})
    const inbox = await forwardingInbox({
      destinations: { tarpit: { url: tarpit.url, timeoutMs: 100, retry: { attempts: 1 } } },
    })
    await inbox.send('evt_1')
    await until(async () => (await deliveriesOf(inbox))[0]?.state === 'dead')
    expect((await deliveriesOf(inbox))[0]?.error).toBe('Error: no answer within 100 ms')
  })
})

describe('routes', () => {
  test('choose by source, type and filter; what two of them name is sent once', async () => {
    const targets = await Promise.all([1, 2, 3, 4].map(() => recordingTarget()))
    const [all, orders, large, both] = targets.map(({ url }) => url)
    const inbox = await forwardingInbox({
      destinations: {
        all: { url: all! },
        orders: { url: orders!, from: { source: 'shop', type: ['order.*', 'refund'] } },
        large: { url: large!, from: { where: { json: { amount: { above: 100 } } } } },
        both: { url: both!, from: [{ type: 'order.paid' }, { where: { json: { amount: { above: 100 } } } }] },
      },
    })
    const sent: [string, string, number][] = [
      ['a', 'order.paid', 500],
      ['b', 'order.paid', 5],
      ['c', 'orders', 500],
      ['d', 'refund', 5],
    ]
    for (const [id, type, amount] of sent) await inbox.send(id, JSON.stringify({ type, amount }))
    await until(() => targets[0]!.received.length === 4)
    await until(async () =>
      (await inbox.store.stat()).destinations.every(({ pending, leased }) => pending + leased === 0),
    )
    expect(targets.map((target) => target.ids().toSorted().join(''))).toEqual(['abcd', 'abd', 'ac', 'abc'])
  })
})

describe('a pause', () => {
  test('keeps everything, without a try, over a restart, until it is resumed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-pause-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const target = await recordingTarget()
    const open = (): Promise<Forwarded> => {
      const store = sqlite(join(folder, 'postern.db')) as unknown as ReturnType<typeof memory>
      return forwardingInbox({
        store,
        destinations: { billing: { url: target.url }, other: { url: target.url } },
      })
    }
    const first = await open()
    await first.forwarding.setPaused('billing', true)
    for (let index = 0; index < 50; index += 1) await first.send(`evt_${index}`)
    // Only what is paused is left: the others are settled, and come to nobody again.
    await until(
      async () => (await first.store.stat()).destinations.map(({ name }) => name).join() === 'billing',
    )
    await first.stop()

    const second = await open()
    const [billing, other] = second.forwarding.list()
    expect([billing, other]).toMatchObject([
      { name: 'billing', state: 'paused', pausedSinceMs: expect.any(Number) },
      { name: 'other', state: 'open', pausedSinceMs: undefined },
    ])
    await second.send('evt_50')
    await until(() => target.received.length === 51)
    const { destinations } = await second.store.stat()
    expect(destinations.find(({ name }) => name === 'billing')).toMatchObject({
      pending: 51,
      leased: 0,
      dead: 0,
    })
    await second.forwarding.setPaused('billing', false)
    await until(() => target.received.length === 102)
    expect(new Set(target.ids()).size).toBe(51)
    await until(async () => (await second.store.stat()).destinations.length === 0)
    const { deliveries } = await second.store.list({ of: 'deliveries', destination: 'billing', limit: 100 })
    expect(deliveries.every(({ state, attempt }) => state === 'succeeded' && attempt === 1)).toBe(true)
  })

  test('holds also what a claim was waiting for already', async () => {
    const target = await recordingTarget()
    const inbox = await forwardingInbox({ destinations: { billing: { url: target.url } } })
    await inbox.send('evt_1')
    // Since then the worker waits with a claim for this destination.
    await until(async () => (await deliveriesOf(inbox))[0]?.state === 'succeeded')
    await inbox.forwarding.setPaused('billing', true)
    await inbox.send('evt_2')
    await until(async () => (await inbox.store.stat()).destinations[0]?.pending === 1)
    await inbox.forwarding.setPaused('billing', false)
    await until(() => target.received.length === 2)
    expect(await deliveriesOf(inbox, 2)).toMatchObject([{ attempt: 1 }])
  })

  test('is heeded by other nodes, and lets what is under way end', async () => {
    const store = memory()
    const time = new FakeTime(Date.now())
    let finish = (): void => {}
    const target = await recordingTarget((_request, response) => {
      finish = () => void response.writeHead(204).end()
    })
    const destinations = { billing: { url: target.url } }
    const one = await forwardingInbox({ store, time, destinations, isStarted: false })
    const other = await forwardingInbox({ store, time, destinations })
    await other.send('evt_1')
    await until(() => target.received.length === 1)
    await one.forwarding.setPaused('billing', true)
    expect(other.forwarding.list()[0]?.state).toBe('open')
    time.advance(2000)
    await until(() => other.forwarding.list()[0]?.state === 'paused')
    finish()
    await until(async () => (await deliveriesOf(other))[0]?.state === 'succeeded')
    await one.forwarding.setPaused('billing', false)
    time.advance(2000)
    await until(() => other.forwarding.list()[0]?.state === 'open')
  })

  test('of a destination that is not there is none', async () => {
    const target = await recordingTarget()
    const { forwarding, store } = await forwardingInbox({ destinations: { billing: { url: target.url } } })
    expect(await forwarding.setPaused('toString', true)).toBe(false)
    expect(await store.state.list('forward/')).toEqual([])
  })
})

describe('an outage', () => {
  test('costs 10,000 parked deliveries no try, and when it is over no more come at once than allowed', async () => {
    let isDown = true
    let failed = 0
    const target = await recordingTarget((_request, response) => {
      if (isDown) failed += 1
      response.writeHead(isDown ? 503 : 204).end()
    })
    const { store, forwarding } = await forwardingInbox({
      destinations: {
        billing: {
          url: target.url,
          concurrency: 32,
          retry: { baseMs: 0 },
          breaker: { failures: 5, openMs: 50, longestOpenMs: 100 },
        },
      },
    })
    const events = Array.from({ length: 10_000 }, (_, index) => storedEvent(index, ['billing']))
    await store.put(events)
    await until(() => forwarding.list()[0]?.state === 'down')
    // The failures that opened it, those under way beside them, and probes.
    await until(() => failed >= 40)
    expect(target.received.length).toBeLessThan(100)
    isDown = false
    await until(() => target.received.length - failed >= 10_000, 100_000)
    expect(target.peak()).toBeLessThanOrEqual(32)
    expect(new Set(target.ids()).size).toBe(10_000)
    expect(target.received.length).toBeLessThan(10_000 + 200)
    expect(forwarding.list()[0]?.state).toBe('open')
  }, 120_000)

  test('of a target that says how long it wants to rest', async () => {
    const target = await recordingTarget((request, response) =>
      request.headers['postern-event-id'] === 'evt_0' && request.headers['postern-attempt'] === '1'
        ? response.writeHead(429, { 'retry-after': '1' }).end()
        : response.writeHead(204).end(),
    )
    const { send, forwarding } = await forwardingInbox({ destinations: { billing: { url: target.url } } })
    await send('evt_0')
    await until(() => forwarding.list()[0]?.state === 'resting')
    const restedMs = performance.now()
    await send('evt_1')
    await until(() => target.received.length === 3)
    expect(performance.now() - restedMs).toBeGreaterThan(900)
  })
})

test('a rate is kept while a backlog waits', async () => {
  const target = await recordingTarget()
  const { store } = await forwardingInbox({
    isStarted: true,
    destinations: { billing: { url: target.url, ratePerSecond: 100, concurrency: 50 } },
  })
  const startedMs = performance.now()
  await store.put(Array.from({ length: 100 }, (_, index) => storedEvent(index, ['billing'])))
  await until(() => target.received.length === 100)
  // 25 at once, the rest at 100 a second.
  expect(performance.now() - startedMs).toBeGreaterThan(700)
})

test('a stop gives back what is under way, and it is not counted as a try', async () => {
  const target = await recordingTarget(() => {})
  const store = memory()
  const destinations = { billing: { url: target.url, breaker: { failures: 1 } } }
  const inbox = await forwardingInbox({ store, destinations })
  await inbox.send('evt_1')
  await until(() => target.received.length === 1)
  let settled: unknown
  const { settle } = store
  store.settle = (settlements) => ((settled = settlements[0]?.outcome), settle.call(store, settlements))
  await inbox.stop()
  expect(settled).toEqual({ kind: 'released' })
  // It was us: the target is not to blame.
  expect(inbox.forwarding.list()[0]).toMatchObject({ state: 'open', inFlight: 0 })
})
