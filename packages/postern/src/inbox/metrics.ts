import type { Occurrence } from './observe.ts'
import { DURATION_BOUNDS_MS, HistogramCounter, type Histogram } from './histogram.ts'

/** What has happened since the inbox was made, as plain values. Labels come from the configuration and from closed sets. */
export interface OccurrenceMetrics {
  readonly accepted: readonly AcceptedCount[]
  readonly rejected: readonly RejectedCount[]
  readonly attempts: readonly AttemptCount[]
  /** From the whole request to its durable record, in ms. */
  readonly acceptMs: Histogram
  /** How long attempts took, in ms. */
  readonly attemptMs: Histogram
}

/** How many authentic requests of a source were recorded, or found recorded; what `record` brought counts as well. */
export interface AcceptedCount {
  readonly source: string
  readonly stored: number
  readonly duplicates: number
  readonly conflicts: number
}

/** How many requests of a source were refused for one reason. */
export interface RejectedCount {
  /** The empty string for a path without a source. */
  readonly source: string
  readonly reason: (Occurrence & { readonly kind: 'rejected' })['reason']
  /** What it was answered. */
  readonly status: number
  readonly count: number
}

/** How many attempts at a destination ended one way; `lost` where the lease had gone to another worker. */
export interface AttemptCount {
  readonly destination: string
  readonly outcome: (Occurrence & { readonly kind: 'attempted' })['outcome']
  readonly count: number
}

/** Counts occurrences; `read` gives the values so far. */
export class MetricsCounter {
  readonly #accepted = new Map<string, { stored: number; duplicates: number; conflicts: number }>()
  readonly #rejected = new Counts<RejectedCount['reason']>()
  /** Of a source and a reason it is always the same. */
  readonly #statuses = new Map<string, number>()
  readonly #attempts = new Counts<AttemptCount['outcome']>()
  readonly #acceptMs = new HistogramCounter(DURATION_BOUNDS_MS)
  readonly #attemptMs = new HistogramCounter(DURATION_BOUNDS_MS)

  observe(occurrence: Occurrence): void {
    if (occurrence.kind === 'accepted') {
      this.#countOf(occurrence.source)[COUNTED_AS[occurrence.outcome]] += 1
      this.#acceptMs.add(occurrence.durationMs)
    } else if (occurrence.kind === 'rejected') {
      this.#rejected.add(occurrence.source, occurrence.reason)
      this.#statuses.set(`${occurrence.source} ${occurrence.reason}`, occurrence.status)
    } else {
      this.#attempts.add(occurrence.destination, occurrence.outcome)
      this.#attemptMs.add(occurrence.durationMs)
    }
  }

  read(): OccurrenceMetrics {
    return {
      accepted: [...this.#accepted].map(([source, counts]) => ({ source, ...counts })),
      rejected: this.#rejected.read((source, reason, count) => ({
        source,
        reason,
        status: this.#statuses.get(`${source} ${reason}`) ?? 0,
        count,
      })),
      attempts: this.#attempts.read((destination, outcome, count) => ({ destination, outcome, count })),
      acceptMs: this.#acceptMs.read(),
      attemptMs: this.#attemptMs.read(),
    }
  }

  #countOf(source: string): { stored: number; duplicates: number; conflicts: number } {
    let counts = this.#accepted.get(source)
    if (counts === undefined) {
      counts = { stored: 0, duplicates: 0, conflicts: 0 }
      this.#accepted.set(source, counts)
    }
    return counts
  }
}

const COUNTED_AS = { stored: 'stored', duplicate: 'duplicates', conflict: 'conflicts' } as const

/** Counts by two labels. */
class Counts<Label extends string> {
  readonly #counts = new Map<string, Map<Label, number>>()

  add(name: string, label: Label): void {
    const byLabel = this.#counts.get(name) ?? new Map<Label, number>()
    byLabel.set(label, (byLabel.get(label) ?? 0) + 1)
    this.#counts.set(name, byLabel)
  }

  read<Row>(toRow: (name: string, label: Label, count: number) => Row): Row[] {
    return [...this.#counts].flatMap(([name, byLabel]) =>
      [...byLabel].map(([label, count]) => toRow(name, label, count)),
    )
  }
}
