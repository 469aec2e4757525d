import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Deadlines, type Claimed, type RetrySchedule, type StoredEvent } from '../inbox/index.ts'
import { LazyAbort, Released, runAttempt, type AttemptOptions, type AttemptResult } from './attempt.ts'
import { LONGEST_WAIT_MS } from '../inbox/retry.ts'
import { NonRetryableError, NotNowError, RetryAfterError, type Handler } from './handler.ts'

type TestHandler = Handler<string, never, string>

const TIMEOUT_MS = 60_000
/** Upper bounds of 1, 2, 4 and 5 s. */
const schedule: RetrySchedule = { attempts: 5, baseMs: 1000, factor: 2, capMs: 5000 }

const storedEvent: StoredEvent = {
  eventSeq: 7,
  tenant: '',
  source: 'shop',
  id: 'evt_1',
  type: 'order.paid',
  createdMs: 1_700_000_000_000,
  receivedMs: 1_700_000_001_000,
  orderingKey: undefined,
  verifiedBy: 'hmac',
  body: Buffer.from('{"data":{"total":1}}'),
  headers: ['content-type', 'application/json'],
  conflictsWith: undefined,
}

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('an attempt whose handler ends well', () => {
  test('succeeds', async () => {
    expect(await attempt([() => 'whatever'])).toEqual({ outcome: { kind: 'succeeded' }, effects: [] })
  })

  test('waits for a promise', async () => {
    const work = deferred<void>()
    const ended = vi.fn()
    const result = attempt([() => work.promise]).finally(ended)
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 1)
    expect(ended).not.toHaveBeenCalled()
    work.resolve()
    expect((await result).outcome).toEqual({ kind: 'succeeded' })
  })

  test('collects its effects, of all handlers and in their order', async () => {
    const { effects } = await attempt([
      (_event, { tx }) => (tx('one'), tx('two')),
      async (_event, { tx }) => tx('three'),
    ])
    expect(effects).toEqual(['one', 'two', 'three'])
  })

  test('tells the handler which delivery it is', async () => {
    const seqs: number[] = []
    await attempt([(_event, context) => seqs.push(context.deliverySeq)], { claimed: { deliverySeq: 12 } })
    expect(seqs).toEqual([12])
  })

  test('tells the handler which try it is', async () => {
    const tries: number[] = []
    await attempt([(_event, context) => tries.push(context.attempt)], { claimed: { attempt: 4 } })
    expect(tries).toEqual([4])
  })
})

describe('an attempt whose handler fails', () => {
  test('is tried again after a wait drawn from the schedule', async () => {
    const drawn = { random: () => 0.25 }
    const { outcome } = await attempt([rejecting(new Error('no'))], { claimed: { attempt: 3 }, ...drawn })
    expect(outcome).toEqual({ kind: 'retry', afterMs: 1000, error: 'Error: no' })
  })

  test('hands the error on as it was', async () => {
    const error = new Error('no')
    expect((await attempt([rejecting(error)])).error).toBe(error)
  })

  test('drops its effects', async () => {
    const { effects } = await attempt([
      (_event, { tx }) => {
        tx('one')
        throw new Error('no')
      },
    ])
    expect(effects).toEqual([])
  })

  test('may fail without a promise', async () => {
    const { outcome } = await attempt([throwing(new TypeError('at once'))])
    expect(outcome).toMatchObject({ kind: 'retry', error: 'TypeError: at once' })
  })

  test('is dead after the last attempt of the schedule', async () => {
    const { outcome } = await attempt([rejecting(new Error('no'))], { claimed: { attempt: 5 } })
    expect(outcome).toEqual({ kind: 'dead', error: 'Error: no' })
  })

  test('is not dead before the last attempt of the schedule', async () => {
    const { outcome } = await attempt([rejecting(new Error('no'))], { claimed: { attempt: 4 } })
    expect(outcome.kind).toBe('retry')
  })

  test('is dead at once by a NonRetryableError', async () => {
    const { outcome } = await attempt([rejecting(new NonRetryableError('gone for good'))])
    expect(outcome).toEqual({ kind: 'dead', error: 'NonRetryableError: gone for good' })
  })

  test('is dead at once by an error derived from NonRetryableError', async () => {
    class NoSuchCustomer extends NonRetryableError {}
    expect((await attempt([rejecting(new NoSuchCustomer('who?'))])).outcome.kind).toBe('dead')
  })
})

describe('a NotNowError', () => {
  test('gives the delivery back untried, also where it was its last attempt', async () => {
    const { outcome } = await attempt([rejecting(new NotNowError(1500, 'closed'))], {
      claimed: { attempt: 5 },
    })
    expect(outcome).toEqual({ kind: 'released', afterMs: 1500 })
  })

  test.each([0, -1, Number.NaN])('that waits %d ms waits a moment all the same', async (afterMs) => {
    const { outcome } = await attempt([rejecting(new NotNowError(afterMs, 'closed'))])
    expect(outcome).toEqual({ kind: 'released', afterMs: 100 })
  })
})

