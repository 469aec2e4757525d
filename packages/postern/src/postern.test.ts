import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { PosternError, sign, type Source, type SourceOptions } from './core/index.ts'
import type { Occurrence } from './inbox/index.ts'
import { createPostern, type Postern, type PosternOptions } from './postern.ts'
import type { Sources } from './sources.ts'
import { custom } from './providers/index.ts'
import { memory, type MemoryEffect, type MemoryStore } from './stores/memory/index.ts'
import { sqlite } from './stores/sqlite/index.ts'

type Options = PosternOptions<Sources, MemoryEffect>

const NOW_MS = 1_750_000_000_000
const SECRET = 'a secret of more than sixteen bytes'

let logged: [level: string, ...line: unknown[]][] = []
let occurrences: Occurrence[] = []

beforeEach(() => {
  logged = []
  occurrences = []
})

describe('a configuration that cannot work', () => {
  test.each(['', 'Shop', 'my shop', 'shop/eu', '..', 'shop.eu', 'shöp', 'a'.repeat(65)])(
    'is refused for the source name %j',
    (name) => {
      const options = { store: memory(), sources: { [name]: aSource() } }
      expect(() => createPostern(options)).toThrow(PosternError)
      expect(() => createPostern(options)).toThrow(expect.objectContaining({ code: 'bad_config' }))
    },
  )

  test('is refused with the name that was given', () => {
    expect(() => createPostern({ store: memory(), sources: { Shop: aSource() } })).toThrow(/"Shop"/)
  })

  test('is refused for a handler of an unknown source, with the names of those that there are', () => {
    expect(() => aPostern({ handlers: (on) => [on('shpo', '*', () => {})] })).toThrow(
      expect.objectContaining({
        code: 'bad_config',
        message: "handlers: 'shpo' is not one of the sources: shop",
      }),
    )
  })

  test.each<readonly [path: RegExp, options: unknown]>([
    [/^options must/, undefined],
    [/^options must/, null],
    [/^store must/, {}],
    [/^store must/, { store: 'postgres://me:hunter2@db/events', sources: {} }],
    [/^store must/, { store: { put: () => {} }, sources: {} }],
    [/^sources must/, { store: memory() }],
    [/^sources must/, { store: memory(), sources: null }],
    [/^sources must/, { store: memory(), sources: new Map([['shop', aSource()]]) }],
    [/^sources must/, { store: memory(), sources: [aSource()] }],
    [/^sources must/, { store: memory(), sources: [] }],
    [/^sources\.shop must/, { store: memory(), sources: { shop: undefined } }],
    [/^sources\.shop must/, { store: memory(), sources: { shop: aSource } }],
    [/^handlers must be/, { store: memory(), sources: {}, handlers: [] }],
    [/^handlers must return/, { store: memory(), sources: {}, handlers: () => 42 }],
    [/^handlers must return/, { store: memory(), sources: {}, handlers: () => [undefined] }],
    [
      /^handlers must return the list .* it returned nothing$/,
      { store: memory(), sources: {}, handlers: () => {} },
    ],
    [/^handlers must return/, { store: memory(), sources: {}, handlers: () => null }],
    [/^handlers must return/, { store: memory(), sources: {}, handlers: async () => [] }],
  ])('is refused with the path of what is not there or something else: %s %j', (path, options) => {
    const refused = expect.objectContaining({
      code: 'bad_config',
      message: expect.stringMatching(path) as string,
    })
    expect(() => createPostern(options as Options)).toThrow(refused)
    expect(() => createPostern(options as Options)).not.toThrow(/hunter2/)
  })

  test.each(['constructor', '__proto__', 'toString'])('is refused for a handler of the source %s', (name) => {
    expect(() => aPostern({ handlers: (on) => [on(name, '*', () => {})] })).toThrow(
      expect.objectContaining({ code: 'bad_config' }),
    )
  })

  test("is refused for a handler's bad name", () => {
    expect(() => aPostern({ handlers: (on) => [on('shop', '*', () => {}, { name: 'A B' })] })).toThrow(
      expect.objectContaining({ code: 'bad_config' }),
    )
  })

  // Design, promise 8: misconfiguration fails at start. Without a place to run in, `start` claims nothing and `stop`
  // never ends; a deadline that no timer can hold wakes every millisecond; a prefix without its slash serves nothing.
  test.each<readonly [string, Partial<Options>]>([
    ['a concurrency of 0', { worker: { concurrency: 0 } }],
    ['a concurrency that is not a number', { worker: { concurrency: Number('many') } }],
    ['a deadline beyond all timers', { worker: { handlerTimeoutMs: Infinity } }],
    ['a lease that is over at once', { worker: { leaseMs: 0 } }],
    ['a schedule without attempts', { retry: { attempts: 0 } }],
    ['a prefix without a slash in front', { prefix: 'webhooks' }],
    ['a prefix with a slash at its end', { prefix: '/webhooks/' }],
    ['an unknown option', { handler: () => {} } as Partial<Options>],
  ])('is refused for %s', (_what, options) => {
    expect(() => aPostern(options)).toThrow(expect.objectContaining({ code: 'bad_config' }))
  })
})

