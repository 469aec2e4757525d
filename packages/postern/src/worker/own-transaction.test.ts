import { createHmac } from 'node:crypto'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Source, SourceOptions } from '../core/index.ts'
import { Deadlines, type DeliveryState, type Lease, type Occurrence, type SettlesIn } from '../inbox/index.ts'
import { createPostern } from '../postern.ts'
import { custom } from '../providers/index.ts'
import { memory, type MemoryEffect, type MemoryStore } from '../stores/memory/index.ts'
import {
  anEvent,
  claimOne,
  deliveryOf,
  events,
  putAll,
  putStored,
} from '../testing/store-contract/fixtures.ts'
import { LeaseLostError, type Handler } from './handler.ts'
import { Worker, type WorkerSettings } from './worker.ts'

/** What is done in one is done at its commit. */
interface TestTransaction {
  readonly steps: (() => unknown)[]
}

type SettlingStore = MemoryStore & SettlesIn<TestTransaction>
type TestHandler = Handler<string, never, MemoryEffect, TestTransaction>

const SECRET = 'whsec_0123456789abcdef'
const LEASE_MS = 30_000
const TIMEOUT_MS = 60_000

describe('a handler that settles in a transaction of its own', () => {
  test('has its delivery settled by the commit, once', async () => {
    const { worker, store, db } = aWorker((_event, { settleIn }) =>
      db.transaction(async (tx) => {
        db.insert(tx, 'outbid')
        await settleIn(tx)
      }),
    )
    const eventSeq = await putStored(store)
    expect(await worker.drain()).toBe(1)
    expect(db.rows).toEqual(['outbid'])
    expect(await deliveryOf(store, eventSeq)).toMatchObject({
      state: 'succeeded',
      attempts: [{ number: 1, outcome: 'succeeded', durationMs: expect.any(Number) as unknown }],
    })
  })

  test('is observed to have succeeded', async () => {
    const { worker, store, db, occurrences, logged } = aWorker((_event, { settleIn }) =>
      db.transaction(settleIn),
    )
    await putStored(store)
    await worker.drain()
    expect(occurrences).toMatchObject([{ kind: 'attempted', attempt: 1, outcome: 'succeeded' }])
    expect(logged).toEqual([])
  })

  test('has succeeded for the request that waits for it', async () => {
    const { worker, store, db } = aWorker((_event, { settleIn }) => db.transaction(settleIn))
    await putStored(store)
    expect(await worker.run(await claimOne(store), TIMEOUT_MS)).toBe('succeeded')
  })

  test('has written nothing where its transaction is rolled back, and is tried again', async () => {
    const { worker, store, db } = aWorker((_event, { settleIn, attempt }) =>
      db.transaction(async (tx) => {
        db.insert(tx, `outbid ${attempt}`)
        await settleIn(tx)
        if (attempt === 1) throw new Error('deadlock')
      }),
    )
    const eventSeq = await putStored(store)
    await worker.drain()
    expect(await deliveryOf(store, eventSeq)).toMatchObject({ state: 'pending', error: 'Error: deadlock' })
    store.pass(1000)
    await worker.drain()
    expect(db.rows).toEqual(['outbid 2'])
    expect((await deliveryOf(store, eventSeq)).state).toBe('succeeded')
  })

  test('that returns although its transaction was rolled back is settled as any other', async () => {
    const { worker, store, db, occurrences } = aWorker(async (_event, { settleIn }) => {
      await db
        .transaction(async (tx) => {
          await settleIn(tx)
          throw new Error('rolled back')
        })
        .catch(() => {})
    })
    const eventSeq = await putStored(store)
    await worker.drain()
    expect((await deliveryOf(store, eventSeq)).state).toBe('succeeded')
    expect(occurrences).toMatchObject([{ outcome: 'succeeded' }])
  })

  test('may try its transaction again', async () => {
    const { worker, store, db } = aWorker(async (_event, { settleIn }) => {
      const failing = db.transaction(async (tx) => {
        await settleIn(tx)
        throw new Error('could not serialize access')
      })
      await failing.catch(() => db.transaction(settleIn))
    })
    const eventSeq = await putStored(store)
    await worker.drain()
    expect((await deliveryOf(store, eventSeq)).attempts).toMatchObject([{ outcome: 'succeeded' }])
  })

  test('and fails after the commit keeps its success, and its error is logged', async () => {
    const error = new Error('mail server down')
    const { worker, store, db, occurrences, logged } = aWorker(async (_event, { settleIn }) => {
      await db.transaction(settleIn)
      throw error
    })
    const eventSeq = await putStored(store, anEvent({ id: 'evt_1' }))
    expect(await worker.drain()).toBe(1)
    expect(await deliveryOf(store, eventSeq)).toMatchObject({ state: 'succeeded', error: undefined })
    expect(occurrences).toMatchObject([{ outcome: 'succeeded' }])
    expect(occurrences[0]).not.toHaveProperty('error')
    expect(logged).toEqual([
      [expect.stringMatching(/failed after it had settled/), { source: 'shop', id: 'evt_1', error }],
    ])
  })

  test('keeps its success where a stop ends its attempt after the commit, and nothing is logged', async () => {
    const committed = deferred()
    const { worker, store, db, occurrences, logged } = aWorker(async (_event, { settleIn, signal }) => {
      await db.transaction(settleIn)
      committed.resolve()
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    })
    await putStored(store)
    worker.start()
    await committed.promise
    await worker.stop(0)
    expect(occurrences).toMatchObject([{ outcome: 'succeeded' }])
    expect(logged).toEqual([])
  })

  test('is settled by nothing else', async () => {
    const { worker, store, db } = aWorker((_event, { settleIn }) => db.transaction(settleIn))
    await putStored(store)
    const settle = vi.spyOn(store, 'settle')
    await worker.drain()
    expect(settle).not.toHaveBeenCalled()
  })

  test('has succeeded as well where its commit is seen only after the settle', async () => {
    const { worker, store, db } = aWorker((_event, { settleIn }) => db.transaction(settleIn))
    await putStored(store)
    vi.spyOn(store, 'haveSucceeded').mockResolvedValueOnce([false])
    expect(await worker.run(await claimOne(store), TIMEOUT_MS)).toBe('succeeded')
  })

  test('has succeeded as well where the store cannot say so at first', async () => {
    const { worker, store, db } = aWorker((_event, { settleIn }) => db.transaction(settleIn))
    await putStored(store)
    vi.spyOn(store, 'haveSucceeded').mockRejectedValueOnce(new Error('connection closed'))
    expect(await worker.run(await claimOne(store), TIMEOUT_MS)).toBe('succeeded')
  })

  test('is unsettled where the store cannot say whether it has succeeded', async () => {
    const { worker, store, db, occurrences, logged } = aWorker((_event, { settleIn }) =>
      db.transaction(settleIn),
    )
    await putStored(store)
    vi.spyOn(store, 'haveSucceeded').mockRejectedValue(new Error('connection closed'))
    expect(await worker.run(await claimOne(store), TIMEOUT_MS)).toBe('unsettled')
    expect(occurrences).toEqual([])
    expect(logged).toMatchObject([
      [expect.stringMatching(/could not say/), {}],
      [expect.stringMatching(/could not say/), {}],
    ])
  })

  test('is reported for itself, whatever ends beside it', async () => {
    const { worker, store, db, occurrences } = aWorker(async ({ id }, { settleIn }) => {
      if (id === 'evt_2') await db.transaction(settleIn)
      if (id === 'evt_3') await db.transaction(settleIn).then(() => Promise.reject(new Error('no')))
      if (id === 'evt_4') throw new Error('no')
    })
    await putAll(store, events(4))
    await worker.drain()
    const outcomes = occurrences.map((each) => (each.kind === 'attempted' ? [each.id, each.outcome] : []))
    expect(Object.fromEntries(outcomes)).toEqual({
      evt_1: 'succeeded',
      evt_2: 'succeeded',
      evt_3: 'succeeded',
      evt_4: 'retry',
    })
  })

  test('holds its delivery, so that its lease is left out when leases are prolonged', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const settled = deferred()
    const end = deferred()
    const { worker, store, db } = aWorker((_event, { settleIn }) =>
      db.transaction(async (tx) => {
        if (tx.steps.length === 0) await settleIn(tx)
        settled.resolve()
        await end.promise
      }),
    )
    const extend = vi.spyOn(store, 'extend')
    await putStored(store)
    worker.start()
    await settled.promise
    await vi.advanceTimersByTimeAsync(LEASE_MS)
    expect(extend).not.toHaveBeenCalled()
    end.resolve()
  })
})

