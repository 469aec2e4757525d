import { isAuthentic, type Reason, type Scheme, type WebhookRequest } from '../core/index.ts'
import type { Keyring } from '../core/keyring.ts'
import type { SoundMethod } from '../core/method.ts'

/** What one trial checks. */
export interface Trial {
  readonly method: SoundMethod
  readonly scheme: Scheme
  readonly keys: Keyring
  readonly request: WebhookRequest
}

/** `'no'` where the signature does not match; else whether the request is fresh as well. */
export type Outcome = 'no' | 'ok' | Reason

export interface TrialLimits {
  readonly maxTrials: number
  /** Bytes of bodies that are hashed in all: a trial over a megabyte costs as much as a thousand over one kilobyte. */
  readonly maxBytes: number
}

/** Checks signatures, so often and no more. */
export class Trials {
  readonly #limits: TrialLimits
  readonly #nowMs: number
  #bytes = 0
  /** How many were made. */
  count = 0
  /** Whether one was not made because of a limit. */
  isSpent = false

  constructor(limits: TrialLimits, nowMs: number) {
    this.#limits = limits
    this.#nowMs = nowMs
  }

  /** In words, what was not tried. */
  get untried(): readonly string[] {
    const { maxTrials, maxBytes } = this.#limits
    return this.isSpent
      ? [`what would take more than ${maxTrials} checks, or more than ${maxBytes / MIB} MiB of hashing`]
      : []
  }

  /** Whether a request is authentic under a scheme and its keys. */
  check({ method, scheme, keys, request }: Trial): Outcome {
    if (keys.size === 0) return 'no'
    const bytes = (request.body.byteLength + FIXED_BYTES) * keys.size
    if (this.count >= this.#limits.maxTrials || this.#bytes + bytes > this.#limits.maxBytes) {
      this.isSpent = true
      return 'no'
    }
    this.count += 1
    this.#bytes += bytes
    const result = method.check(scheme, keys, request, { nowMs: this.#nowMs })
    if (result.ok) return 'ok'
    return isAuthentic(result.reason) ? result.reason : 'no'
  }
}

const MIB = 1024 * 1024
/** What a trial costs beside its body, in bytes that could be hashed meanwhile. */
const FIXED_BYTES = 512
