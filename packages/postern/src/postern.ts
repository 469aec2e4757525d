import type { IncomingMessage } from 'node:http'
import { readData } from './core/envelope.ts'
import { PosternError, type Clock, type Logger, type Secret, type Source } from './core/index.ts'
import {
  Deadlines,
  DEFAULT_RETRY_SCHEDULE,
  MetricsCounter,
  readSecretUse,
  scheduleWith,
  type HasRejectedLog,
  type HasSmallState,
  type Observer,
  type OccurrenceMetrics,
  type RetrySchedule,
  type SecretUse,
  type SettlesIn,
  type Store,
  type StoredEvent,
  type StoreStat,
} from './inbox/index.ts'
import { consoleLog } from './console-log.ts'
import { assertSound, assertSoundPrefix, soundGraceMs } from './options.ts'
import {
  BodyBudget,
  createMount,
  Receiver,
  recordEvent,
  type Mount,
  type MountParts,
  type Recorded,
  type Recording,
} from './receive/index.ts'
import {
  HandlerTable,
  Housekeeping,
  replayEvent,
  UNNAMED_DESTINATION,
  Worker,
  type On,
  type Registration,
  type Replayed,
  type ReplayOptions,
} from './worker/index.ts'
import { checkedRegistrations } from './registrations.ts'
import { checkedSources, replaceSecret, type Sources } from './sources.ts'
import { observing, tellingClient, unthrowing } from './user-callbacks.ts'

/** What an inbox is made of. `createPostern` refuses what is unknown or could only go wrong later, by its path (`bad_config`). */
export interface PosternOptions<S extends Sources, Effect, Tx = never> {
  /** Where events are kept; `stop` closes it. */
  readonly store: Store<Effect> & HasRejectedLog & HasSmallState & Partial<SettlesIn<Tx>>
  /** Who may send: the name is the last part of the path, `[a-z0-9_-]{1,64}`. One without a secret answers 503. */
  readonly sources: S
  /** What is run. An event that none is for is stored without a delivery. */
  readonly handlers?: (on: On<S, Effect, Tx>) => readonly Registration<Effect, Tx>[]
  /** Where `fetch` and `node` expect sources. Default `/webhooks`. */
  readonly prefix?: string
  /**
   * What stands before path and query in the URL that a sender knows: `https://hooks.example.com`, and a path that a proxy cuts off.
   * What signs the URL (Square, Trello, HubSpot) is verified against it and never against `Host`; where absent, against the request's.
   */
  readonly publicUrl?: string
  /** Who sent a Node request, for `observe` and the log: the connection's address, or what a proxy that you trust says. */
  readonly clientOf?: (request: IncomingMessage) => string | undefined
  /** When a failed delivery is tried again; what it leaves out is as in `DEFAULT_RETRY_SCHEDULE`: 15 attempts in some 3 days. */
  readonly retry?: Partial<RetrySchedule>
  /** How many handlers run at once, and for how long. */
  readonly worker?: WorkerOptions
  /** How long events are kept whose deliveries have all succeeded or were cancelled. Default 30 days; `Infinity` for ever. Their ids are remembered apart from that. */
  readonly retentionMs?: number
  /** Default: warnings and errors to `console`. */
  readonly log?: Logger
  /** Called for every request and every attempt, and must not block; what it throws is logged and changes nothing. */
  readonly observe?: Observer
  /** The wall clock that timestamps are held against. Default `Date.now`. */
  readonly now?: Clock
  /** In [0, 1); draws the jitter of retries. Default `Math.random`. */
  readonly random?: () => number
}

/** How handlers are run on this node, where their destination has no limits of its own. */
export interface WorkerOptions {
  /**
   * Handlers that run at once, per destination. Default 64. Where they take less than 50 ms each, up to four times as many deliveries
   * are leased beside and wait for a place, half a second at most.
   */
  readonly concurrency?: number
  /** Default 30 s. It is prolonged while a handler runs. */
  readonly leaseMs?: number
  /** A handler's deadline. Default 60 s. One that does not heed its `signal` runs on beside its retries. */
  readonly handlerTimeoutMs?: number
}