describe('a lease that is lost', () => {
  test('makes settleIn throw, so that the transaction is rolled back', async () => {
    const thrown: unknown[] = []
    const { worker, store, db, occurrences } = aWorker((_event, { settleIn }) =>
      db.transaction(async (tx) => {
        db.insert(tx, 'outbid')
        store.pass(LEASE_MS + 1)
        await claimOne(store)
        await settleIn(tx).catch((error: unknown) => {
          thrown.push(error)
          throw error
        })
      }),
    )
    await putStored(store)
    await worker.drain()
    expect(thrown).toEqual([expect.any(LeaseLostError)])
    expect(thrown).toMatchObject([{ name: 'LeaseLostError' }])
    expect(db.rows).toEqual([])
    expect(occurrences).toMatchObject([{ outcome: 'lost' }])
  })

  test.each(['leased', 'succeeded'] as const)(
    'after a rollback is lost, though another worker has the delivery %s',
    async (state) => {
      const { worker, store, db, occurrences } = aWorker(async (_event, { settleIn }) => {
        const rolledBack = db.transaction(async (tx) => {
          await settleIn(tx)
          throw new Error('rolled back')
        })
        await rolledBack.catch(() => {})
        store.pass(LEASE_MS + 1)
        const taken = await claimOne(store)
        if (state === 'succeeded')
          await store.settle([{ ...taken, outcome: { kind: 'succeeded' }, durationMs: 1 }])
      })
      await putStored(store)
      await worker.drain()
      expect(occurrences).toMatchObject([{ outcome: 'lost' }])
    },
  )

  test('to its own settle, whose answer was lost on the way, is no success', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { worker, store, db } = aWorker((_event, { settleIn }) =>
      db.transaction(async (tx) => {
        await settleIn(tx)
        throw new Error('rolled back')
      }),
    )
    await putStored(store)
    const { settle } = store
    const failed = deferred()
    vi.spyOn(store, 'settle').mockImplementationOnce(async (settlements) => {
      await settle(settlements)
      failed.resolve()
      throw new Error('connection closed')
    })
    const run = worker.run(await claimOne(store), TIMEOUT_MS)
    await failed.promise
    await new Promise((resolve) => setImmediate(resolve))
    await vi.advanceTimersByTimeAsync(1000)
    expect(await run).toBe('lost')
  })

  test('at the deadline is lost without asking the store', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const late = deferred()
    const thrown = deferred<unknown>()
    const { worker, store, db, asked } = aWorker(async (_event, { settleIn }) => {
      await late.promise
      await db.transaction(settleIn).catch(thrown.resolve)
    })
    const eventSeq = await putStored(store)
    const run = worker.run(await claimOne(store), TIMEOUT_MS)
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS)
    expect(await run).toBe('retry')
    late.resolve()
    expect(await thrown.promise).toBeInstanceOf(LeaseLostError)
    expect(asked).toEqual([])
    expect((await deliveryOf(store, eventSeq)).state).toBe('pending')
  })
})

