import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  Deadlines,
  type Claimed,
  type ClaimRequest,
  type Occurrence,
  type Reservation,
  type RetrySchedule,
  type Store,
} from '../inbox/index.ts'
import { memory, type MemoryEffect, type MemoryStore } from '../stores/memory/index.ts'
import {
  anEvent,
  claimOne,
  deliveryOf,
  events,
  putAll,
  putStored,
} from '../testing/store-contract/fixtures.ts'
import { NonRetryableError, RetryAfterError, type Handler } from './handler.ts'
import type { Gate } from './limits.ts'
import { Worker, type WorkerSettings } from './worker.ts'

type TestHandler = Handler<string, never, MemoryEffect>

const LEASE_MS = 30_000
const schedule: RetrySchedule = { attempts: 3, baseMs: 1000, factor: 2, capMs: 5000 }

let nowMs = 0
let occurrences: Occurrence[] = []
let errors: unknown[][] = []
let warnings: unknown[][] = []
let observed: Changes

beforeEach(() => {
  nowMs = 1_750_000_000_000
  occurrences = []
  errors = []
  warnings = []
  observed = new Changes()
})

describe('a started worker', () => {
  test('runs what is there and what comes', async () => {
    const { worker, store, work } = aWorker()
    await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await work.begun('evt_1')
    await putStored(store, anEvent({ id: 'evt_2' }))
    await work.begun('evt_2')
  })

  test('runs no more handlers of a destination at once than its concurrency', async () => {
    const { worker, store, work } = aWorker({ concurrency: 2 })
    await putAll(store, events(5))
    worker.start()
    await work.begun('evt_2')
    await turns()
    expect((await store.stat()).destinations).toMatchObject([{ leased: 2, pending: 3 }])
  })

  test('begins the next as soon as one has ended', async () => {
    const { worker, store, work } = aWorker({ concurrency: 2 })
    await putAll(store, events(3))
    worker.start()
    await work.begun('evt_2')
    await turns()
    work.end('evt_1')
    await turns()
    expect(work.ids).toEqual(['evt_1', 'evt_2', 'evt_3'])
  })

  test('asks for no more than the places that are free', async () => {
    const { worker, store, work } = aWorker({ concurrency: 3 })
    const claim = vi.spyOn(store, 'claim')
    await putAll(store, events(2))
    worker.start()
    await work.begun('evt_2')
    await turns()
    expect(claim.mock.calls.map(([{ destinations }]) => destinations)).toEqual([
      [{ name: 'handlers', limit: 3 }],
      // It came with less than was asked for, so that nothing more is due: this one waits.
      [{ name: 'handlers', limit: 1 }],
    ])
  })

  test('claims again at once where a claim came with all that was asked for', async () => {
    const { worker, store, work } = aWorker({ concurrency: 2 })
    const claim = vi.spyOn(store, 'claim')
    await putAll(store, events(3))
    worker.start()
    await work.begun('evt_2')
    work.end('evt_1')
    await work.begun('evt_3')
    expect(claim.mock.calls.map(([{ waitMs }]) => waitMs)).toEqual([0, 0])
  })

  test('goes on with one destination while another is full', async () => {
    const fast = new HandWork()
    const { worker, store, work } = aWorker({ concurrency: 1, handlers: { fast: fast.handler } })
    await putAll(store, events(3, { destinations: ['handlers', 'fast'] }))
    worker.start()
    await work.begun('evt_1')
    for (const id of ['evt_1', 'evt_2', 'evt_3']) {
      await fast.begun(id)
      fast.end(id)
    }
    expect(work.ids).toEqual(['evt_1'])
  })

  // The claim that the full destination was left out of waits up to 5 s for the idle one, and nobody asks again: a
  // backlog is worked off at `concurrency` deliveries every 5 s.
  test('goes on with one destination while another has nothing to do', async () => {
    const { worker, store, work } = aWorker({ concurrency: 1, handlers: { idle: () => {} } })
    await putAll(store, events(2))
    worker.start()
    await work.begun('evt_1')
    await turns()
    work.end('evt_1')
    await turns()
    expect(work.ids).toEqual(['evt_1', 'evt_2'])
  })

  test('runs as many at once as a destination has of its own', async () => {
    const slow = new HandWork()
    const limits = new Map([['slow', { concurrency: 1 }]])
    const { worker, store } = aWorker({ handlers: { slow: slow.handler }, limits })
    await putAll(store, events(3, { destinations: ['slow'] }))
    worker.start()
    await slow.begun('evt_1')
    await turns()
    expect(slow.ids).toEqual(['evt_1'])
    slow.end('evt_1')
    await slow.begun('evt_2')
    slow.end('evt_2')
    slow.end('evt_3')
  })

  test('leaves alone what stands before a closed gate, and goes on when it opens', async () => {
    const gate = new HandGate()
    const gated = new HandWork()
    const { worker, store } = aWorker({
      handlers: { gated: gate.before(gated.handler) },
      limits: new Map([['gated', { gate }]]),
    })
    await putAll(store, events(3, { destinations: ['gated', 'handlers'] }))
    worker.start()
    await turns()
    expect(gated.ids).toEqual([])
    expect((await store.stat()).destinations).toContainEqual(
      expect.objectContaining({ name: 'gated', pending: 3, leased: 0 }),
    )
    gate.open(2)
    await gated.begun('evt_2')
    await turns()
    expect(gated.ids).toEqual(['evt_1', 'evt_2'])
    gate.open(1)
    await gated.begun('evt_3')
  })

  test('waits where every gate is closed, and goes on when one opens', async () => {
    const gate = new HandGate()
    const work = new HandWork()
    const limits = new Map([['handlers', { gate }]])
    const { worker, store } = aWorker({ handler: gate.before(work.handler), limits })
    await putAll(store, events(1))
    worker.start()
    await turns()
    expect(work.ids).toEqual([])
    gate.open(1)
    await work.begun('evt_1')
  })

  test('stops while every gate is closed', async () => {
    const { worker } = aWorker({ limits: new Map([['handlers', { gate: new HandGate() }]]) })
    worker.start()
    await turns()
    await worker.stop(0)
  })

  test('asks a gate again that never tells when it opens, where it keeps everything back', async () => {
    fakeTimers()
    let places = 0
    const limits = new Map([['handlers', { gate: { places: () => places } }]])
    const { worker, store, work } = aWorker({ limits })
    await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await turns()
    places = 1
    await vi.advanceTimersByTimeAsync(5000)
    await turns()
    expect(work.ids).toEqual(['evt_1'])
  })

  test('keeps back what stands before a gate that throws, and nothing else, and says so once', async () => {
    const gated = new HandWork()
    const error = new Error('no such table')
    let isBroken = true
    const gate = {
      places: () => {
        if (isBroken) throw error
        return 1
      },
    }
    const { worker, store, work } = aWorker({
      handlers: { gated: gated.handler },
      limits: new Map([['gated', { gate }]]),
    })
    await putAll(store, events(2, { destinations: ['gated', 'handlers'] }))
    worker.start()
    await work.begun('evt_2')
    expect(gated.ids).toEqual([])
    expect(errors).toEqual([['a gate threw, and its destination waits', { destination: 'gated', error }]])
    isBroken = false
    work.end('evt_1')
    await gated.begun('evt_1')
  })

  test('reserves no place behind a gate', async () => {
    const { worker } = aWorker({ limits: new Map([['handlers', { gate: { places: () => Infinity } }]]) })
    worker.start()
    await turns()
    expect(worker.reserve('handlers')).toBeUndefined()
  })

  test('tries again as a destination has it', async () => {
    const failing = { failing: () => Promise.reject(new Error('down')) }
    const limits = new Map([['failing', { retry: { attempts: 1 } }]])
    const { worker, store } = aWorker({ handlers: failing, limits })
    await putAll(store, events(1, { destinations: ['failing'] }))
    await worker.drain()
    expect(outcomes()).toEqual(['dead'])
  })

  test('gives up when a destination has it, however soon the others do', async () => {
    const failing = () => Promise.reject(new Error('down'))
    const limits = new Map([['patient', { retry: { giveUpAfterMs: 60_000 } }]])
    const soon = { ...schedule, giveUpAfterMs: 500 }
    const { worker, store } = aWorker({
      handlers: { hasty: failing, patient: failing },
      limits,
      schedule: soon,
    })
    await putAll(store, events(1, { destinations: ['hasty', 'patient'] }))
    await worker.drain()
    expect(outcomes().toSorted()).toEqual(['dead', 'retry'])
  })

  test('holds attempts to a destination’s own deadline', async () => {
    vi.useFakeTimers()
    const slow = new HandWork()
    const limits = new Map([['slow', { timeoutMs: 500 }]])
    const { worker, store } = aWorker({ handlers: { slow: slow.handler }, limits })
    await putAll(store, events(1, { destinations: ['slow'] }))
    const drained = worker.drain()
    await slow.begun('evt_1')
    await vi.advanceTimersByTimeAsync(600)
    await drained
    expect(outcomes()).toEqual(['retry'])
  })

  test('asks for nothing where it serves no destination', async () => {
    const { worker, store } = aWorker({ destinations: [] })
    const claim = vi.spyOn(store, 'claim')
    worker.start()
    await turns()
    expect(claim).not.toHaveBeenCalled()
  })

  test('is started once, however often it is told to', async () => {
    const { worker, store } = aWorker()
    const claim = vi.spyOn(store, 'claim')
    worker.start()
    worker.start()
    await turns()
    // One that looks, and one that waits.
    expect(claim).toHaveBeenCalledTimes(2)
  })
})