describe('a configuration that works', () => {
  test.each(['a', '0', '-', 'my_shop-2', 'a'.repeat(64), 'constructor'])(
    'may have the source name %j',
    async (name) => {
      const postern = createPostern({ store: memory(), sources: { [name]: aSource() }, now: () => NOW_MS })
      expect((await postern.fetch(aRequest({ path: `/webhooks/${name}` }))).status).toBe(200)
    },
  )

  test('may have no handlers, and stores what comes', async () => {
    const { postern, store } = aPostern()
    expect((await postern.fetch(aRequest())).status).toBe(200)
    expect((await store.get(1))!.deliveries).toEqual([])
  })

  test('says nothing', () => {
    aPostern()
    expect(logged).toEqual([])
  })
})

describe('a secret', () => {
  test.each<readonly [string, SourceOptions['secret']]>([
    ['undefined', undefined],
    ['empty', ''],
    ['blank', ' \t'],
    ['a list of none', [undefined, '']],
  ])('that is %s is warned of, with the name of the source', (_what, secret) => {
    aPostern({ sources: { shop: aSource({ secret }) } })
    expect(logged).toEqual([
      ['warn', 'sources.shop: no signing secret is set; its requests are answered 503 until there is one'],
    ])
  })

  test('that is missing makes its source answer 503, and no other', async () => {
    const { postern } = aPostern({ sources: { shop: aSource({ secret: undefined }), bank: aSource() } })
    expect((await postern.fetch(aRequest())).status).toBe(503)
    expect((await postern.fetch(aRequest({ path: '/webhooks/bank' }))).status).toBe(200)
  })

  test('that is short is warned of, with the name of the source', () => {
    aPostern({ sources: { shop: aSource({ secret: 'hunter2' }) } })
    expect(logged).toEqual([['warn', expect.stringMatching(/^sources\.shop: .*16 bytes/) as unknown]])
  })

  test('that is short is not shown', () => {
    aPostern({ sources: { shop: aSource({ secret: ['hunter2', SECRET] }) } })
    expect(JSON.stringify(logged)).not.toMatch(/hunter2|a secret of/)
  })

  test('that is good is in no line of the log, whatever is refused', async () => {
    const { postern } = aPostern()
    await postern.fetch(aRequest({ headers: { 'x-signature': '00' } }))
    await postern.fetch(aRequest({ body: 'not JSON' }))
    expect(JSON.stringify([logged, occurrences])).not.toContain(SECRET)
  })
})

test('warnings go to the console where no log is given', () => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue()
  onTestFinished(() => warn.mockRestore())
  createPostern({ store: memory(), sources: { shop: aSource({ secret: '' }) } })
  expect(warn.mock.calls).toEqual([[expect.stringMatching(/^postern: sources\.shop: no signing secret/)]])
})

