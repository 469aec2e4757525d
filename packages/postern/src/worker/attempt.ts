import { PosternError, type WebhookEvent } from '../core/index.ts'
import { lazyProperties } from '../core/lazy-properties.ts'
import {
  LONGEST_WAIT_MS,
  retryWaitMs,
  type Claimed,
  type Deadline,
  type Deadlines,
  type Outcome,
  type RetrySchedule,
  type StoredEvent,
} from '../inbox/index.ts'
import {
  LeaseLostError,
  NonRetryableError,
  NotNowError,
  RetryAfterError,
  type AttemptContext,
  type Handler,
  type HandlerContext,
  type SettlingContext,
} from './handler.ts'
import { withoutHandler } from './no-handler.ts'
import { OwnTransaction } from './own-transaction.ts'
import { askedWaitMs, describeError, isA } from './thrown.ts'

/** What every attempt of a worker shares. */
export interface AttemptOptions<Effect, Tx = never> {
  readonly handlersFor: (
    claimed: Claimed,
    event: WebhookEvent,
  ) => readonly Handler<string, never, Effect, Tx>[]
  /** The part of the body that handlers get as `data`. */
  readonly dataOf: (event: StoredEvent) => unknown
  readonly schedule: RetrySchedule
  readonly deadlines: Deadlines
  readonly handlerTimeoutMs: number
  readonly random: () => number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface AttemptResult<Effect> {
  readonly outcome: Outcome
  readonly effects: readonly Effect[]
  /** What the handler threw, as it was, for the log. */
  readonly error?: unknown
}

const SHORTEST_NOT_NOW_MS = 100

/** One try of one delivery: runs its handlers against the deadline and says how it ended. Never rejects. */
export function runAttempt<Effect, Tx = never>(
  claimed: Claimed,
  abort: LazyAbort,
  options: AttemptOptions<Effect, Tx>,
  own: OwnTransaction<Tx> = new OwnTransaction({}, claimed),
): Promise<AttemptResult<Effect>> {
  const { schedule, random } = options
  // The counter is raised before the run: an attempt beyond the last one means that earlier ones never came to an end.
  // It is made all the same, alone (see the worker): another delivery's handler may have ended the process each time.
  if (claimed.attempt > schedule.attempts + 1) return Promise.resolve(ENDED_WITH_THE_PROCESS)
  return new Promise((resolve) => {
    const effects: Effect[] = []
    let isOver = false
    const fail = (error: unknown): void => {
      deadline.met()
      if (isOver) return
      isOver = true
      resolve({ outcome: outcomeOf(error, claimed.attempt, schedule, random), effects: [], error })
    }
    const succeed = (): void => {
      deadline.met()
      isOver = true
      resolve({ outcome: SUCCEEDED, effects })
    }
    const deadline = setDeadline(abort, options)
    // Ends the wait even where a handler ignores its signal, so that it cannot hold its place for ever.
    abort.onAbort = fail
    runHandlers({ claimed, abort, effects, own }, options).then(succeed, fail)
  })
}

const SUCCEEDED: Outcome = { kind: 'succeeded' }
const ENDED_WITH_THE_PROCESS: AttemptResult<never> = {
  outcome: { kind: 'dead', error: 'the process ended during every attempt' },
  effects: [],
}

function setDeadline(
  abort: LazyAbort,
  { deadlines, handlerTimeoutMs }: Pick<AttemptOptions<never>, 'deadlines' | 'handlerTimeoutMs'>,
): Deadline {
  return deadlines.set(() => {
    abort.abort(new DOMException(`the handler took longer than ${handlerTimeoutMs} ms`, 'TimeoutError'))
  })
}

/** An attempt while its handlers run. */
interface Run<Effect, Tx> {
  readonly claimed: Claimed
  readonly abort: LazyAbort
  readonly effects: Effect[]
  readonly own: OwnTransaction<Tx>
}

async function runHandlers<Effect, Tx>(
  run: Run<Effect, Tx>,
  options: AttemptOptions<Effect, Tx>,
): Promise<void> {
  const { claimed, abort } = run
  const event = eventOf(claimed.event, options.dataOf)
  const handlers = options.handlersFor(claimed, event)
  if (handlers.length === 0) {
    throw withoutHandler(claimed, { schedule: options.schedule, nowMs: options.now() })
  }
  let leftToRun = handlers.length
  for (const handler of handlers) {
    // Ended meanwhile: the delivery is settled, and another worker may be running it.
    if (abort.isAborted) return
    leftToRun -= 1
    await handler(event, contextOf(run, leftToRun))
  }
}

/** What one handler gets; as many as `leftToRun` come after it. */
function contextOf<Effect, Tx>(
  { claimed, abort, effects, own }: Run<Effect, Tx>,
  leftToRun: number,
): HandlerContext<Effect, Tx> {
  const context: Omit<AttemptContext<Effect>, 'signal'> & SettlingContext<Tx> = {
    attempt: claimed.attempt,
    deliverySeq: claimed.deliverySeq,
    tx(effect) {
      if (own.isUsed) throw cannotSettle('`tx` after `settleIn`: what it adds would never be written')
      effects.push(effect)
    },
    async settleIn(tx) {
      if (abort.isAborted)
        throw new LeaseLostError('the attempt is over: its deadline has passed, or its lease is lost')
      if (leftToRun > 0) {
        throw cannotSettle(
          `settleIn: ${leftToRun} more of the handlers that share this delivery have yet to run, and would not be tried again; give this one a name of its own, or register it last`,
        )
      }
      if (effects.length > 0) throw cannotSettle('settleIn after `tx`: what was added would never be written')
      await own.settle(tx)
    },
  }
  // The type leaves `settleIn` out where the store lacks it; without a compiler its error says so.
  return withSignal(context, abort)
}

const withSignal = lazyProperties<LazyAbort, Pick<AttemptContext, 'signal'>>({
  signal: (abort) => abort.signal,
})

function cannotSettle(message: string): PosternError {
  return new PosternError('cannot_settle', message)
}

function outcomeOf(error: unknown, attempt: number, schedule: RetrySchedule, random: () => number): Outcome {
  if (isA(error, Released)) return { kind: 'released' }
  if (isA(error, NotNowError)) return { kind: 'released', afterMs: waitOf(error) }
  const text = describeError(error)
  if (isA(error, NonRetryableError)) return { kind: 'dead', error: text }
  const hintMs = isA(error, RetryAfterError) ? askedWaitMs(error) : undefined
  const afterMs = retryWaitMs(schedule, attempt, random, hintMs)
  return afterMs === undefined ? { kind: 'dead', error: text } : { kind: 'retry', afterMs, error: text }
}

/** At least a moment: what is given back due at once would be claimed and given back without end. */
function waitOf(error: NotNowError): number {
  const afterMs = askedWaitMs(error)
  return afterMs >= SHORTEST_NOT_NOW_MS ? Math.min(afterMs, LONGEST_WAIT_MS) : SHORTEST_NOT_NOW_MS
}

/** The event as handlers see it. `data` is parsed when it is first asked for: many handlers need only the type. */
export function eventOf(
  event: StoredEvent,
  dataOf: AttemptOptions<never>['dataOf'],
): WebhookEvent<string, never> {
  const given = {
    source: event.source,
    id: event.id,
    type: event.type,
    created: event.createdMs === undefined ? undefined : new Date(event.createdMs),
    body: event.body,
  }
  return withContents(given, { event, dataOf })
}

const withContents = lazyProperties<
  { readonly event: StoredEvent; readonly dataOf: AttemptOptions<never>['dataOf'] },
  Pick<WebhookEvent<string, never>, 'data' | 'headers'>
>({
  headers: ({ event }) => event.headers,
  // The registration's types say what it is; a sender's body is only as good as its word.
  data: ({ event, dataOf }) => dataOf(event) as never,
})

/** The reason an attempt is given back at a stop. */
export class Released extends Error {}

/** An abort signal that is made only if somebody looks at it. */
export class LazyAbort {
  #controller: AbortController | undefined
  #reason: unknown
  isAborted = false
  /** Called once with the reason. */
  onAbort: ((reason: unknown) => void) | undefined

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.isAborted) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    if (this.isAborted) return
    this.isAborted = true
    this.#reason = reason
    this.#controller?.abort(reason)
    this.onAbort?.(reason)
  }
}
