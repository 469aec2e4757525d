import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { sign, type Reason, type Source, type SourceOptions, type WebhookRequest } from '../core/index.ts'
import {
  rejectedBudget,
  type Claimed,
  type Occurrence,
  type PutResult,
  type RefusalReason,
  type Reservation,
} from '../inbox/index.ts'
import { custom } from '../providers/index.ts'
import { memory, type MemoryStore } from '../stores/memory/index.ts'
import type { Answer } from './answer.ts'
import { Receiver } from './receiver.ts'

const NOW_MS = 1_750_000_000_000
const SECRET = 'a secret of more than sixteen bytes'
const RECEIVED = [200, '{"received":true}']
const DUPLICATE = [200, '{"received":true,"duplicate":true}']
const NOT_AUTHENTIC = [401, '{"error":"Invalid signature"}']
const UNAVAILABLE = [503, '{"error":"Temporarily unavailable"}']

let occurrences: Occurrence[] = []
let errors: unknown[][] = []

beforeEach(() => {
  occurrences = []
  errors = []
})

describe('an authentic request', () => {
  test('is recorded and answered 200', async () => {
    const { receiver, store } = aReceiver()
    expect(statusAndBody(await receiver.receive('shop', aRequest()))).toEqual(RECEIVED)
    expect((await store.list({ of: 'events', limit: 10 })).events).toMatchObject([
      { source: 'shop', id: 'evt_1', type: 'order.paid', verifiedBy: 'custom' },
    ])
  })

  test('is stored with the bytes that came', async () => {
    const { receiver, store } = aReceiver()
    const body = '{ "id": "evt_1",\r\n "type": "order.paid", "odd": "\\u00e9 é" }'
    await receiver.receive('shop', aRequest({ body }))
    expect(Buffer.from((await store.get(1))!.event.body).toString()).toBe(body)
  })

  test('has a delivery for each destination of its type', async () => {
    const { receiver, store } = aReceiver({
      destinationsFor: (source, type) => [`${source}-1`, `${type}-2`],
    })
    await receiver.receive('shop', aRequest())
    expect((await store.get(1))!.deliveries.map(({ destination }) => destination)).toEqual([
      'shop-1',
      'order.paid-2',
    ])
  })

  test('is observed with what it is', async () => {
    const { receiver } = aReceiver()
    await receiver.receive('shop', aRequest())
    expect(occurrences).toEqual([
      {
        kind: 'accepted',
        source: 'shop',
        outcome: 'stored',
        eventSeq: 1,
        id: 'evt_1',
        type: 'order.paid',
        verifiedBy: 'custom',
        secretIndex: 0,
        deliveries: 1,
        durationMs: expect.any(Number) as unknown,
      },
    ])
  })

  test('is not answered before its record', async () => {
    const commit = deferred<PutResult[]>()
    const { receiver } = aReceiver({ put: () => commit.promise })
    const answered = vi.fn()
    const answer = receiver.receive('shop', aRequest()).finally(answered)
    await turns()
    expect(answered).not.toHaveBeenCalled()
    commit.resolve([{ outcome: 'stored', eventSeq: 1 }])
    expect(statusAndBody(await answer)).toEqual(RECEIVED)
  })

  test('that came before is answered 200 as a duplicate', async () => {
    const { receiver } = aReceiver()
    await receiver.receive('shop', aRequest())
    expect(statusAndBody(await receiver.receive('shop', aRequest()))).toEqual(DUPLICATE)
  })

  test('that came before is observed as one without deliveries', async () => {
    const { receiver } = aReceiver()
    await receiver.receive('shop', aRequest())
    await receiver.receive('shop', aRequest())
    expect(occurrences[1]).toMatchObject({ outcome: 'duplicate', eventSeq: 1, deliveries: 0 })
  })

  test('under a known id with another body is answered 200, and not as a duplicate', async () => {
    const { receiver } = aReceiver()
    await receiver.receive('shop', aRequest())
    const changed = aRequest({ body: '{"id":"evt_1","type":"order.paid","total":2}' })
    expect(statusAndBody(await receiver.receive('shop', changed))).toEqual(RECEIVED)
    expect(occurrences[1]).toMatchObject({ outcome: 'conflict', deliveries: 0 })
  })

  test.each([
    ['authorization', 'Bearer x'],
    ['Authorization', 'Bearer x'],
    ['PROXY-AUTHORIZATION', 'Basic x'],
    ['Cookie', 'session=x'],
    ['cOOkie', 'session=x'],
  ])('is stored without its header %s', async (name, value) => {
    const { receiver, store } = aReceiver()
    await receiver.receive('shop', aRequest({ headers: [name, value] }))
    expect((await store.get(1))!.event.headers).not.toContain(name)
    expect((await store.get(1))!.event.headers).not.toContain(value)
  })

  test('is stored with all its other headers, doubled ones too, in their order', async () => {
    const { receiver, store } = aReceiver()
    const headers = ['X-B', '1', 'cookie', 'c', 'X-A', '', 'X-B', '2', 'x-cookie', 'd']
    await receiver.receive('shop', aRequest({ headers }))
    expect((await store.get(1))!.event.headers.slice(-8)).toEqual([
      'X-B',
      '1',
      'X-A',
      '',
      'X-B',
      '2',
      'x-cookie',
      'd',
    ])
  })
})