describe('start', () => {
  test('runs what comes', async () => {
    const handled = deferred<string>()
    const { postern } = aPostern({ handlers: (on) => [on('shop', '*', ({ id }) => handled.resolve(id))] })
    await postern.start()
    await postern.fetch(aRequest())
    expect(await handled.promise).toBe('evt_1')
  })

  test('rejects where the store cannot be opened', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    // A folder where the file should be.
    const postern = createPostern({
      store: sqlite(folder, { writer: 'thread' }),
      sources: { shop: aSource() },
    })
    await expect(postern.start()).rejects.toThrow()
  })

  test('claims nothing where the store gives no answer', async () => {
    const { postern, store } = aPostern({ handlers: (on) => [on('shop', '*', () => {})] })
    vi.spyOn(store, 'get').mockRejectedValueOnce(new Error('cannot open'))
    const claim = vi.spyOn(store, 'claim')
    await expect(postern.start()).rejects.toThrow('cannot open')
    expect(claim).not.toHaveBeenCalled()
  })

  test('may be tried again once the store can be opened', async () => {
    const { postern, store } = aPostern({ handlers: (on) => [on('shop', '*', () => {})] })
    vi.spyOn(store, 'get').mockRejectedValueOnce(new Error('cannot open'))
    await postern.start().catch(() => {})
    await postern.start()
    expect(await postern.isReady()).toBe(true)
  })

  test('twice is once', async () => {
    const { postern, store } = aPostern({ handlers: (on) => [on('shop', '*', () => {})] })
    const claim = vi.spyOn(store, 'claim')
    await Promise.all([postern.start(), postern.start()])
    expect(claim).toHaveBeenCalledTimes(1)
  })

  test('rejects after a stop', async () => {
    const { postern } = aPostern()
    await postern.stop()
    await expect(postern.start()).rejects.toThrow(expect.objectContaining({ code: 'store_closed' }))
  })
})

test('requests are answered and stored without a start', async () => {
  const { postern, store } = aPostern({ handlers: (on) => [on('shop', '*', () => {})] })
  expect((await postern.fetch(aRequest())).status).toBe(200)
  expect((await store.get(1))!.deliveries).toMatchObject([{ destination: 'handlers', state: 'pending' }])
})

describe('drain', () => {
  test('runs what is due without a start, and counts it', async () => {
    const handled: string[] = []
    const { postern } = aPostern({
      handlers: (on) => [
        on('shop', '*', ({ id }) => handled.push(id)),
        on('shop', '*', ({ id }) => handled.push(`${id} audited`), { name: 'audit' }),
      ],
    })
    await postern.fetch(aRequest())
    expect(await postern.drain()).toBe(2)
    expect(handled).toEqual(['evt_1', 'evt_1 audited'])
  })

  test('counts nothing where there is nothing to do', async () => {
    expect(await aPostern({ handlers: (on) => [on('shop', '*', () => {})] }).postern.drain()).toBe(0)
  })

  test('counts nothing where there are no handlers', async () => {
    const { postern } = aPostern()
    await postern.fetch(aRequest())
    expect(await postern.drain()).toBe(0)
  })

  test('hands the handler what the envelope says is the data', async () => {
    const seen: unknown[] = []
    const { postern } = aPostern({ handlers: (on) => [on('shop', '*', ({ data }) => seen.push(data))] })
    await postern.fetch(aRequest({ body: '{"id":"evt_1","type":"a","data":{"total":1}}' }))
    await postern.drain()
    expect(seen).toEqual([{ total: 1 }])
  })

  test('waits between attempts as the schedule and the dice say', async () => {
    const { postern, store } = aPostern({
      handlers: (on) => [on('shop', '*', () => Promise.reject(new Error('no')))],
      retry: { baseMs: 8000 },
      random: () => 0.25,
    })
    await postern.fetch(aRequest())
    await postern.drain()
    expect((await store.get(1))!.deliveries).toMatchObject([{ state: 'pending', dueMs: NOW_MS + 2000 }])
  })

  test('gives up as the schedule says', async () => {
    const { postern, store } = aPostern({
      handlers: (on) => [on('shop', '*', () => Promise.reject(new Error('no')))],
      retry: { attempts: 1 },
    })
    await postern.fetch(aRequest())
    await postern.drain()
    expect((await store.get(1))!.deliveries).toMatchObject([{ state: 'dead', error: 'Error: no' }])
  })

  // As an option that is read from a variable which is not set.
  test.each(['attempts', 'baseMs', 'factor', 'capMs', 'giveUpAfterMs'])(
    'takes an undefined %s of a schedule for an absent one, its own or a destination’s',
    async (name) => {
      const retry = { [name]: undefined }
      const fail = (): Promise<never> => Promise.reject(new Error('no'))
      const { postern, store } = aPostern({
        handlers: (on) => [on('shop', '*', fail), on('shop', '*', fail, { name: 'audit', retry })],
        retry,
      })
      await postern.fetch(aRequest())
      await postern.drain()
      const due = { state: 'pending', dueMs: NOW_MS + 5000 }
      expect((await store.get(1))!.deliveries).toMatchObject([due, due])
    },
  )

  test('commits the effects of a handler with its success', async () => {
    const effect = vi.fn()
    const { postern } = aPostern({ handlers: (on) => [on('shop', '*', (_event, { tx }) => tx(effect))] })
    await postern.fetch(aRequest())
    await postern.drain()
    expect(effect).toHaveBeenCalledTimes(1)
  })
})