/** The inbox. As a mount it serves every source under its prefix. */
export interface Postern extends Mount {
  /** One source, at whatever path the caller has put it. */
  mount(source: string): Mount
  /** Every source under another prefix; `''` behind a framework that has cut the prefix off. Throws as `prefix` is refused. */
  under(prefix: string): Mount
  /** Starts the worker; rejects where the store cannot be opened, or was closed by `stop`. Requests are answered without it too. */
  start(): Promise<void>
  /**
   * Refuses new requests with 503, lets handlers finish for up to `graceMs` (default 10 s; `Infinity` for as long as they take), gives
   * back the rest, and closes the store. Rejects for a `graceMs` that is no time (`bad_config`), and goes on as before.
   *
   * With a store that does not answer it takes longer than `graceMs`, by what the store's own time limits add up to: some 35 s. Whoever
   * has less may end the process meanwhile: what has not been settled runs again once its lease ends.
   */
  stop(options?: { readonly graceMs?: number }): Promise<void>
  /** Runs what is due until nothing is, and says how many attempts that took. Works without `start`, as for a cron job. */
  drain(): Promise<number>
  /**
   * Records an event that came by no request, as from a vendor's queue or API: once, with its deliveries, on stable storage when it
   * fulfils. You are its witness: nothing is verified. Rejects for misuse (`bad_event`) and where the store could not; again under its id is safe.
   */
  record(source: string, recording: Recording): Promise<Recorded>
  /**
   * Makes new deliveries of a stored event, also of one that nothing handled when it came, and of a conflict that was held. In order,
   * they come last of their key. Every call makes new ones.
   */
  replay(eventSeq: number, options?: ReplayOptions): Promise<Replayed>
  /** Replaces a source's `secret`, newest first; none makes its requests 503. Throws for what construction would refuse, and changes nothing. */
  setSecret(source: string, secret: Secret): void
  /** Whether it takes requests and its store answers. */
  isReady(): Promise<boolean>
  /** What has happened since this inbox was made, and what its store holds now. */
  metrics(): Promise<Metrics>
}

/** What has happened on this node since the inbox was made, and what its store holds now. */
export interface Metrics extends OccurrenceMetrics {
  readonly store: StoreStat
  /** Destinations with deliveries that are not finished, and that this inbox has no handler for. */
  readonly orphaned: readonly string[]
  /** When each configured secret last matched, on whatever node: an old one that no longer does can be taken away. */
  readonly secrets: readonly SecretUse[]
}

const DEFAULT_RETENTION_MS = 30 * 24 * 60 * 60 * 1000
const READY_WITHIN_MS = 1000

/**
 * Puts the inbox together: everything is given here, and there is no order of calls to get wrong. Throws
 * `PosternError` for a configuration that cannot work.
 * @example
 * const postern = createPostern({
 *   store: sqlite('postern.db'),
 *   sources: { vastai: vastai({ secret: process.env.VASTAI_WEBHOOK_SECRET }) },
 *   handlers: (on) => [on('vastai', 'outbid', async (event) => reprovision(event.data))],
 * })
 * http.createServer(postern.node).listen(3000)
 * await postern.start()
 */
export function createPostern<const S extends Sources, Effect = never, Tx = never>(
  options: PosternOptions<S, Effect, Tx>,
): Postern {
  assertSound(options)
  const log = unthrowing(options.log ?? consoleLog)
  const sources = checkedSources(options.sources, log)
  const registrations = checkedRegistrations(options.handlers, sources, log)
  const table = new HandlerTable<Effect, Tx>(registrations)
  const counter = new MetricsCounter()
  const observe = observing(counter, options.observe, log)
  const worker = createWorker(options, sources, table, log, observe)
  const receiver = new Receiver({
    store: options.store,
    sources,
    destinationsFor: (source, type, event) => table.destinationsFor(source, type, event),
    reserve: (destination) => worker.reserve(destination),
    handledDestination: UNNAMED_DESTINATION,
    handle: async (claimed, withinMs) => (await worker.run(claimed, withinMs)) === 'succeeded',
    log,
    observe,
    now: options.now ?? Date.now,
  })
  const { store, retentionMs = DEFAULT_RETENTION_MS } = options
  const record = (source: string, recording: Recording): Promise<Recorded> =>
    recordEvent(
      { store, sources, destinationsFor: (...of) => table.destinationsFor(...of), observe },
      source,
      recording,
    )
  const housekeeping = new Housekeeping({ store, retentionMs, log })
  const setSecret = (source: string, secret: Secret): void => replaceSecret(sources, source, secret)
  return assemble(options, { log, receiver, worker, housekeeping, counter, table, record, setSecret })
}

interface Parts<Effect, Tx> {
  readonly log: Logger
  readonly receiver: Receiver
  readonly worker: Worker<Effect, Tx>
  readonly housekeeping: Housekeeping
  readonly counter: MetricsCounter
  readonly table: HandlerTable<Effect, Tx>
  readonly record: Postern['record']
  readonly setSecret: Postern['setSecret']
}