describe('settling', () => {
  test('carries together what finishes in one turn, after however many promises', async () => {
    const { worker, store } = aWorker({
      handler: async ({ id }) => {
        for (let left = 5 * Number(id.slice('evt_'.length)); left > 0; left -= 1) await undefined
      },
    })
    const settle = vi.spyOn(store, 'settle')
    await putAll(store, events(3))
    await worker.drain()
    expect(settle.mock.calls.map(([settlements]) => settlements.length)).toEqual([3])
  })

  test('does not wait for what finishes later', async () => {
    const { worker, store, work } = aWorker()
    const eventSeqs = await putAll(store, events(2))
    worker.start()
    await work.begun('evt_2')
    work.end('evt_1')
    await occurred(1)
    expect((await deliveryOf(store, eventSeqs[0]!)).state).toBe('succeeded')
    expect((await deliveryOf(store, eventSeqs[1]!)).state).toBe('leased')
  })

  test('is tried again where the store fails once', async () => {
    fakeTimers()
    const { worker, store } = aWorker({ handler: () => {} })
    vi.spyOn(store, 'settle').mockRejectedValueOnce(new Error('disk full'))
    const eventSeq = await putStored(store)
    const drained = worker.drain()
    await turns()
    expect(errors).toEqual([
      ['the store could not settle deliveries', { deliveries: 1, tries: 1, error: new Error('disk full') }],
    ])
    await vi.advanceTimersByTimeAsync(1000)
    await drained
    expect((await deliveryOf(store, eventSeq)).state).toBe('succeeded')
  })

  test('that was tried again is observed once', async () => {
    fakeTimers()
    const { worker, store } = aWorker({ handler: () => {} })
    vi.spyOn(store, 'settle').mockRejectedValueOnce(new Error('disk full'))
    await putStored(store)
    const drained = worker.drain()
    await turns()
    await vi.advanceTimersByTimeAsync(1000)
    await drained
    expect(outcomes()).toEqual(['succeeded'])
  })

  test('is given up after three tries, and the log has each of them', async () => {
    fakeTimers()
    const { worker, store } = aWorker({ handler: () => {} })
    const settle = vi.spyOn(store, 'settle').mockRejectedValue(new Error('disk full'))
    await putStored(store)
    const drained = worker.drain()
    await turns()
    await vi.advanceTimersByTimeAsync(60_000)
    await drained
    expect(settle).toHaveBeenCalledTimes(3)
    expect(errors.map(([, fields]) => fields)).toMatchObject([{ tries: 1 }, { tries: 2 }, { tries: 3 }])
  })

  test('that was given up leaves the delivery to be run again when its lease has ended', async () => {
    fakeTimers()
    const attempts: number[] = []
    const { worker, store } = aWorker({ handler: (_event, { attempt }) => attempts.push(attempt) })
    const settle = vi.spyOn(store, 'settle').mockRejectedValue(new Error('disk full'))
    await putStored(store)
    const drained = worker.drain()
    await turns()
    await vi.advanceTimersByTimeAsync(60_000)
    await drained
    settle.mockRestore()
    nowMs += LEASE_MS
    expect(await worker.drain()).toBe(1)
    expect(attempts).toEqual([1, 2])
  })
})