describe('isReady', () => {
  test('is so before a start, since requests are answered', async () => {
    expect(await aPostern().postern.isReady()).toBe(true)
  })

  test('is not so after a stop', async () => {
    const { postern } = aPostern()
    await postern.stop()
    expect(await postern.isReady()).toBe(false)
  })

  test('is not so as soon as a stop has begun', async () => {
    const work = deferred<void>()
    const begun = deferred<void>()
    const { postern } = aPostern({
      handlers: (on) => [on('shop', '*', () => (begun.resolve(), work.promise))],
    })
    await postern.start()
    await postern.fetch(aRequest())
    await begun.promise
    const stopped = postern.stop()
    expect(await postern.isReady()).toBe(false)
    work.resolve()
    await stopped
  })

  test('is not so while the store fails', async () => {
    const { postern, store } = aPostern()
    vi.spyOn(store, 'get').mockRejectedValueOnce(new Error('gone'))
    expect(await postern.isReady()).toBe(false)
    expect(await postern.isReady()).toBe(true)
  })

  test('is not so while the store gives no answer within a second', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { postern, store } = aPostern()
    vi.spyOn(store, 'get').mockReturnValueOnce(new Promise(() => {}))
    const ready = postern.isReady()
    await vi.advanceTimersByTimeAsync(1000)
    expect(await ready).toBe(false)
  })
})

test('a source that is to wait for handlers that are not there is warned of', () => {
  const sources = { shop: aSource({ ack: 'handled' }) }
  aPostern({ sources, handlers: (on) => [on('shop', '*', () => {}, { name: 'audit' })] })
  expect(logged).toEqual([
    ['warn', expect.stringMatching(/^sources\.shop: ack is 'handled', but no handler/)],
  ])
  logged.length = 0
  aPostern({ sources, handlers: (on) => [on('shop', 'a', () => {})] })
  expect(logged).toEqual([])
})