describe('a NotNowError without an end', () => {
  // A number of any size is too large for a column at some point, and what an engine refuses it may refuse together with its neighbours.
  test.each([1e12, 1e23, Infinity])('that waits %d ms waits a year', async (afterMs) => {
    const { outcome } = await attempt([rejecting(new NotNowError(afterMs, 'closed'))])
    expect(outcome).toEqual({ kind: 'released', afterMs: LONGEST_WAIT_MS })
  })
})

describe('a RetryAfterError', () => {
  test('sets the wait in place of the draw', async () => {
    expect(await waitAfter(1234)).toBe(1234)
  })

  test('waits no longer than the cap', async () => {
    expect(await waitAfter(5001)).toBe(5000)
    expect(await waitAfter(Infinity)).toBe(5000)
  })

  test('never waits less than nothing', async () => {
    expect(await waitAfter(-1)).toBe(0)
  })

  test('does not outlive the last attempt', async () => {
    const { outcome } = await attempt([rejecting(new RetryAfterError(10, 'later'))], {
      claimed: { attempt: 5 },
    })
    expect(outcome).toEqual({ kind: 'dead', error: 'RetryAfterError: later' })
  })

  // A `Retry-After` that holds a date is NaN to `Number`. The wait becomes NaN: memory never tries again, and SQLite
  // takes it for 0 and spends all 15 attempts within milliseconds.
  test('whose wait is not a number waits as the schedule says', async () => {
    expect(await waitAfter(Number('Wed, 21 Oct 2026 07:28:00 GMT'))).toBe(500)
  })
})

describe('an attempt beyond the schedule', () => {
  test('is made once more, since another handler may have ended the process', async () => {
    expect((await attempt([() => {}], { claimed: { attempt: 6 } })).outcome.kind).toBe('succeeded')
  })

  test('is dead after that without running the handler', async () => {
    const handler = vi.fn<TestHandler>()
    const { outcome } = await attempt([handler], { claimed: { attempt: 7 } })
    expect(outcome).toEqual({ kind: 'dead', error: 'the process ended during every attempt' })
    expect(handler).not.toHaveBeenCalled()
  })

  test('does not begin at the last attempt of the schedule', async () => {
    const { outcome } = await attempt([rejecting(new Error('no'))], { claimed: { attempt: 5 } })
    expect(outcome).toEqual({ kind: 'dead', error: 'Error: no' })
  })
})

describe('a handler that never settles', () => {
  const never: TestHandler = () => new Promise(() => {})

  test('is left alone until its deadline', async () => {
    const ended = vi.fn()
    void attempt([never]).finally(ended)
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 1)
    expect(ended).not.toHaveBeenCalled()
  })

  test('is ended at its deadline and tried again', async () => {
    const result = attempt([never])
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS)
    expect((await result).outcome).toEqual({
      kind: 'retry',
      afterMs: 500,
      error: 'TimeoutError: the handler took longer than 60000 ms',
    })
  })

  test('has its signal aborted, with the reason', async () => {
    let signal: AbortSignal | undefined
    void attempt([(_event, context) => ((signal = context.signal), new Promise(() => {}))])
    expect(signal?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS)
    expect(signal?.reason).toMatchObject({ name: 'TimeoutError' })
  })

  test('sees the abort on a signal that it first looks at afterwards', async () => {
    const late = deferred<void>()
    const seen = deferred<AbortSignal>()
    void attempt([(_event, context) => late.promise.then(() => seen.resolve(context.signal))])
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS)
    late.resolve()
    expect((await seen.promise).aborted).toBe(true)
  })

  test('may answer its abort with a success, which comes too late', async () => {
    const result = attempt([
      (_event, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
    ])
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS)
    expect((await result).outcome.kind).toBe('retry')
  })

  test('takes none of its effects with it', async () => {
    const result = attempt([(_event, { tx }) => (tx('one'), new Promise(() => {}))])
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS)
    expect((await result).effects).toEqual([])
  })

  test('has no deadline any more once it has ended in time', async () => {
    const abort = new LazyAbort()
    await attempt([() => {}], { abort })
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS)
    expect(abort.signal.aborted).toBe(false)
  })
})

test('a handler that is told to stop gives its delivery back', async () => {
  const abort = new LazyAbort()
  const result = attempt([() => new Promise(() => {})], { abort })
  abort.abort(new Released('the worker is stopping'))
  expect((await result).outcome).toEqual({ kind: 'released' })
})