describe('deliveries that have outlived their last attempt', () => {
  test('go one at a time, and those that wait use up no attempt', async () => {
    const { worker, store, work } = aWorker()
    const eventSeqs = await putAll(store, events(3))
    await outliveAllAttempts(store)
    worker.start()
    await work.begun('evt_1')
    await turns()
    expect(work.ids).toEqual(['evt_1'])
    expect(await deliveryOf(store, eventSeqs[1]!)).toMatchObject({ state: 'pending', attempt: 3 })
    for (const id of ['evt_1', 'evt_2', 'evt_3']) {
      await work.begun(id)
      work.end(id)
      await turns()
      nowMs += 250
      // Looks again: the store's clock is the test's.
      await putStored(store, anEvent({ id: `after ${id}`, destinations: [] }))
    }
    await observed.until(() => outcomes().filter((outcome) => outcome === 'succeeded').length === 3)
    expect(work.ids).toEqual(['evt_1', 'evt_2', 'evt_3'])
  })

  test('hold up nothing that has attempts left', async () => {
    const { worker, store, work } = aWorker()
    await putStored(store, anEvent({ id: 'evt_suspect' }))
    await outliveAllAttempts(store)
    await putStored(store, anEvent({ id: 'evt_new' }))
    worker.start()
    await work.begun('evt_suspect')
    await work.begun('evt_new')
    work.end('evt_new')
    work.end('evt_suspect')
    await observed.until(() => outcomes().length === 2)
  })

  /** As if the process had ended during each attempt. */
  async function outliveAllAttempts(store: MemoryStore): Promise<void> {
    for (let attempt = 1; attempt <= schedule.attempts; attempt += 1) {
      await store.claim({ destinations: [{ name: 'handlers', limit: 10 }], leaseMs: LEASE_MS, waitMs: 0 })
      nowMs += LEASE_MS
    }
  }
})

describe('a store that gives no work because it fails', () => {
  test('is asked again after a second, and not before', async () => {
    fakeTimers()
    const { worker, store } = aWorker()
    const claim = vi.spyOn(store, 'claim').mockRejectedValueOnce(new Error('gone'))
    worker.start()
    await vi.advanceTimersByTimeAsync(999)
    await turns()
    expect(claim).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(1)
    await turns()
    expect(claim.mock.calls.slice(1)).not.toEqual([])
  })

  test('is named in the log each time', async () => {
    fakeTimers()
    const { worker, store } = aWorker()
    vi.spyOn(store, 'claim').mockRejectedValue(new Error('gone'))
    worker.start()
    await turns()
    await vi.advanceTimersByTimeAsync(1000)
    await turns()
    const line = ['the store gave no work; trying again', { error: new Error('gone'), afterMs: 1000 }]
    expect(errors).toEqual([line, line])
  })

  test('gives work again once it works', async () => {
    fakeTimers()
    const { worker, store, work } = aWorker()
    vi.spyOn(store, 'claim').mockRejectedValueOnce(new Error('gone'))
    await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await turns()
    await vi.advanceTimersByTimeAsync(1000)
    await work.begun('evt_1')
  })

  test('does not hold up a stop that comes in the pause', async () => {
    fakeTimers()
    const { worker, store } = aWorker()
    vi.spyOn(store, 'claim').mockRejectedValue(new Error('gone'))
    worker.start()
    await turns()
    await worker.stop(1000)
  })

  // The pause listens for an abort that has already been: it lasts its whole second.
  test('does not hold up a stop that it fails for', async () => {
    fakeTimers()
    const { worker, store } = aWorker()
    vi.spyOn(store, 'claim').mockImplementation(rejectingWhenAborted)
    worker.start()
    await turns()
    const stopped = vi.fn()
    void worker.stop(1000).then(stopped)
    await turns()
    expect(stopped).toHaveBeenCalled()
  })
})