/** A valid request with one thing broken, or a valid one and a source that lacks something. */
const BROKEN: readonly [Reason, number, WebhookRequest, SourceOptions][] = [
  ['missing_header', 401, without('x-signature'), {}],
  ['missing_header', 401, without('x-timestamp'), {}],
  ['duplicate_header', 401, doubled('x-signature'), {}],
  ['duplicate_header', 401, doubled('x-timestamp'), {}],
  ['malformed_header', 401, replaced('x-signature', (value) => value.slice('sha256='.length)), {}],
  ['bad_encoding', 401, replaced('x-signature', () => 'sha256=zz'), {}],
  ['malformed_timestamp', 401, replaced('x-timestamp', (value) => `${value}junk`), {}],
  ['malformed_id', 401, replaced('x-id', () => 'a.b'), {}],
  ['missing_content', 401, without('x-version'), {}],
  ['signature_mismatch', 401, replaced('x-version', () => '2'), {}],
  ['stale', 401, aRequest({ signedMs: NOW_MS - 301_000 }), {}],
  ['future', 401, aRequest({ signedMs: NOW_MS + 301_000 }), {}],
  ['malformed_body', 400, aRequest({ body: 'not JSON' }), {}],
  ['malformed_body', 400, aRequest({ body: '"text"' }), {}],
  ['body_too_large', 413, aRequest(), { maxBodyBytes: 10 }],
  ['no_secret', 503, aRequest(), { secret: [] }],
]

describe.each(BROKEN)('a request refused as %s', (reason, status, request, options) => {
  test(`is answered ${status}`, async () => {
    const { receiver } = aReceiver({ source: options })
    expect((await receiver.receive('shop', request)).status).toBe(status)
  })

  test('is observed, once, with its reason and its status', async () => {
    const { receiver } = aReceiver({ source: options })
    await receiver.receive('shop', request)
    expect(occurrences).toMatchObject([{ kind: 'rejected', source: 'shop', reason, status }])
  })

  test('is no event', async () => {
    const { receiver, store } = aReceiver({ source: options })
    await receiver.receive('shop', request)
    expect((await store.stat()).events).toBe(0)
  })
})

test.each(BROKEN.filter(([, status]) => status === 401))(
  'a request refused as %s is not told why',
  async (_reason, _status, request) => {
    const { receiver } = aReceiver()
    expect(statusAndBody(await receiver.receive('shop', request))).toEqual(NOT_AUTHENTIC)
  },
)

test('a request of an unknown source is answered 404', async () => {
  const { receiver } = aReceiver()
  expect((await receiver.receive('constructor', aRequest())).status).toBe(404)
})

test.each<RefusalReason | 'client_disconnected'>(['method_not_allowed', 'overloaded', 'client_disconnected'])(
  'a refusal for %s is observed with the status it is answered with',
  (reason) => {
    const { status } = aReceiver().receiver.refuse('shop', reason)
    expect(occurrences).toEqual([{ kind: 'rejected', source: 'shop', reason, status }])
  },
)

describe('while stopping', () => {
  test('an authentic request is answered 503, and not stored', async () => {
    const { receiver, store } = aReceiver()
    receiver.isStopping = true
    expect(statusAndBody(await receiver.receive('shop', aRequest()))).toEqual(UNAVAILABLE)
    expect((await store.stat()).events).toBe(0)
    expect(occurrences).toMatchObject([{ reason: 'stopping', status: 503 }])
  })

  test('a request that is not authentic is answered 503 as well, since nothing is verified any more', async () => {
    const { receiver } = aReceiver()
    receiver.isStopping = true
    expect((await receiver.receive('shop', without('x-signature'))).status).toBe(503)
  })
})

