import type { HasSmallState, Logger, Occurrence, Postern, Store } from 'postern'
import { pauseWith, type ApiClient, type Pause } from './api-client.ts'
import { Puller, type PullQueue } from './pull-queue.ts'
import { lastLookMs, reconcile, type Reconciliation } from './reconciling.ts'

/** What a configuration asks for beside taking webhooks, by the name of the source that it is recorded for. */
export interface VendorJobsConfig {
  readonly pull: Readonly<Record<string, PullQueue | undefined>> | undefined
  readonly reconcile: Readonly<Record<string, Reconciliation | undefined>> | undefined
}

export interface VendorJobsOptions {
  readonly config: VendorJobsConfig
  /** A client of an API, with the key in a variable; throws where that is not set. */
  readonly clientOf: (api: {
    readonly origin: string
    readonly variable: string
    readonly signal: AbortSignal
  }) => ApiClient
  readonly record: Postern['record']
  readonly store: Pick<Store, 'get' | 'list'> & HasSmallState
  readonly log: Logger
  readonly pause?: Pause
  readonly now?: () => number
  readonly random?: () => number
}

/** How long what was committed may still be acknowledged to its vendor during a stop. */
const FINISH_WITHIN_MS = 2000
/** Of a look that failed, and of every timer, so that nodes do not look in step. */
const JITTER = 0.1

/** Pulls queues and looks at vendors' APIs while the gateway runs. Nothing that goes wrong here ends it. */
export class VendorJobs {
  readonly #options: VendorJobsOptions
  readonly #stopping = new AbortController()
  readonly #ending = new AbortController()
  readonly #lookers: ReadonlyMap<string, Looker>
  readonly #pullers: readonly Puller[]
  #running: Promise<unknown> = Promise.resolve()

  /** Throws where a key that is needed is not there. */
  constructor(options: VendorJobsOptions) {
    this.#options = options
    const { config, clientOf } = options
    this.#pullers = namedIn(config.pull).map(([source, queue]) => {
      const api = { origin: queue.origin, variable: queue.keyVariable }
      return new Puller({
        ...options,
        queue,
        source,
        client: clientOf({ ...api, signal: this.#stopping.signal }),
        finishing: clientOf({ ...api, signal: this.#ending.signal }),
      })
    })
    this.#lookers = new Map(
      namedIn(config.reconcile).map(([source, reconciliation]) => {
        const { origin, keyVariable: variable } = reconciliation
        const client = clientOf({ origin, variable, signal: this.#stopping.signal })
        return [source, new Looker(source, reconciliation, client, options)]
      }),
    )
  }

  start(): void {
    const { signal } = this.#stopping
    const { pause = pauseWith, random = Math.random } = this.#options
    this.#running = Promise.all([
      ...this.#pullers.map((puller) => puller.follow(signal, { pause, random })),
      ...[...this.#lookers.values()].map((looker) => looker.follow(signal)),
    ])
  }

  /** Looks soon after an event that says that there may be more to see. */
  hint(occurrence: Occurrence): void {
    if (occurrence.kind === 'rejected') return
    // On a node that only works, the first attempt is how it hears of an event that another node took.
    const isNews = occurrence.kind === 'accepted' ? occurrence.outcome === 'stored' : occurrence.attempt === 1
    if (!isNews) return
    this.#lookers.get(occurrence.source)?.hint(occurrence.type)
  }

  /** Finishes what is being recorded, and acknowledges it where that is quick; what is not comes again. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    const end = setTimeout(() => this.#ending.abort(), FINISH_WITHIN_MS)
    await this.#running
    clearTimeout(end)
  }
}

function namedIn<T>(
  jobs: Readonly<Record<string, T | undefined>> | undefined,
): readonly (readonly [string, T])[] {
  return Object.entries(jobs ?? {}).flatMap(([name, job]) =>
    job === undefined ? [] : [[name, job] as const],
  )
}

/** Looks at one source's vendor: by its timer, and soon after a hint. */
class Looker {
  readonly #source: string
  readonly #reconciliation: Reconciliation
  readonly #client: ApiClient
  readonly #options: VendorJobsOptions
  #wake = new AbortController()
  #isHinted = false

  constructor(source: string, reconciliation: Reconciliation, client: ApiClient, options: VendorJobsOptions) {
    this.#source = source
    this.#reconciliation = reconciliation
    this.#client = client
    this.#options = options
  }

  hint(type: string): void {
    if (!this.#reconciliation.hints.includes(type)) return
    this.#isHinted = true
    this.#wake.abort()
  }

  async follow(signal: AbortSignal): Promise<void> {
    const { pause = pauseWith, random = Math.random } = this.#options
    const { everyMs, afterHintMs } = this.#reconciliation
    while (!signal.aborted) {
      await this.#look()
      if (!this.#isHinted) await this.#sleep(everyMs * (1 + random() * JITTER), signal)
      if (!this.#isHinted || signal.aborted) continue
      // Further hints that come until then are seen to by the same look.
      await pause(afterHintMs, signal).catch(() => {})
    }
  }

  /** Until the time is over, or a hint. */
  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const { pause = pauseWith } = this.#options
    this.#wake = new AbortController()
    await pause(ms, AbortSignal.any([signal, this.#wake.signal])).catch(() => {})
  }

  async #look(): Promise<void> {
    const { store, record, log, pause = pauseWith, now = Date.now } = this.#options
    const { title, everyMs } = this.#reconciliation
    const [source, reconciliation, client] = [this.#source, this.#reconciliation, this.#client]
    const isHinted = this.#isHinted
    this.#isHinted = false
    try {
      // Another node may have looked just now.
      const lastMs = isHinted ? undefined : await lastLookMs(store, source)
      if (lastMs !== undefined && isWithin(now() - lastMs, everyMs / 2)) return
      const looked = await reconcile({ reconciliation, source, client, record, store, now, pause })
      if (!looked.ok) log.warn(`${title}: could not be looked at`, { source, failure: looked.message })
      else if (looked.recorded.length > 0) {
        log.info(`${title}: recorded what no webhook told`, { source, events: looked.recorded.length })
      }
    } catch (error) {
      log.error(`${title}: what was seen could not be recorded`, { source, error })
    }
  }
}

/** Either way: a node whose clock was far ahead says that it looked in time to come, and all would wait until then. */
function isWithin(agoMs: number, ms: number): boolean {
  return agoMs >= -ms && agoMs < ms
}