describe('stop', () => {
  test('closes the store', async () => {
    const { postern, store } = aPostern()
    await postern.stop()
    await expect(store.get(1)).rejects.toThrow(expect.objectContaining({ code: 'store_closed' }))
  })

  test('closes the store only when the handlers have ended and are settled', async () => {
    const work = deferred<void>()
    const begun = deferred<void>()
    const { postern, store } = aPostern({
      handlers: (on) => [on('shop', '*', () => (begun.resolve(), work.promise))],
    })
    await postern.start()
    await postern.fetch(aRequest())
    await begun.promise
    const close = vi.spyOn(store, 'close')
    const stopped = postern.stop()
    work.resolve()
    await stopped
    expect(outcomes()).toEqual(['succeeded'])
    expect(close).toHaveBeenCalledTimes(1)
  })

  test('gives back what outlasts the grace', async () => {
    const begun = deferred<void>()
    const { postern } = aPostern({
      handlers: (on) => [on('shop', '*', () => (begun.resolve(), new Promise(() => {})))],
    })
    await postern.start()
    await postern.fetch(aRequest())
    await begun.promise
    await postern.stop({ graceMs: 0 })
    expect(outcomes()).toEqual(['released'])
  })

  // A timer that is asked to wait for more than 2^31 - 1 ms fires after one.
  test.each([Infinity, Number.MAX_SAFE_INTEGER, 2 ** 31])(
    'lets handlers finish for %d ms',
    async (graceMs) => {
      const work = deferred<void>()
      const begun = deferred<AbortSignal>()
      const { postern } = aPostern({
        handlers: (on) => [on('shop', '*', (_event, { signal }) => (begun.resolve(signal), work.promise))],
      })
      await postern.start()
      await postern.fetch(aRequest())
      const signal = await begun.promise
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      onTestFinished(() => void vi.useRealTimers())
      const stopped = postern.stop({ graceMs })
      await vi.advanceTimersByTimeAsync(20_000)
      expect(signal.aborted).toBe(false)
      work.resolve()
      await stopped
      expect(outcomes()).toEqual(['succeeded'])
    },
  )

  test.each([Number.NaN, -1, -Infinity, '500', null])(
    'is refused for a grace of %s, and changes nothing',
    async (graceMs) => {
      const { postern } = aPostern()
      await expect(postern.stop({ graceMs: graceMs as number })).rejects.toMatchObject({
        code: 'bad_config',
        message: expect.stringMatching(/^stop\.graceMs must be a number from 0 to Infinity: got/) as string,
      })
      expect(await postern.isReady()).toBe(true)
    },
  )

  test.each([null, 500, 'now'])('is refused for options that are none: %j', async (options) => {
    await expect(aPostern().postern.stop(options as unknown as object)).rejects.toMatchObject({
      code: 'bad_config',
      message: 'stop must be an object',
    })
  })

  test('takes an undefined grace for an absent one', async () => {
    await aPostern().postern.stop({ graceMs: undefined } as object)
  })

  test('twice is once, and both end together', async () => {
    const { postern, store } = aPostern()
    const close = vi.spyOn(store, 'close')
    await Promise.all([postern.stop(), postern.stop({ graceMs: 0 })])
    await postern.stop()
    expect(close).toHaveBeenCalledTimes(1)
  })

  test('answers requests 503 at once', async () => {
    const { postern } = aPostern()
    const stopped = postern.stop()
    expect((await postern.fetch(aRequest())).status).toBe(503)
    await stopped
  })

  // Found by simulation: it closed the store under them, and a handler ran after it.
  test('waits for the requests that are being answered, and gives back what they lease', async () => {
    const { postern, store } = aPostern({
      sources: { shop: aSource({ ack: 'handled' }) },
      handlers: (on) => [on('shop', '*', () => {})],
    })
    const { put } = store
    const commit = deferred<void>()
    vi.spyOn(store, 'put').mockImplementationOnce(async (events) => {
      await commit.promise
      return put(events)
    })
    const close = vi.spyOn(store, 'close')
    const answer = postern.fetch(aRequest())
    await vi.waitFor(() => expect(store.put).toHaveBeenCalled())
    const stopped = postern.stop()
    await new Promise((resolve) => setImmediate(resolve))
    expect(close).not.toHaveBeenCalled()
    commit.resolve()
    expect((await answer).status).toBe(503)
    await stopped
    expect(outcomes()).toEqual(['released'])
    expect(logged).toEqual([])
  })

  test('needs no start', async () => {
    await aPostern({ handlers: (on) => [on('shop', '*', () => {})] }).postern.stop()
  })
})

function aSource(options: SourceOptions = {}): Source {
  return custom({
    secret: SECRET,
    scheme: {
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
      content: ['body'],
    },
    envelope: { id: [{ json: ['id'] }], type: { json: ['type'] }, data: ['data'] },
    ...options,
  })
}

interface RequestChange {
  readonly path?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** An authentic request, and what a test changes about it. */
function aRequest({
  path = '/webhooks/shop',
  body = '{"id":"evt_1","type":"order.paid"}',
  headers,
}: RequestChange = {}): Request {
  return new Request(`http://inbox.test${path}`, {
    method: 'POST',
    headers: { ...sign(aSource(), { body, nowMs: NOW_MS }), ...headers },
    body,
  })
}

/** An inbox with one source, `shop`, over a store in memory, both with a clock that stands still. */
function aPostern(options: Partial<Omit<Options, 'store'>> = {}): {
  readonly postern: Postern
  readonly store: MemoryStore
} {
  const store = memory({ now: () => NOW_MS })
  const sources: Sources = { shop: aSource() }
  const postern = createPostern<Sources, MemoryEffect>({
    store,
    sources,
    log: {
      debug: (...line) => logged.push(['debug', ...line]),
      info: (...line) => logged.push(['info', ...line]),
      warn: (...line) => logged.push(['warn', ...line]),
      error: (...line) => logged.push(['error', ...line]),
    },
    observe: (occurrence) => occurrences.push(occurrence),
    now: () => NOW_MS,
    random: () => 0.5,
    ...options,
  })
  onTestFinished(() => postern.stop({ graceMs: 0 }))
  return { postern, store }
}

function outcomes(): readonly string[] {
  return occurrences.flatMap((occurrence) => (occurrence.kind === 'attempted' ? [occurrence.outcome] : []))
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((fulfil) => (resolve = fulfil))
  return { promise, resolve }
}