const AUTHENTIC = BROKEN.filter(([reason]) => ['stale', 'future', 'malformed_body'].includes(reason))

describe.each(AUTHENTIC)('an authentic request refused as %s', (reason, status, request) => {
  test('is kept whole', async () => {
    const { receiver, store } = aReceiver()
    await receiver.receive('shop', request)
    const { method, url } = request
    const body = Uint8Array.from(request.body)
    expect((await store.rejected.list({ limit: 10 })).requests).toMatchObject([
      { source: 'shop', reason, method, url, body },
    ])
  })

  test('is not answered before it is kept', async () => {
    const kept = deferred<void>()
    const { receiver } = aReceiver({ record: () => kept.promise })
    const answered = vi.fn()
    const answer = receiver.receive('shop', request).finally(answered)
    await turns()
    expect(answered).not.toHaveBeenCalled()
    kept.resolve()
    expect((await answer).status).toBe(status)
  })

  test('is answered 503 where it cannot be kept', async () => {
    const { receiver } = aReceiver({ record: () => Promise.reject(new Error('disk full')) })
    expect(statusAndBody(await receiver.receive('shop', request))).toEqual(UNAVAILABLE)
    expect(occurrences).toMatchObject([{ reason: 'store_unavailable', status: 503 }])
  })

  test('is answered 503 after 2.5 s where keeping it never ends', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { receiver } = aReceiver({ record: () => new Promise(() => {}) })
    const answer = receiver.receive('shop', request)
    await vi.advanceTimersByTimeAsync(2500)
    expect(statusAndBody(await answer)).toEqual(UNAVAILABLE)
  })
})

test('an authentic request that is refused is kept without the headers that carry secrets', async () => {
  const { receiver, store } = aReceiver()
  const headers = ['Authorization', 'Bearer x', 'PROXY-authorization', 'Basic x', 'COOKIE', 'a=x', 'x-a', '1']
  await receiver.receive('shop', aRequest({ body: 'not JSON', headers }))
  const [kept] = (await store.rejected.list({ limit: 1 })).requests
  expect(kept!.headers.slice(-2)).toEqual(['x-a', '1'])
  expect(kept!.headers.join()).not.toMatch(/authorization|cookie/i)
})

test.each(BROKEN.filter((row) => !AUTHENTIC.includes(row)))(
  'a request refused as %s is not kept among the authentic ones, since anybody could have sent it',
  async (_reason, _status, request, options) => {
    const { receiver, store } = aReceiver({ source: options })
    await receiver.receive('shop', request)
    const kept = (await store.rejected.list({ limit: 10 })).requests
    expect(kept.filter(({ reason }) => rejectedBudget(reason) === 'authentic')).toEqual([])
  },
)

describe.each<readonly [string, MemoryStore['put']]>([
  ['rejects', () => Promise.reject(new Error('disk full'))],
  ['answers that the event failed', async () => [{ outcome: 'failed', error: new Error('disk full') }]],
])('a store that %s', (_what, put) => {
  test('is answered 503', async () => {
    const { receiver } = aReceiver({ put })
    expect(statusAndBody(await receiver.receive('shop', aRequest()))).toEqual(UNAVAILABLE)
  })

  test('is observed once, as a refusal', async () => {
    const { receiver } = aReceiver({ put })
    await receiver.receive('shop', aRequest())
    expect(occurrences).toMatchObject([{ kind: 'rejected', reason: 'store_unavailable', status: 503 }])
  })

  test('is in the log with what it said', async () => {
    const { receiver } = aReceiver({ put })
    await receiver.receive('shop', aRequest())
    expect(errors).toEqual([
      [
        'the store could not record a request; senders are answered 503',
        { error: expect.objectContaining({ message: 'disk full' }) as unknown },
      ],
    ])
  })

  test('is one line of the log in a second', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { receiver } = aReceiver({ put })
    for (let count = 0; count < 5; count += 1) await receiver.receive('shop', aRequest())
    await vi.advanceTimersByTimeAsync(999)
    await receiver.receive('shop', aRequest())
    expect(errors).toHaveLength(1)
  })

  test('is in the log again a second later', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { receiver } = aReceiver({ put })
    await receiver.receive('shop', aRequest())
    await vi.advanceTimersByTimeAsync(1000)
    await receiver.receive('shop', aRequest())
    expect(errors).toHaveLength(2)
  })
})

