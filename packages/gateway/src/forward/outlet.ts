import { NotNowError, type RetrySchedule } from 'postern'
import { breakerSettings, CircuitBreaker, type BreakerState } from './circuit-breaker.ts'
import { DEFAULT_TIMEOUT_MS, WORKER_GRACE_MS, type ResolvedDelivery } from './destination-options.ts'
import { DestinationGate } from './destination-gate.ts'
import type { Resolve } from './guarded-connect.ts'
import type { AttemptEnd, Limit } from './limit.ts'
import { networksOf } from './networks.ts'
import { outcomeOf } from './outcome.ts'
import { Target, type Abortable, type Sent } from './target.ts'
import type { Time } from './time.ts'

export interface OutletParts {
  readonly time: Time
  /** In [0, 1). */
  readonly random: () => number
  /** Default: as the system does. */
  readonly resolve?: Resolve | undefined
}

/** How it is with a destination, on this node. */
export type DestinationState = 'open' | 'paused' | 'down' | 'probing' | 'resting'

/** What is sent in one exchange. */
export interface Outgoing {
  /** Names and values in turn, as of when it is sent. */
  readonly headers: () => string[]
  readonly body: Uint8Array
  readonly attempt: Abortable
}

/** What is given back because the gate has closed is due again then; closed, the gate keeps it back. */
const NOT_NOW_MS = 1000

/** Where a destination's requests leave: its gate, its breaker, its connections, and what an answer means. */
export class Outlet {
  readonly gate: DestinationGate
  readonly #options: ResolvedDelivery
  readonly #breaker: CircuitBreaker | undefined
  readonly #target: Target
  readonly #parts: OutletParts

  /** @param limits Those that the destination has beside its breaker. */
  constructor(options: ResolvedDelivery, connections: number, limits: readonly Limit[], parts: OutletParts) {
    const { breaker, url, allowNetworks = [], ca, timeoutMs = DEFAULT_TIMEOUT_MS } = options
    this.#options = options
    this.#parts = parts
    this.#breaker = breaker === false ? undefined : new CircuitBreaker(breakerSettings(breaker), parts.random)
    this.gate = new DestinationGate([...(this.#breaker ? [this.#breaker] : []), ...limits], parts.time)
    this.#target = new Target({
      url: new URL(url),
      connections,
      timeoutMs,
      allowNetworks: networksOf(allowNetworks),
      ...(ca !== undefined && { ca }),
      ...(parts.resolve !== undefined && { resolve: parts.resolve }),
    })
  }

  /** The deadline that the worker has to know of. */
  get workerTimeoutMs(): number {
    return (this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS) + WORKER_GRACE_MS
  }

  get retry(): Partial<RetrySchedule> {
    const { retry, giveUpAfterMs } = this.#options
    return { ...retry, ...(giveUpAfterMs !== undefined && { giveUpAfterMs }) }
  }

  get state(): DestinationState {
    if (this.gate.isPaused) return 'paused'
    if (this.#breaker?.isResting(this.#parts.time.monotonicMs()) === true) return 'resting'
    return STATES[this.#breaker?.state ?? 'closed']
  }

  /**
   * One exchange. Throws where it is to be tried again, or never; `NotNowError` where the gate has closed meanwhile.
   *
   * @param read What an answer is to be taken for, before its status is judged.
   */
  async send(
    { headers, body, attempt }: Outgoing,
    read: (sent: Sent) => Sent = (sent) => sent,
  ): Promise<void> {
    const end = this.gate.begin()
    if (end === undefined) throw new NotNowError(NOT_NOW_MS, `${this.#options.name} takes nothing just now`)
    // Ended even by a bug: a probe that never ended would keep its destination closed for ever.
    let ended: AttemptEnd = { target: 'unknown' }
    try {
      const { time, random } = this.#parts
      const sent = read(await this.#target.post(headers(), body, attempt))
      const { retryOn } = this.#options
      const { error, end: shown } = outcomeOf(sent, { retryOn, nowMs: time.wallMs(), random })
      // Broken off from our side, by a stop or a lost lease: it says nothing of the target.
      if (sent.kind === 'answered' || !sent.isBrokenOff) ended = shown
      if (error !== undefined) throw error
    } finally {
      end(ended)
    }
  }

  async close(): Promise<void> {
    this.gate.close()
    await this.#target.close()
  }
}

const STATES: Readonly<Record<BreakerState, DestinationState>> = {
  closed: 'open',
  open: 'down',
  probing: 'probing',
}
