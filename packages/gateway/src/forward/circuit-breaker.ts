import type { AttemptEnd, EndAttempt, Limit } from './limit.ts'

export interface BreakerSettings {
  /** So many attempts after another that found the target ill open it. */
  readonly failures: number
  /** How long it is open at first; twice as long after each probe that fails. */
  readonly openMs: number
  readonly longestOpenMs: number
}

const DEFAULT_BREAKER: BreakerSettings = { failures: 10, openMs: 5000, longestOpenMs: 60_000 }

/** What is left out is as usual; where it is to be open longer than usual at first, that is the longest as well. */
export function breakerSettings(given: Partial<BreakerSettings> = {}): BreakerSettings {
  const settings = { ...DEFAULT_BREAKER, ...given }
  const longestOpenMs = given.longestOpenMs ?? Math.max(settings.openMs, settings.longestOpenMs)
  return { ...settings, longestOpenMs }
}

export type BreakerState = 'closed' | 'open' | 'probing'

/** By how much an opening is longer or shorter, so that many nodes do not probe together. */
const JITTER = 0.2

/**
 * Lets nothing through to a target that has failed several times in a row, except for one probe at a time, later and later.
 * The first that succeeds closes it. What waits behind it costs its deliveries no attempt.
 */
export class CircuitBreaker implements Limit {
  readonly #settings: BreakerSettings
  readonly #random: () => number
  #failures = 0
  /** How often it has opened since the target was last well. */
  #openings = 0
  #openUntilMs: number | undefined
  #restUntilMs = Number.NEGATIVE_INFINITY
  #probes = 0

  constructor(settings: BreakerSettings, random: () => number) {
    this.#settings = settings
    this.#random = random
  }

  get state(): BreakerState {
    if (this.#openUntilMs === undefined) return 'closed'
    return this.#probes > 0 ? 'probing' : 'open'
  }

  isResting(nowMs: number): boolean {
    return nowMs < this.#restUntilMs
  }

  places(nowMs: number): number {
    if (this.isResting(nowMs)) return 0
    if (this.#openUntilMs === undefined) return Infinity
    return nowMs < this.#openUntilMs || this.#probes > 0 ? 0 : 1
  }

  opensAtMs(): number | undefined {
    return this.#probes > 0 ? undefined : Math.max(this.#openUntilMs ?? this.#restUntilMs, this.#restUntilMs)
  }

  begin(): EndAttempt {
    if (this.#openUntilMs === undefined) return this.#endUsual
    this.#probes += 1
    return this.#endProbe
  }

  readonly #endUsual: EndAttempt = (end, nowMs) => this.#learn(end, false, nowMs)

  readonly #endProbe: EndAttempt = (end, nowMs) => {
    this.#probes -= 1
    this.#learn(end, true, nowMs)
  }

  #learn({ target, restMs }: AttemptEnd, isProbe: boolean, nowMs: number): void {
    if (restMs !== undefined) this.#restUntilMs = Math.max(this.#restUntilMs, nowMs + restMs)
    // Begun before it opened: what that shows is older than what opened it.
    if (!isProbe && this.#openUntilMs !== undefined) return
    if (target === 'well') this.#close()
    if (target === 'ill') this.#fail(isProbe, nowMs)
  }

  #close(): void {
    this.#failures = 0
    this.#openings = 0
    this.#openUntilMs = undefined
  }

  #fail(isProbe: boolean, nowMs: number): void {
    this.#failures += 1
    if (!isProbe && this.#failures < this.#settings.failures) return
    const { openMs, longestOpenMs } = this.#settings
    const forMs = Math.min(longestOpenMs, openMs * 2 ** this.#openings)
    this.#openings += 1
    this.#openUntilMs = nowMs + forMs * (1 + JITTER * (2 * this.#random() - 1))
  }
}