test('a store that answers with nothing is answered 503', async () => {
  const { receiver } = aReceiver({ put: async () => [] })
  expect(statusAndBody(await receiver.receive('shop', aRequest()))).toEqual(UNAVAILABLE)
})

test('a store that throws instead of rejecting is answered 503', async () => {
  const { receiver } = aReceiver({
    put() {
      throw new Error('not open')
    },
  })
  expect(statusAndBody(await receiver.receive('shop', aRequest()))).toEqual(UNAVAILABLE)
})

describe('a store that never answers', () => {
  const put = (): Promise<never> => new Promise(() => {})

  beforeEach(() => {
    vi.useFakeTimers()
    return () => void vi.useRealTimers()
  })

  test('is waited for up to 2.5 s', async () => {
    const { receiver } = aReceiver({ put })
    const answered = vi.fn()
    void receiver.receive('shop', aRequest()).finally(answered)
    await vi.advanceTimersByTimeAsync(2499)
    expect(answered).not.toHaveBeenCalled()
  })

  test('is answered 503 after 2.5 s', async () => {
    const { receiver } = aReceiver({ put })
    const answer = receiver.receive('shop', aRequest())
    await vi.advanceTimersByTimeAsync(2500)
    expect(statusAndBody(await answer)).toEqual(UNAVAILABLE)
  })

  test('is answered 503 to each after its own 2.5 s', async () => {
    const { receiver } = aReceiver({ put })
    const answered: string[] = []
    void receiver.receive('shop', aRequest()).finally(() => answered.push('first'))
    await vi.advanceTimersByTimeAsync(1000)
    void receiver.receive('shop', aRequest()).finally(() => answered.push('second'))
    await vi.advanceTimersByTimeAsync(1500)
    expect(answered).toEqual(['first'])
    await vi.advanceTimersByTimeAsync(1000)
    expect(answered).toEqual(['first', 'second'])
  })

  test('is one line of the log for all whose time is over', async () => {
    const { receiver } = aReceiver({ put })
    for (let count = 0; count < 5; count += 1) void receiver.receive('shop', aRequest())
    await vi.advanceTimersByTimeAsync(2500)
    expect(errors).toEqual([
      [
        'the store could not record a request; senders are answered 503',
        { error: new Error('no commit within 2500 ms') },
      ],
    ])
  })
})

describe('a store that keeps what it was given, and answers nothing', () => {
  /** 128 of them are what may wait. */
  const aMegabyte = aRequest({
    body: `{"id":"evt_1","type":"order.paid","x":"${'x'.repeat(1024 * 1024 - 60)}"}`,
  })
  const options = { maxBodyBytes: 2 * 1024 * 1024 }

  test('is given no more than memory is set aside for, also after its senders were answered', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const commit = deferred<PutResult[]>()
    const put = vi.fn(() => commit.promise)
    const { receiver } = aReceiver({ put, source: options })
    const answers = Array.from({ length: 128 }, () => receiver.receive('shop', aMegabyte))
    expect(put).toHaveBeenCalledTimes(128)
    await vi.advanceTimersByTimeAsync(2500)
    expect(statusAndBody(await answers[127]!)).toEqual(UNAVAILABLE)
    expect(statusAndBody(await receiver.receive('shop', aRequest()))).toEqual(UNAVAILABLE)
    expect(put).toHaveBeenCalledTimes(128)
    expect(occurrences.at(-1)).toMatchObject({ reason: 'overloaded', status: 503 })

    commit.resolve([{ outcome: 'stored', eventSeq: 1 }])
    await vi.advanceTimersByTimeAsync(0)
    expect(statusAndBody(await receiver.receive('shop', aRequest()))).toEqual(RECEIVED)
  })

  test('is given more once it has failed', async () => {
    const commit = deferred<PutResult[]>()
    const { receiver } = aReceiver({ put: () => commit.promise, source: options })
    const answers = Array.from({ length: 128 }, () => receiver.receive('shop', aMegabyte))
    commit.reject(new Error('disk full'))
    await Promise.all(answers)
    await receiver.receive('shop', aRequest())
    expect(occurrences.at(-1)).toMatchObject({ reason: 'store_unavailable' })
  })

  test('is given no more of what is authentic and refused either', async () => {
    const record = vi.fn(() => new Promise<never>(() => {}))
    const { receiver } = aReceiver({ record, source: options })
    const old = (body: string) => aRequest({ body, signedMs: NOW_MS - 301_000 })
    for (let count = 0; count < 128; count += 1) void receiver.receive('shop', old('x'.repeat(1024 * 1024)))
    await receiver.receive('shop', old('{}'))
    expect(record).toHaveBeenCalledTimes(128)
    expect(occurrences.at(-1)).toMatchObject({ reason: 'overloaded', status: 503 })
  })
})

