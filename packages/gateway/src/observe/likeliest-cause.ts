import type { Occurrence, Source, WebhookRequest } from 'postern'
import { explain } from 'postern/explain'
import { providers } from 'postern/providers'

type Rejected = Extract<Occurrence, { readonly kind: 'rejected' }>

export interface LikeliestCauseOptions {
  /** `undefined` for what is not configured. */
  readonly sourceOf: (name: string) => Source | undefined
  readonly sources: () => Readonly<Record<string, Source>>
  readonly now: () => number
}

/** Reasons of a request that was meant to verify; one without a signature is told how to get one. */
const EXPLAINED: ReadonlySet<Rejected['reason']> = new Set([
  'signature_mismatch',
  'bad_encoding',
  'malformed_header',
  'malformed_timestamp',
  'duplicate_header',
])
/** An explanation takes 5 ms where the body is small, and anybody can ask for one. */
const PER_SECOND = 4
const MAX_BODY_BYTES = 64 * 1024
const MAX_TRIALS = 500

/** What most likely keeps a refused request from verifying, for the development log. */
export class LikeliestCause {
  readonly #options: LikeliestCauseOptions
  #second = 0
  #count = 0

  constructor(options: LikeliestCauseOptions) {
    this.#options = options
  }

  /** One line; `undefined` where there is nothing to say, or too many ask. */
  of(name: string, reason: Rejected['reason'], request: WebhookRequest): string | undefined {
    const source = this.#options.sourceOf(name)
    if (source === undefined || !EXPLAINED.has(reason) || request.body.byteLength > MAX_BODY_BYTES)
      return undefined
    if (!this.#takeTurn()) return undefined
    const { [name]: _, ...otherSources } = this.#options.sources()
    const { findings } = explain(request, source, [], {
      now: this.#options.now,
      providers,
      otherSources,
      maxTrials: MAX_TRIALS,
    })
    const [first] = findings
    return first && `${first.certainty === 'proven' ? 'because' : 'likely'} ${first.cause}: ${first.evidence}`
  }

  #takeTurn(): boolean {
    const second = Math.floor(this.#options.now() / 1000)
    if (second !== this.#second) this.#count = 0
    this.#second = second
    this.#count += 1
    return this.#count <= PER_SECOND
  }
}