describe('settleIn is refused', () => {
  test('where another handler of the delivery has yet to run', async () => {
    const later = vi.fn()
    const { worker, store, db } = aWorker((_event, { settleIn }) => db.transaction(settleIn), later)
    const eventSeq = await putStored(store)
    await worker.drain()
    expect(await deliveryOf(store, eventSeq)).toMatchObject({
      state: 'pending',
      error: expect.stringMatching(/1 more of the handlers .* give this one a name of its own/) as unknown,
    })
    expect(later).not.toHaveBeenCalled()
  })

  test('but not for the last of them', async () => {
    const earlier = vi.fn()
    const { worker, store, db } = aWorker(earlier, (_event, { settleIn }) => db.transaction(settleIn))
    const eventSeq = await putStored(store)
    await worker.drain()
    expect(earlier).toHaveBeenCalledTimes(1)
    expect((await deliveryOf(store, eventSeq)).state).toBe('succeeded')
  })

  test('after an effect was added, of whichever handler', async () => {
    const effect = vi.fn()
    const { worker, store, db, asked } = aWorker(
      (_event, { tx }) => tx(effect),
      (_event, { settleIn }) => db.transaction(settleIn),
    )
    const eventSeq = await putStored(store)
    await worker.drain()
    expect((await deliveryOf(store, eventSeq)).error).toMatch(/settleIn after `tx`/)
    expect(asked).toEqual([])
    expect(effect).not.toHaveBeenCalled()
  })

  test('before an effect: adding one throws, so that the transaction can still be rolled back', async () => {
    const effect = vi.fn()
    const { worker, store, db } = aWorker((_event, { settleIn, tx: add }) =>
      db.transaction(async (tx) => {
        await settleIn(tx)
        add(effect)
      }),
    )
    const eventSeq = await putStored(store)
    await worker.drain()
    expect(await deliveryOf(store, eventSeq)).toMatchObject({
      state: 'pending',
      error: expect.stringMatching(/`tx` after `settleIn`/) as unknown,
    })
    expect(effect).not.toHaveBeenCalled()
  })

  test('by a store that cannot do it, in words that name the other way', async () => {
    const store = memory()
    const sources = { shop: shop() }
    const errors: unknown[] = []
    const postern = createPostern({
      store,
      sources,
      handlers: (on) => [
        on('shop', '*', async (_event, context) => {
          // @ts-expect-error The memory store settles in no transaction of its user's, and its handlers are not offered it.
          const settleIn = context.settleIn as (tx: unknown) => Promise<void>
          await settleIn({}).catch((error: unknown) => errors.push(error))
        }),
      ],
    })
    onTestFinished(() => postern.stop())
    await putStored(store)
    await postern.drain()
    expect(errors).toMatchObject([
      { name: 'PosternError', code: 'cannot_settle', message: expect.stringContaining('`tx`') },
    ])
  })
})