describe('a store that answers too late', () => {
  test('is observed as the refusal that the sender was given, and as nothing else', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const commit = deferred<PutResult[]>()
    const { receiver } = aReceiver({ put: () => commit.promise })
    const answer = receiver.receive('shop', aRequest())
    await vi.advanceTimersByTimeAsync(2500)
    commit.resolve([{ outcome: 'stored', eventSeq: 1 }])
    expect((await answer).status).toBe(503)
    expect(occurrences).toMatchObject([{ kind: 'rejected', reason: 'store_unavailable' }])
  })

  test('harms nobody where it fails then', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const commit = deferred<PutResult[]>()
    const { receiver } = aReceiver({ put: () => commit.promise })
    const answer = receiver.receive('shop', aRequest())
    await vi.advanceTimersByTimeAsync(2500)
    commit.reject(new Error('disk full'))
    expect((await answer).status).toBe(503)
  })
})

describe('the place that was reserved for a request', () => {
  test('goes to its delivery', async () => {
    const { reserve, begun, released } = places()
    const { receiver } = aReceiver({ reserve })
    expect(statusAndBody(await receiver.receive('shop', aRequest()))).toEqual(RECEIVED)
    expect(begun).toMatchObject([{ destination: 'handlers', attempt: 1, event: { id: 'evt_1' } }])
    expect(released).toEqual([])
  })

  test('is asked for at each destination until there is one', async () => {
    const { reserve, begun } = places(['second'])
    const { receiver } = aReceiver({ reserve, destinationsFor: () => ['first', 'second', 'third'] })
    await receiver.receive('shop', aRequest())
    expect(begun).toMatchObject([{ destination: 'second' }])
  })

  test('is given back by a duplicate, which is left to whoever has it', async () => {
    const { receiver, store } = aReceiver()
    await receiver.receive('shop', aRequest())
    const { reserve, begun, released } = places()
    const later = aReceiver({ reserve, put: store.put })
    expect(statusAndBody(await later.receiver.receive('shop', aRequest()))).toEqual(DUPLICATE)
    expect([begun, released]).toEqual([[], ['handlers']])
    expect((await store.get(1))!.deliveries).toMatchObject([{ state: 'pending' }])
  })

  test('is given back by a conflict that is held', async () => {
    const { reserve, begun, released } = places()
    const { receiver } = aReceiver({ reserve })
    await receiver.receive('shop', aRequest())
    await receiver.receive('shop', aRequest({ body: '{"id":"evt_1","type":"order.sent"}' }))
    expect([begun.length, released]).toEqual([1, ['handlers']])
  })

  test('is given back by one that must wait for an earlier one of its key', async () => {
    const { reserve, begun, released } = places()
    const { receiver } = aReceiver({ reserve, source: { orderBy: { json: ['type'] } } })
    for (const id of ['evt_1', 'evt_2']) {
      await receiver.receive('shop', aRequest({ body: `{"id":"${id}","type":"order.paid"}` }))
    }
    expect([begun.length, released]).toEqual([1, ['handlers']])
  })

  test.each<readonly [string, MemoryStore['put']]>([
    ['fails for the event', async () => [{ outcome: 'failed', error: new Error('too long') }]],
    ['rejects', () => Promise.reject(new Error('disk full'))],
    ['answers with nothing', async () => []],
    [
      'throws',
      () => {
        throw new Error('not a promise')
      },
    ],
  ])('is given back where the store %s', async (_, put) => {
    const { reserve, begun, released } = places()
    const { receiver } = aReceiver({ reserve, put })
    expect(statusAndBody(await receiver.receive('shop', aRequest()))).toEqual(UNAVAILABLE)
    expect([begun, released]).toEqual([[], ['handlers']])
  })

  test('is kept for a commit that comes after the answer, and goes to its delivery then', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { reserve, begun, released } = places()
    const disk = deferred<void>()
    const store = memory({ now: () => NOW_MS })
    const { receiver } = aReceiver({ reserve, put: (all) => disk.promise.then(() => store.put(all)) })
    const answer = receiver.receive('shop', aRequest())
    await vi.advanceTimersByTimeAsync(2500)
    expect((await answer).status).toBe(503)
    expect([begun, released]).toEqual([[], []])
    disk.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(begun).toMatchObject([{ event: { id: 'evt_1' } }])
    expect(released).toEqual([])
  })
})