test('a handler that rejects with the reason of its signal gives its delivery back too', async () => {
  const abort = new LazyAbort()
  const result = attempt(
    [
      (_event, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    ],
    { abort },
  )
  abort.abort(new Released('the worker is stopping'))
  expect((await result).outcome).toEqual({ kind: 'released' })
})

describe('the text of an error', () => {
  test.each([
    ['a string', 'out of stock', 'out of stock'],
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a number', 42, '42'],
    ['a symbol', Symbol('odd'), 'Symbol(odd)'],
    ['a frozen object', Object.freeze({ code: 7 }), '[object Object]'],
    ['a frozen error', Object.freeze(new Error('cold')), 'Error: cold'],
    ['an empty error', new Error(), 'Error: '],
  ])('is made of %s', async (_what, thrown, error) => {
    expect((await attempt([throwing(thrown)])).outcome).toEqual({ kind: 'retry', afterMs: 500, error })
  })

  test('is cut off after 2,000 characters', async () => {
    const { outcome } = await attempt([rejecting(new Error('x'.repeat(3000)))])
    expect(outcome).toMatchObject({ error: `Error: ${'x'.repeat(1993)}` })
  })

  test('is cut off for what is not an error too', async () => {
    const { outcome } = await attempt([rejecting('y'.repeat(3000))])
    expect(outcome).toMatchObject({ error: 'y'.repeat(2000) })
  })

  // `describeError` runs in the `catch` of a function that says it never rejects; the worker relies on it: the
  // rejection is unhandled, which ends the process, and the delivery's place is never freed.
  test.each([
    ['an error whose message cannot be read', unreadableError()],
    ['an object without a prototype', Object.create(null) as unknown],
    ['an error whose message is a symbol', Object.assign(new Error('?'), { message: Symbol('odd') })],
  ])('is made of %s as well', async (_what, thrown) => {
    expect((await attempt([throwing(thrown)])).outcome.kind).toBe('retry')
  })
})

describe('several handlers', () => {
  test('run one after another, in order', async () => {
    const steps: string[] = []
    const first = deferred<void>()
    const result = attempt([
      () => first.promise.then(() => steps.push('first ended')),
      () => steps.push('second began'),
    ])
    await vi.advanceTimersByTimeAsync(1)
    expect(steps).toEqual([])
    first.resolve()
    await result
    expect(steps).toEqual(['first ended', 'second began'])
  })

  test('stop at the first that fails', async () => {
    const third = vi.fn<TestHandler>()
    const { outcome } = await attempt([() => {}, rejecting(new Error('second')), third])
    expect(outcome).toMatchObject({ kind: 'retry', error: 'Error: second' })
    expect(third).not.toHaveBeenCalled()
  })

  test('lose the effects of those before the one that failed', async () => {
    const { effects } = await attempt([(_event, { tx }) => tx('one'), rejecting(new Error('second'))])
    expect(effects).toEqual([])
  })

  test('share one deadline', async () => {
    const slow = deferred<void>()
    const result = attempt([() => slow.promise, () => new Promise(() => {})])
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 1)
    slow.resolve()
    await vi.advanceTimersByTimeAsync(1)
    expect((await result).outcome.kind).toBe('retry')
  })

  // By then the delivery is settled as a retry, and another worker may be running it.
  test('begin no more once the attempt was ended', async () => {
    const slow = deferred<void>()
    const second = vi.fn<TestHandler>()
    const result = attempt([() => slow.promise, second])
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS)
    await result
    slow.resolve()
    await vi.advanceTimersByTimeAsync(1)
    expect(second).not.toHaveBeenCalled()
  })
})

describe('an event whose type no handler is for on this node', () => {
  const HOUR_MS = 60 * 60 * 1000
  const untried = async (
    ageMs: number,
    change: Partial<RetrySchedule> = {},
    token = 1000,
  ): Promise<unknown> => {
    const now = (): number => storedEvent.receivedMs + ageMs
    return (await attempt([], { now, schedule: { ...schedule, ...change }, claimed: { token } })).outcome
  }

  test('is given back untried, for longer the older it is', async () => {
    expect(await untried(-5000)).toEqual({ kind: 'released', afterMs: 1000 })
    expect(await untried(8000)).toEqual({ kind: 'released', afterMs: 2000 })
    expect(await untried(HOUR_MS - 1)).toEqual({ kind: 'released', afterMs: 600_000 })
  })

  test('is dead once its tries would be over, and not within an hour', async () => {
    const error =
      'NonRetryableError: no handler for shop order.paid on this node, nor on another that took it in time'
    expect(await untried(HOUR_MS)).toEqual({ kind: 'dead', error })
    // Waits of 1, 2, 2 and 2 hours at most.
    const long = { attempts: 5, baseMs: HOUR_MS, factor: 2, capMs: 2 * HOUR_MS }
    expect(await untried(7 * HOUR_MS - 1, long)).toMatchObject({ kind: 'released' })
    expect(await untried(7 * HOUR_MS, long)).toEqual({ kind: 'dead', error })
    expect(await untried(3 * HOUR_MS, { ...long, giveUpAfterMs: 3 * HOUR_MS })).toEqual({
      kind: 'dead',
      error,
    })
  })

  test('is given back where its delivery is new, however old it is', async () => {
    // Ten minutes at most each time.
    expect(await untried(20 * 24 * HOUR_MS, {}, 5)).toEqual({ kind: 'released', afterMs: 600_000 })
    expect(await untried(20 * 24 * HOUR_MS, {}, 6)).toMatchObject({ kind: 'dead' })
  })
})