test('handlers are typed by what their store settles in', async () => {
  const { store, db } = aWorker()
  const postern = createPostern({
    store,
    sources: { shop: shop() },
    handlers: (on) => [
      on('shop', '*', (_event, { settleIn }) => db.transaction((tx) => settleIn(tx)), { name: 'books' }),
      on('shop', '*', async (_event, { settleIn }) => {
        // @ts-expect-error It is no transaction of this store.
        await settleIn({ query: 'BEGIN' }).catch(() => {})
      }),
    ],
  })
  await putStored(store, anEvent({ destinations: ['books'] }))
  expect(await postern.drain()).toBe(1)
})

describe('a sender that waits for a handler that settles in its own transaction', () => {
  test.each([
    ['is told of its success', async (commit: () => Promise<void>) => commit(), 200],
    [
      'is told of its success though it fails after the commit',
      async (commit: () => Promise<void>) => {
        await commit()
        throw new Error('mail server down')
      },
      200,
    ],
    [
      'is told to come again where it was rolled back',
      async () => Promise.reject(new Error('deadlock')),
      503,
    ],
  ])('%s', async (_title, end, status) => {
    const { store, db } = aWorker()
    const postern = createPostern({
      store,
      sources: { shop: shop({ ack: 'handled' }) },
      handlers: (on) => [
        on('shop', '*', async (_event, { settleIn }) => end(() => db.transaction((tx) => settleIn(tx)))),
      ],
      log: { debug() {}, info() {}, warn() {}, error() {} },
    })
    const body = '{"total":1}'
    const headers = { 'x-id': 'evt_1', 'x-type': 'order.paid', 'x-signature': hmacOf(body) }
    const send = async (): Promise<number> =>
      (await postern.fetch(new Request('http://localhost/webhooks/shop', { method: 'POST', headers, body })))
        .status
    expect(await send()).toBe(status)
    expect(await send()).toBe(status)
    expect((await store.list({ of: 'deliveries', limit: 10 })).deliveries).toMatchObject([
      { state: status === 200 ? 'succeeded' : 'pending', attempt: status === 200 ? 1 : 2 },
    ])
  })
})