describe('a request whose sender waits for the handler', () => {
  test('is answered 503 half a second before its sender gives up, where the store does not settle', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { receiver } = aReceiver({ source: { ack: 'handled' }, handle: () => new Promise(() => {}) })
    let status: number | undefined
    void receiver.receive('shop', aRequest()).then((answer) => (status = answer.status))
    await vi.advanceTimersByTimeAsync(9499)
    expect(status).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(status).toBe(503)
    expect(occurrences.at(-1)).toMatchObject({ kind: 'rejected', reason: 'in_progress' })
  })

  test('leaves its handler what the commit has left, less a second', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const store = memory({ now: () => NOW_MS })
    const disk = deferred<void>()
    const times: number[] = []
    const { receiver } = aReceiver({
      source: { ack: 'handled' },
      put: (all) => disk.promise.then(() => store.put(all)),
      handle: async (_, withinMs) => times.push(withinMs) > 0,
    })
    const answer = receiver.receive('shop', aRequest())
    await vi.advanceTimersByTimeAsync(2000)
    disk.resolve()
    expect((await answer).status).toBe(200)
    expect(times).toEqual([7000])
  })
})

describe('a handler that its sender waits for', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
  })

  // Found by simulation: the handler was done, and the store so slow to settle it that the sender had long gone.
  test('is waited for until half a second before the sender gives up', async () => {
    const handle = deferred<boolean>()
    const { receiver } = aReceiver({ source: { ack: 'handled' }, handle: () => handle.promise })
    const answered = vi.fn()
    const answer = receiver.receive('shop', aRequest()).finally(answered)
    await turns()
    await vi.advanceTimersByTimeAsync(9499)
    expect(answered).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(statusAndBody(await answer)).toEqual(UNAVAILABLE)
    expect(occurrences).toMatchObject([{ outcome: 'stored' }, { reason: 'in_progress' }])
    handle.resolve(true)
  })

  // Found by simulation: the lease of a request that was answered 503 had to end before anybody could run the event.
  test('is run where the commit came too late for the answer, and a stop waits for it', async () => {
    const commit = deferred<void>()
    const handle = vi.fn(async () => true)
    const store = memory({ now: () => NOW_MS })
    const put: MemoryStore['put'] = async (events) => {
      await commit.promise
      return store.put(events)
    }
    const { receiver } = aReceiver({ source: { ack: 'handled' }, put, handle })
    const answer = receiver.receive('shop', aRequest())
    await vi.advanceTimersByTimeAsync(2500)
    expect(statusAndBody(await answer)).toEqual(UNAVAILABLE)
    const stopped = receiver.stop()
    commit.resolve()
    await stopped
    expect(handle).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ attempt: 1 }), 9000)
  })

  test('leaves no timer behind', async () => {
    const { receiver } = aReceiver({ source: { ack: 'handled' } })
    await receiver.receive('shop', aRequest())
    // The one for all records, unreferenced.
    expect(vi.getTimerCount()).toBe(1)
  })
})

describe('a conflict whose sender waits for the handler', () => {
  const put: MemoryStore['put'] = async () => [{ outcome: 'conflict', eventSeq: 2, conflictsWith: 1 }]

  test('is answered 200 where it is held, since there is nothing to wait for', async () => {
    const { receiver } = aReceiver({ put, source: { ack: 'handled' } })
    expect(statusAndBody(await receiver.receive('shop', aRequest()))).toEqual(RECEIVED)
  })

  // Found by simulation: it was answered 200, and its handler ran a while later, and could have failed.
  test('is answered 503 where it is dispatched and has to wait its turn', async () => {
    const { receiver } = aReceiver({ put, source: { ack: 'handled', onConflict: 'dispatch' } })
    expect(statusAndBody(await receiver.receive('shop', aRequest()))).toEqual(UNAVAILABLE)
    expect(occurrences).toMatchObject([{ outcome: 'conflict' }, { reason: 'in_progress' }])
  })
})

