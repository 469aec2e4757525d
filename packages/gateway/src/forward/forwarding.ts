import type { AttemptContext, HandlerOptions, Logger, SmallState, WebhookEvent } from 'postern'
import { Destination } from './destination.ts'
import type { ResolvedDestination } from './destination-options.ts'
import type { Matches } from './filter.ts'
import type { Resolve } from './guarded-connect.ts'
import type { DestinationState, OutletParts } from './outlet.ts'
import { Pauses, type PausedSince } from './pauses.ts'
import { routesBySource } from './routes.ts'
import type { Sender } from './sender.ts'
import { systemTime, type Time } from './time.ts'

export interface ForwardingOptions {
  readonly destinations: readonly ResolvedDestination[]
  /** Those that send something of their own. */
  readonly others?: (parts: OutletParts) => readonly Sender[]
  /** The names of the sources. */
  readonly sources: readonly string[]
  readonly state: SmallState
  readonly log: Logger
  readonly time?: Time
  /** In [0, 1); draws jitter. */
  readonly random?: () => number
  readonly resolve?: Resolve
}

/** A destination as operators see it. */
export interface DestinationStatus {
  readonly name: string
  /** Without path and query, which may hold a secret. */
  readonly origin: string
  /** On this node, but for a pause, which holds for all. */
  readonly state: DestinationState
  readonly pausedSinceMs: number | undefined
  /** Requests under way on this node. */
  readonly inFlight: number
}

/** `on` without its types. */
type Register<R> = (
  source: string,
  type: string,
  handler: (event: WebhookEvent, context: AttemptContext) => Promise<void>,
  options: HandlerOptions,
) => R

/** All destinations over HTTP of one gateway. For the library each is a handler with a name. */
export class Forwarding {
  readonly #destinations: ReadonlyMap<string, Sender>
  readonly #sources: readonly string[]
  readonly #pauses: Pauses
  #paused: ReadonlyMap<string, PausedSince> = new Map()

  /** Throws `PosternError` where a secret is not one. */
  constructor({ destinations, others, sources, state, log, ...given }: ForwardingOptions) {
    const { time = systemTime, random = Math.random, resolve } = given
    const parts = { time, random, resolve }
    this.#sources = sources
    const senders = [...destinations.map((each) => new Destination(each, parts)), ...(others?.(parts) ?? [])]
    this.#destinations = new Map(senders.map((sender) => [sender.options.name, sender]))
    this.#pauses = new Pauses({ state, time, log, onChange: (paused) => this.#heed(paused) })
  }

  get names(): readonly string[] {
    return [...this.#destinations.keys()]
  }

  /** The destinations as handlers, one for each source that they have events of. */
  registrations<R>(on: Register<R>): readonly R[] {
    return [...this.#destinations.values()].flatMap((destination) =>
      routesBySource(destination.options.from, this.#sources).map(({ source, when: routed }) => {
        const when = both(routed, destination.wantsFrom?.(source))
        return on(source, '*', destination.send, {
          ...destination.handlerOptions,
          ...(when !== undefined && { when }),
        })
      }),
    )
  }

  /** Before the worker starts: what is paused must be known by then. Rejects where the store does not answer. */
  async start(): Promise<void> {
    if (this.#destinations.size > 0) await this.#pauses.start()
  }

  /** After the worker has stopped. */
  async stop(): Promise<void> {
    this.#pauses.stop()
    await Promise.all([...this.#destinations.values()].map(({ outlet }) => outlet.close()))
  }

  list(): readonly DestinationStatus[] {
    return [...this.#destinations].map(([name, { options, outlet }]) => ({
      name,
      origin: new URL(options.url).origin,
      state: outlet.state,
      pausedSinceMs: this.#paused.get(name),
      inFlight: outlet.gate.inFlight,
    }))
  }

  /** Pauses a destination, or resumes it, on all nodes; false where there is none of that name. Nothing that waits is lost. */
  async setPaused(name: string, isPaused: boolean): Promise<boolean> {
    if (!this.#destinations.has(name)) return false
    await this.#pauses.set(name, isPaused)
    return true
  }

  #heed(paused: ReadonlyMap<string, PausedSince>): void {
    this.#paused = paused
    for (const [name, { outlet }] of this.#destinations) {
      if (paused.has(name)) outlet.gate.pause()
      else outlet.gate.resume()
    }
  }
}

function both(one: Matches | undefined, other: Matches | undefined): Matches | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return (event) => one(event) && other(event)
}