function assemble<S extends Sources, Effect, Tx>(
  options: PosternOptions<S, Effect, Tx>,
  { log, receiver, worker, housekeeping, counter, table, record, setSecret }: Parts<Effect, Tx>,
): Postern {
  const { publicUrl } = options
  const clientOf = tellingClient(options.clientOf, log)
  const mounted: MountParts = { receiver, budget: new BodyBudget(), publicUrl, clientOf }
  const under = (prefix: string): Mount => createMount(mounted, routeUnder(prefix))
  // With the secrets that were set since, or that a handshake brought.
  const currentSources = (): Sources =>
    Object.fromEntries(
      Object.entries(options.sources).map(([name, source]) => [name, receiver.source(name) ?? source]),
    )
  const readBack = (event: StoredEvent): unknown => dataOf(receiver.source(event.source), event)
  const whole = under(options.prefix ?? '/webhooks')
  let stopped: Promise<void> | undefined
  const stop = async (graceMs: number): Promise<void> => {
    await worker.stop(graceMs, receiver.stop())
    await housekeeping.stop()
    await options.store.close()
  }
  return {
    fetch: whole.fetch,
    node: whole.node,
    under,
    mount(source) {
      if (receiver.source(source) === undefined) {
        throw new PosternError('bad_config', `Cannot mount '${source}': no source of that name is configured`)
      }
      return createMount(mounted, () => source)
    },
    async start() {
      // A store that cannot be opened is said at the start, not to the first sender.
      await options.store.get(0)
      worker.start()
      housekeeping.start()
    },
    async stop(given) {
      const graceMs = soundGraceMs(given)
      return (stopped ??= stop(graceMs))
    },
    async drain() {
      const attempts = await worker.drain()
      // Where no worker runs, as in a cron job, nobody else would.
      await housekeeping.once()
      return attempts
    },
    record,
    replay: async (eventSeq, given = {}) =>
      replayEvent({ store: options.store, table, dataOf: readBack }, eventSeq, given),
    setSecret,
    isReady: async () => !receiver.isStopping && answersInTime(options.store),
    async metrics() {
      const store = await options.store.stat()
      const orphaned = orphanedIn(store, table.destinations)
      const secrets = await readSecretUse(options.store.state, currentSources())
      return { ...counter.read(), store, orphaned, secrets }
    },
  }
}

function createWorker<S extends Sources, Effect, Tx>(
  options: PosternOptions<S, Effect, Tx>,
  sources: ReadonlyMap<string, Source>,
  table: HandlerTable<Effect, Tx>,
  log: Logger,
  observe: Observer,
): Worker<Effect, Tx> {
  const { concurrency = 64, leaseMs = 30_000, handlerTimeoutMs = 60_000 } = options.worker ?? {}
  return new Worker({
    store: options.store,
    destinations: table.destinations,
    handlersFor: ({ destination }, event) => table.handlersFor(destination, event),
    dataOf: (event) => dataOf(sources.get(event.source), event),
    schedule: scheduleWith(DEFAULT_RETRY_SCHEDULE, options.retry),
    deadlines: new Deadlines(handlerTimeoutMs),
    handlerTimeoutMs,
    random: options.random ?? Math.random,
    now: options.now ?? Date.now,
    concurrency,
    limits: table.limits,
    leaseMs,
    log,
    observe,
  })
}

/** Destinations with deliveries that are not finished, and that are not served here. */
function orphanedIn({ destinations }: StoreStat, served: readonly string[]): readonly string[] {
  const orphaned = destinations.filter(
    ({ name, pending, leased, dead }) => !served.includes(name) && pending + leased + dead > 0,
  )
  return orphaned.map(({ name }) => name)
}

function dataOf(source: Source | undefined, event: StoredEvent): unknown {
  return source && readData(source, { method: 'POST', url: '', headers: event.headers, body: event.body })
}

/** Exact on the raw path: no decoding, no case folding, no doubled slashes. */
function routeUnder(prefix: string): (path: string) => string | undefined {
  assertSoundPrefix('under', prefix)
  const start = `${prefix}/`
  return (path) => (path.startsWith(start) ? path.slice(start.length) : undefined)
}

async function answersInTime(store: Pick<Store, 'get'>): Promise<boolean> {
  const timeout = new Promise<boolean>((resolve) => setTimeout(resolve, READY_WITHIN_MS, false).unref())
  // Any look-up shows that it answers; this one finds nothing, at any size of the store.
  const answered = store.get(0).then(
    () => true,
    () => false,
  )
  return Promise.race([answered, timeout])
}
