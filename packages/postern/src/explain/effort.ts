import { parseJson } from '../core/place.ts'
import { tokensOf, type Tokens } from './json-text.ts'

/**
 * A tenth of a second of writing bodies again, whatever stands in them: one of 200 KB is written in every way that is known, a
 * megabyte of nothing but brackets and commas in none.
 */
const MOST_STEPS = 1_000_000
/** Reading more takes longer than all that is done with them. */
const MOST_TOKENS = 250_000

/** How much is done with a body beside hashing it, and what was given up. */
export class Effort {
  readonly #untried = new Set<string>()
  readonly #body: Uint8Array
  #stepsLeft = MOST_STEPS
  #json: { readonly value: unknown } | undefined
  #tokens: { readonly value: Tokens | undefined } | undefined

  constructor(body: Uint8Array) {
    this.#body = body
  }

  /** What was not tried, or not to its end, in words. */
  get untried(): readonly string[] {
    return [...this.#untried]
  }

  giveUp(what: string): void {
    this.#untried.add(what)
  }

  /** Whether there is room for so many steps, of some 80 ns each; where there is not, it is noted what was given up. */
  takes(steps: number, what: string): boolean {
    if (steps > this.#stepsLeft) this.giveUp(what)
    else this.#stepsLeft -= steps
    return !this.#untried.has(what)
  }

  /** The body as JSON; `undefined` where it is none. Read once: half a million nested brackets take 40 ms each time. */
  json(): unknown {
    this.#json ??= { value: parseJson(this.#body) }
    return this.#json.value
  }

  /** The body as JSON in its tokens; `undefined` where it is none, or has too many. */
  tokens(): Tokens | undefined {
    this.#tokens ??= { value: this.#readTokens() }
    return this.#tokens.value
  }

  #readTokens(): Tokens | undefined {
    if (this.json() === undefined) return undefined
    const { buffer, byteOffset, byteLength } = this.#body
    const text = Buffer.from(buffer, byteOffset, byteLength).toString('utf8')
    const tokens = tokensOf(text.replace(/^\uFEFF/, ''), MOST_TOKENS)
    if (tokens === undefined)
      this.giveUp(`writing the body as JSON again, which has more than ${MOST_TOKENS} tokens`)
    return tokens
  }
}