describe('a stop of the receiver', () => {
  test('is over once everything under way is answered', async () => {
    const commit = deferred<PutResult[]>()
    const { receiver } = aReceiver({ put: () => commit.promise })
    const answer = receiver.receive('shop', aRequest())
    let isOver = false
    const stopped = receiver.stop().then(() => (isOver = true))
    await turns()
    expect(isOver).toBe(false)
    commit.resolve([{ outcome: 'stored', eventSeq: 1 }])
    await stopped
    expect((await answer).status).toBe(200)
  })

  test('is over at once where nothing is under way', async () => {
    const { receiver } = aReceiver()
    await receiver.receive('shop', aRequest())
    await receiver.stop()
    expect((await receiver.receive('shop', aRequest())).status).toBe(503)
  })
})

describe('the note that a secret matched', () => {
  const TEN_MINUTES_MS = 10 * 60 * 1000

  test('is made for each source and secret, at most once in ten minutes, and outlives the secret by a year', async () => {
    let nowMs = NOW_MS
    const { receiver, store } = aReceiver({
      source: { secret: ['another secret of 16 bytes', SECRET] },
      now: () => nowMs,
    })
    const set = vi.spyOn(store.state, 'set')
    for (const [index, afterMs] of [0, 1, TEN_MINUTES_MS - 1, TEN_MINUTES_MS].entries()) {
      nowMs = NOW_MS + afterMs
      await receiver.receive('shop', aRequest({ body: `{"id":"evt_${index}","type":"a"}`, signedMs: nowMs }))
    }
    const key = expect.stringMatching(/^secret-matched\/shop\/secret\/[0-9a-f]{4}$/)
    const forMs = { forMs: 400 * 86_400_000 }
    expect(set.mock.calls).toEqual([
      [key, new Date(NOW_MS).toISOString(), forMs],
      [key, new Date(NOW_MS + TEN_MINUTES_MS).toISOString(), forMs],
    ])
  })

  test('is made anew where the clock was set back', async () => {
    let nowMs = NOW_MS
    const { receiver, store } = aReceiver({ now: () => nowMs })
    const set = vi.spyOn(store.state, 'set')
    for (const [index, beforeMs] of [0, TEN_MINUTES_MS].entries()) {
      nowMs = NOW_MS - beforeMs
      await receiver.receive('shop', aRequest({ body: `{"id":"evt_${index}","type":"a"}`, signedMs: nowMs }))
    }
    expect(set).toHaveBeenCalledTimes(2)
  })

  test('is waited for by nobody', async () => {
    const { receiver, store } = aReceiver()
    vi.spyOn(store.state, 'set').mockReturnValue(new Promise(() => {}))
    expect(statusAndBody(await receiver.receive('shop', aRequest()))).toEqual(RECEIVED)
  })

  test('may fail', async () => {
    const { receiver, store } = aReceiver()
    vi.spyOn(store.state, 'set').mockRejectedValue(new Error('disk full'))
    expect(statusAndBody(await receiver.receive('shop', aRequest()))).toEqual(RECEIVED)
    await turns()
    expect(errors).toEqual([])
  })

  test('is not made for what is refused', async () => {
    const { receiver, store } = aReceiver()
    const set = vi.spyOn(store.state, 'set')
    await receiver.receive(
      'shop',
      replaced('x-signature', (value) => value.replace(/.$/, 'g')),
    )
    expect(set).not.toHaveBeenCalled()
  })
})

test('a defect of ours is answered 503, never a throw', async () => {
  const { receiver } = aReceiver({
    destinationsFor() {
      throw new TypeError('undefined is not a function')
    },
  })
  expect(statusAndBody(await receiver.receive('shop', aRequest()))).toEqual(UNAVAILABLE)
  expect(occurrences).toMatchObject([{ reason: 'internal_error', status: 503 }])
  expect(errors).toMatchObject([['a request could not be answered', { source: 'shop' }]])
})

interface RequestChange {
  readonly body?: string
  readonly signedMs?: number
  /** Added to those of the signature. */
  readonly headers?: readonly string[]
}