/** A worker over a store in memory that can settle in the transactions of `db`. */
function aWorker(...handlers: readonly TestHandler[]): {
  readonly worker: Worker<MemoryEffect, TestTransaction>
  readonly store: SettlingStore & { pass(ms: number): void }
  readonly db: TestDatabase
  readonly occurrences: readonly Occurrence[]
  /** Error lines. */
  readonly logged: readonly unknown[][]
  /** The leases that the store was asked to settle in a transaction. */
  readonly asked: readonly Lease[]
} {
  let nowMs = 1_750_000_000_000
  const inner = memory({ now: () => nowMs })
  const asked: Lease[] = []
  const store = {
    ...inner,
    pass: (ms: number) => void (nowMs += ms),
    async settleIn(tx: TestTransaction, lease: Lease, durationMs: number) {
      asked.push(lease)
      if (!(await isIn(inner, lease, 'leased'))) return 'lost' as const
      tx.steps.push(() => inner.settle([{ ...lease, outcome: { kind: 'succeeded' }, durationMs }]))
      return 'settled' as const
    },
    haveSucceeded: (leases: readonly Lease[]) =>
      Promise.all(leases.map((lease) => isIn(inner, lease, 'succeeded'))),
  }
  const occurrences: Occurrence[] = []
  const logged: unknown[][] = []
  const settings: WorkerSettings<MemoryEffect, TestTransaction> = {
    store,
    destinations: ['handlers'],
    handlersFor: () => handlers,
    dataOf: () => undefined,
    schedule: { attempts: 3, baseMs: 1000, factor: 2, capMs: 5000 },
    deadlines: new Deadlines(TIMEOUT_MS),
    handlerTimeoutMs: TIMEOUT_MS,
    random: () => 0.5,
    now: Date.now,
    concurrency: 10,
    leaseMs: LEASE_MS,
    log: { debug() {}, info() {}, warn() {}, error: (...line) => void logged.push(line) },
    observe: (occurrence) => void occurrences.push(occurrence),
  }
  const worker = new Worker(settings)
  onTestFinished(async () => {
    vi.useRealTimers()
    vi.restoreAllMocks()
    await worker.stop(0)
    await store.close()
  })
  return { worker, store, db: new TestDatabase(), occurrences, logged, asked }
}

/** Where the handlers write; a transaction whose work throws is rolled back. */
class TestDatabase {
  readonly rows: string[] = []

  async transaction(work: (tx: TestTransaction) => Promise<void>): Promise<void> {
    const tx: TestTransaction = { steps: [] }
    await work(tx)
    for (const step of tx.steps) await step()
  }

  insert(tx: TestTransaction, row: string): void {
    tx.steps.push(() => this.rows.push(row))
  }
}

async function isIn(
  store: MemoryStore,
  { deliverySeq, token }: Lease,
  state: DeliveryState,
): Promise<boolean> {
  const { deliveries } = await store.list({ of: 'deliveries', state, limit: 1000 })
  return deliveries.some((each) => each.deliverySeq === deliverySeq && each.token === token)
}

function shop(options: SourceOptions = {}): Source {
  return custom({
    secret: SECRET,
    scheme: {
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
      content: ['body'],
    },
    envelope: { id: [{ header: 'x-id' }], type: { header: 'x-type' } },
    ...options,
  })
}

function hmacOf(body: string): string {
  return createHmac('sha256', SECRET).update(body).digest('hex')
}

function deferred<T = void>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((fulfil) => (resolve = fulfil))
  return { promise, resolve }
}
