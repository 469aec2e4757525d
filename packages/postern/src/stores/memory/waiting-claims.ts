import type { Claimed, ClaimRequest } from '../../inbox/index.ts'

/** What a waiting claim asks of the store. */
export interface Waitable {
  readonly claimDue: () => Claimed[]
  /** How long until something may be due; `Infinity` where nothing is in sight. */
  readonly untilDueMs: () => number
}

/** The longest that a timer can be set for. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * The claims that found nothing and wait. Each looks again at every change of the store, and by a timer when the next
 * delivery comes due or the wait is over, so that it ends even where the store's clock stands still.
 */
export class WaitingClaims {
  readonly #waiting = new Set<WaitingClaim>()

  wait(request: ClaimRequest, waitable: Waitable): Promise<Claimed[]> {
    return new Promise((resolve) => {
      const claim = new WaitingClaim(request, waitable, (claimed) => {
        this.#waiting.delete(claim)
        resolve(claimed)
      })
      this.#waiting.add(claim)
      claim.look()
    })
  }

  /** Lets every waiting claim look again, the longest waiting first. */
  wake(): void {
    for (const claim of this.#waiting) claim.look()
  }

  /** Ends every wait with nothing. */
  release(): void {
    for (const claim of this.#waiting) claim.end([])
  }
}

class WaitingClaim {
  readonly #endsAt: number
  readonly #signal: AbortSignal | undefined
  readonly #waitable: Waitable
  readonly #answer: (claimed: Claimed[]) => void
  readonly #abort = (): void => this.end([])
  #timer: NodeJS.Timeout | undefined

  constructor(request: ClaimRequest, waitable: Waitable, answer: (claimed: Claimed[]) => void) {
    this.#endsAt = performance.now() + request.waitMs
    this.#signal = request.signal
    this.#waitable = waitable
    this.#answer = answer
    this.#signal?.addEventListener('abort', this.#abort)
  }

  look(): void {
    const claimed = this.#waitable.claimDue()
    const leftMs = this.#endsAt - performance.now()
    if (claimed.length > 0 || leftMs <= 0) return this.end(claimed)
    const untilMs = Math.min(leftMs, this.#waitable.untilDueMs(), LONGEST_TIMER_MS)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.look(), Math.ceil(untilMs))
  }

  end(claimed: Claimed[]): void {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#answer(claimed)
  }
}