describe('the event that a handler gets', () => {
  test('says what was stored', async () => {
    const { source, id, type, created, body, headers } = await eventOf(storedEvent)
    expect({ source, id, type, created, body, headers }).toEqual({
      source: 'shop',
      id: 'evt_1',
      type: 'order.paid',
      created: new Date(1_700_000_000_000),
      body: storedEvent.body,
      headers: storedEvent.headers,
    })
  })

  test('has no time where its provider gives none', async () => {
    expect((await eventOf({ ...storedEvent, createdMs: undefined })).created).toBeUndefined()
  })

  test('has a time of 0 where its provider says so', async () => {
    expect((await eventOf({ ...storedEvent, createdMs: 0 })).created).toEqual(new Date(0))
  })

  test('has its data read only when it is asked for', async () => {
    const dataOf = vi.fn(() => ({ total: 1 }))
    await attempt([(event) => event.type], { dataOf })
    expect(dataOf).not.toHaveBeenCalled()
  })

  test('has its data read once, for all handlers', async () => {
    const dataOf = vi.fn(() => ({ total: 1 }))
    const seen: unknown[] = []
    const handler: TestHandler = (event) => seen.push(event.data)
    await attempt([handler, handler], { dataOf })
    expect(seen).toEqual([{ total: 1 }, { total: 1 }])
    expect(dataOf).toHaveBeenCalledTimes(1)
  })

  test('has its data read once even where that is undefined', async () => {
    const dataOf = vi.fn(() => undefined)
    const handler: TestHandler = (event) => event.data
    await attempt([handler, handler], { dataOf })
    expect(dataOf).toHaveBeenCalledTimes(1)
  })

  test('fails the attempt where its data cannot be read', async () => {
    const dataOf = (): never => {
      throw new SyntaxError('not JSON')
    }
    const { outcome } = await attempt([(event) => event.data], { dataOf })
    expect(outcome).toMatchObject({ kind: 'retry', error: 'SyntaxError: not JSON' })
  })
})

interface Change extends Partial<Omit<AttemptOptions<string>, 'handlersFor'>> {
  readonly claimed?: Partial<Claimed>
  readonly abort?: LazyAbort
}

/** Runs one attempt of a valid delivery, with what a test changes about it. */
function attempt(
  handlers: readonly TestHandler[],
  { claimed, abort = new LazyAbort(), ...options }: Change = {},
): Promise<AttemptResult<string>> {
  return runAttempt<string>(
    { deliverySeq: 1, token: 1, destination: 'handlers', attempt: 1, event: storedEvent, ...claimed },
    abort,
    {
      handlersFor: () => handlers,
      dataOf: () => ({ total: 1 }),
      schedule,
      deadlines: new Deadlines(TIMEOUT_MS),
      handlerTimeoutMs: TIMEOUT_MS,
      random: () => 0.5,
      now: () => storedEvent.receivedMs,
      ...options,
    },
  )
}

/** The wait that a handler's hint leads to. */
async function waitAfter(afterMs: number): Promise<number | undefined> {
  const { outcome } = await attempt([rejecting(new RetryAfterError(afterMs, 'later'))])
  return outcome.kind === 'retry' ? outcome.afterMs : undefined
}

async function eventOf(event: StoredEvent): Promise<Parameters<TestHandler>[0]> {
  const seen: Parameters<TestHandler>[0][] = []
  await attempt([(given) => seen.push(given)], { claimed: { event } })
  return seen[0]!
}

function rejecting(reason: unknown): TestHandler {
  return () => Promise.reject(reason)
}

function throwing(thrown: unknown): TestHandler {
  return () => {
    throw thrown
  }
}

function unreadableError(): Error {
  return Object.defineProperty(new Error('?'), 'message', {
    get() {
      throw new Error('unreadable')
    },
  })
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((fulfil) => (resolve = fulfil))
  return { promise, resolve }
}