describe('the heartbeat', () => {
  test('extends the leases of what runs, by a whole lease, each third of one', async () => {
    fakeTimers()
    const { worker, store, work } = aWorker()
    const eventSeq = await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await work.begun('evt_1')
    nowMs += LEASE_MS / 3
    await vi.advanceTimersByTimeAsync(LEASE_MS / 3)
    await turns()
    expect((await deliveryOf(store, eventSeq)).leaseUntilMs).toBe(nowMs + LEASE_MS)
  })

  test('extends all of them in one call', async () => {
    fakeTimers()
    const { worker, store, work } = aWorker()
    const extend = vi.spyOn(store, 'extend')
    await putAll(store, events(3))
    worker.start()
    await work.begun('evt_3')
    await vi.advanceTimersByTimeAsync(LEASE_MS / 3)
    expect(extend.mock.calls.map(([leases]) => leases.length)).toEqual([3])
  })

  test('leaves the store alone while nothing runs', async () => {
    fakeTimers()
    const { worker, store } = aWorker({ handler: () => {} })
    const extend = vi.spyOn(store, 'extend')
    await putStored(store)
    await worker.drain()
    await vi.advanceTimersByTimeAsync(LEASE_MS)
    expect(extend).not.toHaveBeenCalled()
  })

  test('aborts the handler whose lease is lost, and no other', async () => {
    fakeTimers()
    const { worker, store, work } = aWorker({ concurrency: 2 })
    await putAll(store, events(2))
    worker.start()
    await work.begun('evt_2')
    nowMs += LEASE_MS
    await claimOne(store, { destinations: [{ name: 'handlers', limit: 1 }] })
    await vi.advanceTimersByTimeAsync(LEASE_MS / 3)
    await turns()
    expect(work.signalOf('evt_1').aborted).toBe(true)
    expect(work.signalOf('evt_2').aborted).toBe(false)
  })

  test('leaves the delivery to the worker that has it now', async () => {
    fakeTimers()
    const { worker, store, work } = aWorker({ concurrency: 1 })
    const eventSeq = await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await work.begun('evt_1')
    nowMs += LEASE_MS
    const other = await claimOne(store)
    await vi.advanceTimersByTimeAsync(LEASE_MS / 3)
    await turns()
    expect(await deliveryOf(store, eventSeq)).toMatchObject({
      state: 'leased',
      token: other.token,
      attempts: [],
    })
  })

  test('that the store cannot take is a warning, and the handler goes on', async () => {
    fakeTimers()
    const { worker, store, work } = aWorker()
    await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await work.begun('evt_1')
    vi.spyOn(store, 'extend').mockRejectedValueOnce(new Error('busy'))
    await vi.advanceTimersByTimeAsync(LEASE_MS / 3)
    await turns()
    expect(warnings).toEqual([['leases could not be prolonged', { error: new Error('busy') }]])
    expect(work.signalOf('evt_1').aborted).toBe(false)
  })

  test('ends with the worker', async () => {
    fakeTimers()
    const { worker, store } = aWorker({ handler: () => {} })
    await putStored(store)
    await worker.drain()
    expect(vi.getTimerCount()).toBeGreaterThan(0)
    await worker.stop(0)
    // What is left is the timer of the deadlines.
    await vi.advanceTimersByTimeAsync(60_000)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a stop', () => {
  test('waits for the handlers that run', async () => {
    const { worker, store, work } = aWorker()
    const eventSeq = await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await work.begun('evt_1')
    const stopped = vi.fn()
    const stop = worker.stop(60_000).then(stopped)
    await turns()
    expect(stopped).not.toHaveBeenCalled()
    work.end('evt_1')
    await stop
    expect((await deliveryOf(store, eventSeq)).state).toBe('succeeded')
  })

  test('does not abort them before its grace is over', async () => {
    fakeTimers()
    const { worker, store, work } = aWorker()
    await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await work.begun('evt_1')
    const stop = worker.stop(5000)
    await turns()
    await vi.advanceTimersByTimeAsync(4999)
    expect(work.signalOf('evt_1').aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(work.signalOf('evt_1').aborted).toBe(true)
    await stop
  })

  test('gives back what still runs then, as if it had not been tried', async () => {
    const { worker, store, work } = aWorker()
    const eventSeq = await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await work.begun('evt_1')
    await worker.stop(0)
    expect(await deliveryOf(store, eventSeq)).toMatchObject({
      state: 'pending',
      attempt: 0,
      dueMs: nowMs,
      attempts: [],
    })
  })

  // The loop waits for a place to become free, and the grace begins only when it has ended: up to the handler's own
  // deadline, 60 s, whatever `graceMs` says.
  test('gives back what still runs then where every place is taken, too', async () => {
    const { worker, store, work } = aWorker({ concurrency: 1 })
    await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await work.begun('evt_1')
    await turns()
    fakeTimers()
    const stopped = vi.fn()
    void worker.stop(1000).then(stopped)
    await turns()
    await vi.advanceTimersByTimeAsync(1000)
    await turns()
    const isStopped = stopped.mock.calls.length
    work.end('evt_1')
    expect(isStopped).toBe(1)
  })

  test('begins nothing that comes after it', async () => {
    const { worker, store, work } = aWorker()
    worker.start()
    await turns()
    await worker.stop(0)
    await putStored(store, anEvent({ id: 'evt_1' }))
    await turns()
    expect(work.ids).toEqual([])
  })

  // Found by simulation: it was run after the stop had ended, and settled on a store that was closed.
  test('runs nothing that is leased to a request after it', async () => {
    const { worker, store, work } = aWorker()
    const eventSeq = await putStored(store, anEvent({ id: 'evt_1' }))
    await worker.stop(0)
    const destinations = [{ name: 'handlers', limit: 1 }]
    const [claimed] = await store.claim({ destinations, leaseMs: LEASE_MS, waitMs: 0 })
    expect(await worker.run(claimed!, 1000)).toBe('unsettled')
    expect(work.ids).toEqual([])
    expect(await deliveryOf(store, eventSeq)).toMatchObject({ state: 'leased' })
  })

  // The grace may be over by then, and nothing would abort it.
  test('gives back what a claim brings after it', async () => {
    const { worker, store, work } = aWorker()
    const eventSeq = await putStored(store, anEvent({ id: 'evt_1' }))
    const { claim } = store
    let answer: () => void = () => {}
    const slow = new Promise<void>((resolve) => (answer = resolve))
    vi.spyOn(store, 'claim').mockImplementationOnce(async (request) => {
      const claimed = await claim(request)
      await slow
      return claimed
    })
    worker.start()
    await turns()
    const stop = worker.stop(60_000)
    answer()
    await turns()
    work.end('evt_1')
    await stop
    expect(work.ids).toEqual([])
    expect(await deliveryOf(store, eventSeq)).toMatchObject({ state: 'pending', attempt: 0 })
  })

  // `drain` goes on claiming, since a claim without a wait does not look at the signal.
  test('begins nothing more of a drain that is under way', async () => {
    const { worker, store, work } = aWorker({ concurrency: 1 })
    await putAll(store, events(2))
    const drained = worker.drain()
    await work.begun('evt_1')
    const stop = worker.stop(60_000)
    work.end('evt_1')
    await turns()
    const begun = [...work.ids]
    work.end('evt_2')
    await Promise.allSettled([drained, stop])
    expect(begun).toEqual(['evt_1'])
  })

  test('ends at once where the worker waits for work', async () => {
    fakeTimers()
    const { worker } = aWorker()
    worker.start()
    await turns()
    await worker.stop(60_000)
  })

  test('ends at once where a drain has run beside the waiting worker', async () => {
    fakeTimers()
    const { worker } = aWorker()
    worker.start()
    await turns()
    await worker.drain()
    await worker.stop(60_000)
  })

  test('ends at once where the worker was never started', async () => {
    fakeTimers()
    await aWorker().worker.stop(60_000)
  })

  test('waits for the settling of what has ended', async () => {
    fakeTimers()
    const { worker, store, work } = aWorker()
    vi.spyOn(store, 'settle').mockRejectedValueOnce(new Error('busy'))
    const eventSeq = await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await work.begun('evt_1')
    work.end('evt_1')
    await turns()
    const stop = worker.stop(0)
    await vi.advanceTimersByTimeAsync(1000)
    await stop
    expect((await deliveryOf(store, eventSeq)).state).toBe('succeeded')
  })
})

describe('a place reserved for what is being put', () => {
  test('is there only while the worker waits for work', async () => {
    const { worker, store, work } = aWorker({ concurrency: 4 })
    expect(worker.reserve('handlers')).toBeUndefined()
    await putAll(store, events(4))
    worker.start()
    await work.begun('evt_4')
    await turns()
    // Every place is taken.
    expect(worker.reserve('handlers')).toBeUndefined()
    work.end('evt_1')
    work.end('evt_2')
    await turns()
    expect(worker.reserve('handlers')).toBeDefined()
    expect(worker.reserve('elsewhere')).toBeUndefined()
  })

  test('leaves half of them to what may come due', async () => {
    const { worker } = aWorker({ concurrency: 4 })
    worker.start()
    await turns()
    expect(reserveAll(worker)).toHaveLength(2)
  })

  test('leaves one of them where handlers are quick', async () => {
    fakeTimers()
    const { worker, store } = aWorker({ concurrency: 4, handler: () => {} })
    await putAll(store, events(8))
    worker.start()
    await occurred(8)
    await turns()
    expect(reserveAll(worker)).toHaveLength(3)
  })

  test('is there while a claim is under way for others, where the last one left nothing due', async () => {
    const { worker, store, work } = aWorker({ concurrency: 2, handlers: { idle: () => {} } })
    const claim = store.claim.bind(store)
    const second = deferred()
    const waits: number[] = []
    vi.spyOn(store, 'claim').mockImplementation(async (request) => {
      waits.push(request.waitMs)
      if (waits.length === 2) await second.promise
      return claim(request)
    })
    await putAll(store, events(4))
    worker.start()
    await work.begun('evt_2')
    await turns()
    expect(waits).toEqual([0, 0])
    expect(worker.reserve('handlers')).toBeUndefined()
    expect(worker.reserve('idle')).toBeDefined()
    second.resolve()
  })

  test('is free again once it is released', async () => {
    const { worker } = aWorker({ concurrency: 4 })
    worker.start()
    await turns()
    for (const place of reserveAll(worker)) place.release()
    expect(reserveAll(worker)).toHaveLength(2)
  })

  test('is free again once what was begun there has ended', async () => {
    const { worker, store, work } = aWorker({ concurrency: 2 })
    const claim = vi.spyOn(store, 'claim')
    worker.start()
    await turns()
    const looked = claim.mock.calls.length
    await putReserved(worker, store, 'evt_1')
    await work.begun('evt_1')
    expect(reserveAll(worker)).toEqual([])
    work.end('evt_1')
    await occurred(1)
    expect(reserveAll(worker)).toHaveLength(1)
    expect(outcomes()).toEqual(['succeeded'])
    // The whole of it without a claim.
    expect(claim).toHaveBeenCalledTimes(looked)
  })

  // Of a full destination's places several come back at once: a wait that may already lease them out would let the newest
  // pass by everything older.
  test('is not there before a backlog has been looked for', async () => {
    const { worker, store, work } = aWorker({ concurrency: 4, handlers: { idle: () => {} } })
    const pendingAtWait: number[] = []
    const claim = store.claim.bind(store)
    vi.spyOn(store, 'claim').mockImplementation(async (request) => {
      if (request.waitMs > 0 && request.destinations.some(({ name }) => name === 'handlers')) {
        pendingAtWait.push((await store.stat()).destinations[0]?.pending ?? 0)
      }
      return claim(request)
    })
    await putAll(store, events(8))
    worker.start()
    await work.begun('evt_4')
    await turns()
    for (const id of ['evt_1', 'evt_2', 'evt_3', 'evt_4']) work.end(id)
    await work.begun('evt_8')
    for (const id of ['evt_5', 'evt_6', 'evt_7', 'evt_8']) work.end(id)
    await turns()
    expect(pendingAtWait).toEqual([0])
  })

  test('is not taken by a claim or a drain besides: no more run at once than the concurrency, and each once', async () => {
    const running = new Set<string>()
    let most = 0
    const runs: string[] = []
    const { worker, store } = aWorker({
      concurrency: 4,
      handler: async ({ id }) => {
        runs.push(id)
        running.add(id)
        most = Math.max(most, running.size)
        await turns(Number(id.slice('evt_'.length)) % 9)
        running.delete(id)
      },
    })
    let reserved = 0
    const drains: Promise<number>[] = []
    worker.start()
    const ids = Array.from({ length: 300 }, (_, index) => `evt_${index}`)
    for (const [index, id] of ids.entries()) {
      if (index % 3 === 0) await putStored(store, anEvent({ id }))
      else if (await putReserved(worker, store, id)) reserved += 1
      if (index % 7 === 0) drains.push(worker.drain())
      // Bursts, and lulls in which the worker comes to wait.
      await turns(index % 20 < 10 ? index % 2 : 12)
    }
    await Promise.all([...drains, occurred(ids.length)])
    await worker.drain()
    expect(runs.toSorted()).toEqual(ids.toSorted())
    expect(most).toBe(4)
    expect(reserved).toBeGreaterThan(20)
  })

  test('that was leased as a stop began is given back, as if it had not been tried', async () => {
    const { worker, store, work } = aWorker({ concurrency: 4 })
    worker.start()
    await turns()
    const place = worker.reserve('handlers')!
    const arriving = deferred()
    const stop = worker.stop(60_000, arriving.promise)
    const [put] = await store.put([anEvent({ id: 'evt_1', lease: place.lease })])
    place.begin((put as { leased: Claimed }).leased)
    arriving.resolve()
    await stop
    expect(work.ids).toEqual([])
    expect(outcomes()).toEqual(['released'])
    const { deliveries } = await store.list({ of: 'deliveries', limit: 10 })
    expect(deliveries).toMatchObject([{ state: 'pending', attempt: 0 }])
  })

  test('that was leased only after a stop changes nothing', async () => {
    const { worker, store, work } = aWorker({ concurrency: 4 })
    worker.start()
    await turns()
    const place = worker.reserve('handlers')!
    await worker.stop(0)
    const [put] = await store.put([anEvent({ id: 'evt_1', lease: place.lease })])
    const settle = vi.spyOn(store, 'settle')
    place.begin((put as { leased: Claimed }).leased)
    await turns()
    expect(work.ids).toEqual([])
    expect(settle).not.toHaveBeenCalled()
  })
})

describe('what is claimed ahead', () => {
  beforeEach(fakeTimers)

  test('is as much as handlers have ended quickly since the claim before, and so much for each place', async () => {
    const { worker, store } = aWorker({ concurrency: 2, handler: () => {} })
    const claim = vi.spyOn(store, 'claim')
    await putAll(store, events(100))
    worker.start()
    await occurred(100)
    const limits = claim.mock.calls.map(([{ destinations }]) => destinations[0]!.limit)
    expect(limits.slice(0, 6)).toEqual([2, 4, 6, 8, 10, 10])
  })

  test('is nothing where handlers take long', async () => {
    const { worker, store, work } = aWorker({ concurrency: 2 })
    const claim = vi.spyOn(store, 'claim')
    await putAll(store, events(4))
    worker.start()
    await work.begun('evt_2')
    await vi.advanceTimersByTimeAsync(51)
    work.end('evt_1')
    work.end('evt_2')
    await work.begun('evt_4')
    expect(claim.mock.calls.map(([{ destinations }]) => destinations[0]!.limit)).toEqual([2, 2])
  })

  test('waits for a place in the order it came, and nothing runs twice', async () => {
    const { worker, store, work } = aWorker({ concurrency: 2, quickRuns: 2 })
    await putAll(store, events(6))
    worker.start()
    await work.begun('evt_4')
    await turns()
    expect(work.ids).toEqual(['evt_3', 'evt_4'])
    expect((await store.stat()).destinations).toMatchObject([{ leased: 4, pending: 0 }])
    for (const id of ['evt_3', 'evt_4', 'evt_5', 'evt_6']) {
      await work.begun(id)
      work.end(id)
    }
    await occurred(6)
    expect(work.ids).toEqual(['evt_3', 'evt_4', 'evt_5', 'evt_6'])
  })

  test('is given back as if it had not been tried, where handlers are quick no longer', async () => {
    const { worker, store, work } = aWorker({ concurrency: 2, quickRuns: 2 })
    await putAll(store, events(6))
    worker.start()
    await work.begun('evt_4')
    await turns()
    await vi.advanceTimersByTimeAsync(500)
    await occurred(4)
    expect(outcomes()).toEqual(['succeeded', 'succeeded', 'released', 'released'])
    const { deliveries } = await store.list({ of: 'deliveries', limit: 10, state: 'pending' })
    expect(deliveries).toMatchObject([{ attempt: 0 }, { attempt: 0 }])
  })

  test('is given back when the worker stops', async () => {
    const { worker, store, work } = aWorker({ concurrency: 2, quickRuns: 2 })
    await putAll(store, events(6))
    worker.start()
    await work.begun('evt_4')
    await turns()
    const stopped = worker.stop(1000)
    for (const id of ['evt_3', 'evt_4']) work.end(id)
    await stopped
    expect(work.ids).toEqual(['evt_3', 'evt_4'])
    expect((await store.stat()).destinations).toMatchObject([{ leased: 0, pending: 2 }])
  })

  test('counts among the attempts of a drain once it has begun', async () => {
    const { worker, store, work } = aWorker({ concurrency: 2, quickRuns: 2 })
    await putAll(store, events(6))
    const drained = worker.drain()
    await work.begun('evt_4')
    await turns()
    await vi.advanceTimersByTimeAsync(500)
    await occurred(4)
    for (const id of ['evt_3', 'evt_4', 'evt_5', 'evt_6']) {
      await work.begun(id)
      work.end(id)
    }
    expect(await drained).toBe(6)
  })

  test('is passed by nothing that arrives', async () => {
    const { worker, store, work } = aWorker({ concurrency: 2, quickRuns: 2 })
    await putAll(store, events(6))
    worker.start()
    await work.begun('evt_4')
    await turns()
    expect(worker.reserve('handlers')).toBeUndefined()
  })

  test('is nothing behind a gate', async () => {
    const gate = new HandGate()
    const limits = new Map([['handlers', { concurrency: 2, gate }]])
    const { worker, store } = aWorker({ handler: gate.before(() => {}), limits })
    const claim = vi.spyOn(store, 'claim')
    await putAll(store, events(6))
    worker.start()
    for (const places of [2, 2, 2]) {
      gate.open(places)
      await turns()
    }
    await occurred(6)
    expect(Math.max(...claim.mock.calls.map(([{ destinations }]) => destinations[0]!.limit))).toBe(2)
  })
})

describe('a delivery that runs for its own request', () => {
  test('keeps the lease that its request asked for: the heartbeat neither prolongs nor shortens it', async () => {
    fakeTimers()
    const { worker, store, work } = aWorker({ leaseMs: 300 })
    const extend = vi.spyOn(store, 'extend')
    const end = worker.run(await leasedByPut(store), 9000)
    await work.begun('evt_1')
    await vi.advanceTimersByTimeAsync(1000)
    expect(extend).not.toHaveBeenCalled()
    work.end('evt_1')
    expect(await end).toBe('succeeded')
  })

  test('takes no place', async () => {
    const { worker, store, work } = aWorker({ concurrency: 1 })
    void worker.run(await leasedByPut(store), 9000)
    await putStored(store, anEvent({ id: 'evt_2' }))
    worker.start()
    await work.begun('evt_2')
    expect(work.ids).toEqual(['evt_1', 'evt_2'])
  })

  test('ends at the time that it was given', async () => {
    fakeTimers()
    const { worker, store, work } = aWorker()
    const end = worker.run(await leasedByPut(store), 2000)
    await work.begun('evt_1')
    await vi.advanceTimersByTimeAsync(1999)
    expect(work.signalOf('evt_1').aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await end).toBe('retry')
  })

  test('is not begun where no time is left, and does not count as tried', async () => {
    const { worker, store, work } = aWorker()
    expect(await worker.run(await leasedByPut(store), 0)).toBe('released')
    expect(work.ids).toEqual([])
    expect((await deliveryOf(store, 1)).attempt).toBe(0)
  })

  test('is not begun while the worker stops', async () => {
    const { worker, store, work } = aWorker()
    const claimed = await leasedByPut(store)
    const arriving = deferred()
    const stop = worker.stop(60_000, arriving.promise)
    expect(await worker.run(claimed, 9000)).toBe('released')
    arriving.resolve()
    await stop
    expect(work.ids).toEqual([])
  })
})

describe('a drain', () => {
  test('runs all that is due, and counts the attempts', async () => {
    const { worker, store } = aWorker({ handler: () => {} })
    await putAll(store, events(3))
    expect(await worker.drain()).toBe(3)
  })

  test('has settled all of it at its end', async () => {
    const { worker, store } = aWorker({ handler: () => {} })
    await putAll(store, events(3))
    await worker.drain()
    const { deliveries } = await store.list({ of: 'deliveries', limit: 10 })
    expect(deliveries.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'succeeded'])
  })

  test('counts nothing where nothing is due', async () => {
    expect(await aWorker().worker.drain()).toBe(0)
  })

  test('runs a retry that is due at once, and counts it', async () => {
    const attempts: number[] = []
    const { worker, store } = aWorker({
      handler: (_event, { attempt }) => {
        attempts.push(attempt)
        if (attempt === 1) throw new RetryAfterError(0, 'again')
      },
    })
    await putStored(store)
    expect(await worker.drain()).toBe(2)
    expect(attempts).toEqual([1, 2])
  })

  test('leaves a retry that is due later', async () => {
    const { worker, store } = aWorker({ handler: rejecting(new RetryAfterError(1, 'later')) })
    const eventSeq = await putStored(store)
    expect(await worker.drain()).toBe(1)
    expect((await deliveryOf(store, eventSeq)).state).toBe('pending')
  })

  test('runs what a handler adds', async () => {
    const { worker, store } = aWorker({
      handler: async ({ id }) => {
        if (id === 'evt_1') await putStored(store, anEvent({ id: 'evt_2' }))
      },
    })
    await putStored(store, anEvent({ id: 'evt_1' }))
    expect(await worker.drain()).toBe(2)
  })

  test('keeps to the concurrency', async () => {
    let running = 0
    const peaks: number[] = []
    const { worker, store } = aWorker({
      concurrency: 2,
      handler: async () => {
        running += 1
        peaks.push(running)
        await turns()
        running -= 1
      },
    })
    await putAll(store, events(5))
    expect(await worker.drain()).toBe(5)
    expect(Math.max(...peaks)).toBe(2)
  })

  test('keeps to the concurrency with another beside it, and each counts its own', async () => {
    let running = 0
    let most = 0
    const { worker, store } = aWorker({
      concurrency: 2,
      handler: async () => {
        running += 1
        most = Math.max(most, running)
        await turns()
        running -= 1
      },
    })
    await putAll(store, events(7))
    const counts = await Promise.all([worker.drain(), worker.drain()])
    expect(counts[0] + counts[1]).toBe(7)
    expect(most).toBe(2)
  })

  test('does not wait for a worker that waits for work', async () => {
    fakeTimers()
    const { worker, store } = aWorker({ handler: () => {} })
    worker.start()
    // Before the loop's first claim, while it looks, and once it waits.
    for (let count = 0; count < 4; count += 1) {
      await worker.drain()
      await turns(count)
    }
    await putStored(store, anEvent({ id: 'evt_1' }))
    await worker.drain()
    expect(outcomes()).toEqual(['succeeded'])
  })

  test('does not wait for one that came to stand in line before it', async () => {
    fakeTimers()
    const { worker, store } = aWorker({ handler: () => {} })
    const [looked, drained] = [deferred(), deferred()]
    vi.spyOn(store, 'claim')
      .mockImplementationOnce(() => looked.promise.then(() => []))
      .mockImplementationOnce(() => drained.promise.then(() => []))
    worker.start()
    looked.resolve()
    // The worker has looked, and will wait for work in its next turn; a drain comes before it.
    for (let count = 0; count < 20; count += 1) await undefined
    const first = worker.drain()
    await turns()
    const second = worker.drain()
    drained.resolve()
    await Promise.all([first, second])
  })

  test('runs every destination', async () => {
    const seen: string[] = []
    const { worker, store } = aWorker({
      handler: () => seen.push('handlers'),
      handlers: { audit: () => seen.push('audit') },
    })
    await putStored(store, anEvent({ destinations: ['handlers', 'audit'] }))
    expect(await worker.drain()).toBe(2)
    expect(seen).toEqual(['handlers', 'audit'])
  })

  test('rejects where the store gives no work', async () => {
    const { worker, store } = aWorker()
    vi.spyOn(store, 'claim').mockRejectedValueOnce(new Error('gone'))
    await expect(worker.drain()).rejects.toThrow('gone')
  })
})

describe('effects', () => {
  test('are run with the success', async () => {
    const effect = vi.fn()
    const { worker, store } = aWorker({ handler: (_event, { tx }) => tx(effect) })
    await putStored(store)
    await worker.drain()
    expect(effect).toHaveBeenCalledTimes(1)
  })

  test('are not run for a handler that fails', async () => {
    const effect = vi.fn()
    const { worker, store } = aWorker({
      handler: (_event, { tx }) => {
        tx(effect)
        throw new Error('no')
      },
    })
    await putStored(store)
    await worker.drain()
    expect(effect).not.toHaveBeenCalled()
  })

  test('that fail make the attempt a retry, with their error', async () => {
    const { worker, store } = aWorker({ handler: (_event, { tx }) => tx(failingEffect) })
    const eventSeq = await putStored(store)
    await worker.drain()
    expect(await deliveryOf(store, eventSeq)).toMatchObject({
      state: 'pending',
      dueMs: nowMs + 500,
      error: 'Error: no such table',
      attempts: [{ number: 1, outcome: 'retry', error: 'Error: no such table' }],
    })
  })

  test('that fail are observed as one retry', async () => {
    const { worker, store } = aWorker({ handler: (_event, { tx }) => tx(failingEffect) })
    await putStored(store)
    await worker.drain()
    expect(occurrences).toMatchObject([
      { kind: 'attempted', outcome: 'retry', retryAfterMs: 500, error: new Error('no such table') },
    ])
  })

  test('that fail at the last attempt make the delivery dead', async () => {
    const { worker, store } = aWorker({
      handler: (_event, { tx }) => tx(failingEffect),
      schedule: { ...schedule, attempts: 1 },
    })
    const eventSeq = await putStored(store)
    await worker.drain()
    expect((await deliveryOf(store, eventSeq)).state).toBe('dead')
  })

  test('that fail are tried again as their destination has it', async () => {
    const once: TestHandler = (_event, { tx }) => tx(failingEffect)
    const limits = new Map([['once', { retry: { attempts: 1 } }]])
    const { worker, store } = aWorker({ handlers: { once }, limits })
    await putAll(store, events(1, { destinations: ['once'] }))
    await worker.drain()
    expect(outcomes()).toEqual(['dead'])
  })

  test('that fail harm no other delivery settled with them', async () => {
    const { worker, store } = aWorker({
      handler: ({ id }, { tx }) => {
        if (id === 'evt_1') tx(failingEffect)
      },
    })
    const eventSeqs = await putAll(store, events(2))
    await worker.drain()
    expect((await deliveryOf(store, eventSeqs[1]!)).state).toBe('succeeded')
  })
})

describe('the observer', () => {
  test('is told of a success, once, with all that names it', async () => {
    const { worker, store } = aWorker({ handler: () => {} })
    const eventSeq = await putStored(store, anEvent({ id: 'evt_1' }))
    await worker.drain()
    expect(occurrences).toEqual([
      {
        kind: 'attempted',
        source: 'shop',
        eventSeq,
        id: 'evt_1',
        type: 'order.paid',
        destination: 'handlers',
        attempt: 1,
        outcome: 'succeeded',
        durationMs: expect.any(Number) as unknown,
      },
    ])
  })

  test('is told of a retry, with its wait and what was thrown', async () => {
    const error = new Error('no')
    const { worker, store } = aWorker({ handler: rejecting(error) })
    await putStored(store)
    await worker.drain()
    expect(occurrences).toMatchObject([{ outcome: 'retry', retryAfterMs: 500 }])
    expect(occurrences[0]).toHaveProperty('error', error)
  })

  test('is told of a death', async () => {
    const { worker, store } = aWorker({ handler: rejecting(new NonRetryableError('never')) })
    await putStored(store)
    await worker.drain()
    expect(outcomes()).toEqual(['dead'])
  })

  test('is told of every attempt', async () => {
    const { worker, store } = aWorker({ handler: rejecting(new RetryAfterError(0, 'again')) })
    await putStored(store)
    await worker.drain()
    expect(occurrences).toMatchObject([
      { attempt: 1, outcome: 'retry' },
      { attempt: 2, outcome: 'retry' },
      { attempt: 3, outcome: 'dead' },
    ])
  })

  test('is told of what a stop gives back', async () => {
    const { worker, store, work } = aWorker()
    await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await work.begun('evt_1')
    await worker.stop(0)
    expect(outcomes()).toEqual(['released'])
  })

  test('is told of no error with what a stop gives back', async () => {
    const { worker, store, work } = aWorker()
    await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await work.begun('evt_1')
    await worker.stop(0)
    expect(occurrences[0]).not.toHaveProperty('error')
  })

  test('is told that a lease was lost, whatever the handler did', async () => {
    const { worker, store, work } = aWorker({ concurrency: 1 })
    await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await work.begun('evt_1')
    nowMs += LEASE_MS
    await claimOne(store)
    work.end('evt_1')
    await occurred(1)
    expect(outcomes()).toEqual(['lost'])
  })

  test('is told that a lease was lost where the heartbeat found out, once', async () => {
    fakeTimers()
    const { worker, store, work } = aWorker({ concurrency: 1 })
    await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await work.begun('evt_1')
    nowMs += LEASE_MS
    await claimOne(store)
    await vi.advanceTimersByTimeAsync(LEASE_MS / 3)
    await turns()
    expect(outcomes()).toEqual(['lost'])
  })

  test('is told how long the handler took', async () => {
    fakeTimers()
    const { worker, store, work } = aWorker()
    await putStored(store, anEvent({ id: 'evt_1' }))
    worker.start()
    await work.begun('evt_1')
    await vi.advanceTimersByTimeAsync(1234)
    work.end('evt_1')
    await occurred(1)
    expect(occurrences).toMatchObject([{ durationMs: 1234 }])
  })
})

/** Lets tests wait for what they are told of. */
class Changes {
  #look: () => void = () => {}

  tell(): void {
    this.#look()
  }

  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (isSo()) resolve()
      }
      this.#look()
    })
  }
}