/** An authentic request, and what a test changes about it before it is signed. */
function aRequest({
  body = '{"id":"evt_1","type":"order.paid"}',
  signedMs = NOW_MS,
  headers = [],
}: RequestChange = {}): WebhookRequest {
  const version = { 'x-version': '1' }
  const signed = sign(aSource(), { body, nowMs: signedMs, id: 'msg_1', headers: version })
  return {
    method: 'POST',
    url: '/webhooks/shop?a=1',
    headers: [...Object.entries({ ...signed, ...version }).flat(), ...headers],
    body: Buffer.from(body),
  }
}

function without(name: string): WebhookRequest {
  return withPairs((pairs) => pairs.filter(([each]) => each !== name))
}

function doubled(name: string): WebhookRequest {
  return withPairs((pairs) => [...pairs, ...pairs.filter(([each]) => each === name)])
}

function replaced(name: string, change: (value: string) => string): WebhookRequest {
  return withPairs((pairs) => pairs.map(([each, value]) => [each, each === name ? change(value) : value]))
}

function withPairs(
  change: (pairs: readonly (readonly [string, string])[]) => readonly (readonly [string, string])[],
): WebhookRequest {
  const request = aRequest()
  const { headers } = request
  const pairs = headers.flatMap((name, index) =>
    index % 2 === 0 ? [[name, headers[index + 1]!] as const] : [],
  )
  return { ...request, headers: change(pairs).flat() }
}

/** A source whose scheme has something for every reason to be about. */
function aSource(options: SourceOptions = {}): Source {
  return custom({
    secret: SECRET,
    scheme: {
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-signature' }], prefix: 'sha256=', encoding: 'hex' },
      timestamp: { in: { header: 'x-timestamp' }, unit: 'seconds' },
      id: { in: { header: 'x-id' }, forbid: '.' },
      content: [
        ...(['id', { literal: '.' }, 'timestamp', { literal: '.' }] as const),
        ...([{ header: 'x-version' }, { literal: '.' }, 'body'] as const),
      ],
    },
    envelope: { id: [{ json: ['id'] }], type: { json: ['type'] } },
    ...options,
  })
}

interface Change {
  readonly source?: SourceOptions | undefined
  readonly put?: MemoryStore['put']
  readonly record?: MemoryStore['rejected']['record']
  readonly destinationsFor?: (source: string, type: string) => readonly string[]
  readonly reserve?: (destination: string) => Reservation | undefined
  readonly handle?: (claimed: Claimed, withinMs: number) => Promise<boolean>
  readonly now?: () => number
}

/** A receiver of one source, `shop`, over a store in memory. */
function aReceiver({
  source,
  put,
  record,
  destinationsFor = () => ['handlers'],
  reserve = () => undefined,
  handle = async () => true,
  now = () => NOW_MS,
}: Change = {}): {
  readonly receiver: Receiver
  readonly store: MemoryStore
} {
  const store = memory({ now: () => NOW_MS })
  const receiver = new Receiver({
    store: {
      put: put ?? store.put,
      state: store.state,
      rejected: { ...store.rejected, record: record ?? store.rejected.record },
    },
    sources: new Map([['shop', aSource(source)]]),
    destinationsFor,
    reserve,
    handledDestination: 'handlers',
    handle,
    log: { debug() {}, info() {}, warn() {}, error: (...line) => errors.push(line) },
    observe: (occurrence) => occurrences.push(occurrence),
    now,
  })
  return { receiver, store }
}

/** Places at some destinations, and what became of them. */
function places(names: readonly string[] = ['handlers']): {
  readonly reserve: (destination: string) => Reservation | undefined
  readonly begun: readonly Claimed[]
  readonly released: readonly string[]
} {
  const begun: Claimed[] = []
  const released: string[] = []
  const reserve = (destination: string): Reservation | undefined =>
    names.includes(destination)
      ? {
          lease: { destination, leaseMs: 30_000, leavesCopies: true },
          begin: (claimed) => void begun.push(claimed),
          release: () => void released.push(destination),
        }
      : undefined
  return { reserve, begun, released }
}

function statusAndBody({ status, body }: Answer): readonly [number, string] {
  return [status, body]
}

function deferred<T>(): {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (reason: Error) => void
} {
  let settle: { resolve: (value: T) => void; reject: (reason: Error) => void } | undefined
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }))
  return { promise, ...settle! }
}

/** Lets the event loop turn often enough for everything to happen that waits for no timer. */
async function turns(): Promise<void> {
  for (let count = 0; count < 5; count += 1) await new Promise((resolve) => setImmediate(resolve))
}
