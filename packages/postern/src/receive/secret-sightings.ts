import type { Source } from '../core/index.ts'
import type { SmallState } from '../inbox/index.ts'
import { labelled, noteSecretUse } from '../inbox/secret-use.ts'

/** How often it is written down that a secret still matches. */
const NOTE_EVERY_MS = 10 * 60 * 1000

/**
 * Tells the operator which secrets are still in use, so that an old one can be taken away. Nobody waits for it: of all
 * requests that a secret matches in ten minutes, one causes a write, and its answer does not wait for that.
 */
export class SecretSightings {
  readonly #state: SmallState
  /** When each was last written down, by scheme and index; anew for a source whose secrets were replaced. */
  readonly #notedMs = new WeakMap<Source, Map<string, number[]>>()

  constructor(state: SmallState) {
    this.#state = state
  }

  /** @param schemeName Of several schemes that had to pass together, the first is looked at. */
  saw(name: string, source: Source, schemeName: string, secretIndex: number, nowMs: number): void {
    const noted = this.#notedOf(source, schemeName)
    // Either way: a clock that was set back would otherwise say nothing of the secret until it is there again.
    if (Math.abs(nowMs - (noted[secretIndex] ?? -Infinity)) < NOTE_EVERY_MS) return
    noted[secretIndex] = nowMs
    const [first = ''] = schemeName.split('+', 1)
    const use = labelled(name, source, first, secretIndex)
    // Missing one is no harm: the next ten minutes note it again.
    if (use !== undefined) noteSecretUse(this.#state, use, nowMs).catch(() => {})
  }

  #notedOf(source: Source, schemeName: string): number[] {
    let ofSource = this.#notedMs.get(source)
    if (ofSource === undefined) this.#notedMs.set(source, (ofSource = new Map()))
    let noted = ofSource.get(schemeName)
    if (noted === undefined) ofSource.set(schemeName, (noted = []))
    return noted
  }
}