/** A handler whose runs the test ends by hand. */
class HandWork {
  /** Of the runs that have begun, in order. */
  readonly ids: string[] = []
  readonly #begun = new Changes()
  readonly #ends = new Map<string, () => void>()
  readonly #signals = new Map<string, AbortSignal>()

  readonly handler: TestHandler = ({ id }, { signal }) =>
    new Promise<void>((resolve) => {
      this.ids.push(id)
      this.#ends.set(id, resolve)
      this.#signals.set(id, signal)
      this.#begun.tell()
    })

  /** Waits until the run of an event has begun. */
  begun(id: string): Promise<void> {
    return this.#begun.until(() => this.ids.includes(id))
  }

  end(id: string): void {
    this.#ends.get(id)?.()
  }

  signalOf(id: string): AbortSignal {
    return this.#signals.get(id)!
  }
}

/** A gate that a test opens for as many attempts as it says. */
class HandGate implements Gate {
  #places = 0
  #listener: (() => void) | undefined

  places(): number {
    return this.#places
  }

  onOpen(listener: () => void): void {
    this.#listener = listener
  }

  /** For so many more. */
  open(places: number): void {
    this.#places += places
    this.#listener?.()
  }

  /** The handler behind the gate. */
  before(handler: TestHandler): TestHandler {
    return (event, context) => {
      this.#places -= 1
      return handler(event, context)
    }
  }
}

interface Change extends Partial<Omit<WorkerSettings<MemoryEffect>, 'store' | 'handlersFor'>> {
  /** Of the destination `handlers`; default one that the test ends by hand. */
  readonly handler?: TestHandler
  /** So many runs of it end at once; the others the test ends by hand. */
  readonly quickRuns?: number
  /** Of further destinations. */
  readonly handlers?: Readonly<Record<string, TestHandler>>
}

/** A worker over an empty store in memory, whose clock stands still; stopped when the test ends. */
function aWorker({ handler, quickRuns = 0, handlers, ...settings }: Change = {}): {
  readonly worker: Worker<MemoryEffect>
  readonly store: MemoryStore
  readonly work: HandWork
} {
  const store = memory({ now: () => nowMs })
  const work = new HandWork()
  const all: Readonly<Record<string, TestHandler>> = {
    handlers: handler ?? quickAtFirst(quickRuns, work.handler),
    ...handlers,
  }
  const worker = new Worker<MemoryEffect>({
    store,
    destinations: Object.keys(all),
    handlersFor: ({ destination }) => [all[destination]!],
    dataOf: () => undefined,
    schedule,
    deadlines: new Deadlines(60_000),
    handlerTimeoutMs: 60_000,
    random: () => 0.5,
    now: () => nowMs,
    concurrency: 10,
    leaseMs: LEASE_MS,
    log: {
      debug() {},
      info() {},
      warn: (...line) => warnings.push(line),
      error: (...line) => errors.push(line),
    },
    observe(occurrence) {
      occurrences.push(occurrence)
      observed.tell()
    },
    ...settings,
  })
  onTestFinished(async () => {
    vi.restoreAllMocks()
    for (const id of work.ids) work.end(id)
    const stopped = worker.stop(0)
    if (vi.isFakeTimers()) await vi.advanceTimersByTimeAsync(60_000)
    await stopped
    await store.close()
    vi.useRealTimers()
  })
  return { worker, store, work }
}

function outcomes(): readonly string[] {
  return occurrences.flatMap((occurrence) => (occurrence.kind === 'attempted' ? [occurrence.outcome] : []))
}

/** Waits until the observer was told of as many attempts. */
function occurred(count: number): Promise<void> {
  return observed.until(() => occurrences.length >= count)
}

/** All but `setImmediate`, with which turns are counted. */
function fakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
}

/** Lets the event loop turn often enough for everything to happen that waits for no timer. */
async function turns(most = 10): Promise<void> {
  for (let count = 0; count < most; count += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Every place that is to be had. */
function reserveAll(worker: Worker<MemoryEffect>): readonly Reservation[] {
  const place = worker.reserve('handlers')
  return place === undefined ? [] : [place, ...reserveAll(worker)]
}

/** Puts an event as a receiver does; whether there was a place for it. */
async function putReserved(worker: Worker<MemoryEffect>, store: MemoryStore, id: string): Promise<boolean> {
  const place = worker.reserve('handlers')
  const [put] = await store.put([anEvent({ id, ...(place && { lease: place.lease }) })])
  const leased = put?.outcome === 'stored' ? put.leased : undefined
  if (leased === undefined) place?.release()
  else place?.begin(leased)
  return leased !== undefined
}

/** What a request of `ack: "handled"` has after its put. */
async function leasedByPut(store: MemoryStore): Promise<Claimed> {
  const lease = { destination: 'handlers', leaseMs: 10_000 }
  const [put] = await store.put([anEvent({ id: 'evt_1', lease })])
  return (put as { readonly leased: Claimed }).leased
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => (resolve = settle))
  return { promise, resolve: () => resolve() }
}

function quickAtFirst(runs: number, handler: TestHandler): TestHandler {
  let left = runs
  return (event, context) => {
    left -= 1
    return left < 0 ? handler(event, context) : undefined
  }
}

function rejecting(reason: unknown): TestHandler {
  return () => Promise.reject(reason)
}

function failingEffect(): never {
  throw new Error('no such table')
}

/** A store whose connection breaks at the abort. */
function rejectingWhenAborted({ signal }: ClaimRequest): ReturnType<Store['claim']> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(new Error('connection closed')))
  })
}
