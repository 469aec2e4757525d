import type { Histogram } from 'postern'

/** One number with its labels. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric as Prometheus knows it. */
export type Family = {
  /** `postern_…`, with its unit, and `_total` at the end of a counter. */
  readonly name: string
  readonly help: string
} & (
  | { readonly type: 'counter' | 'gauge'; readonly samples: readonly Sample[] }
  | { readonly type: 'histogram'; readonly histogram: Histogram }
)

/** Of the text format that every scraper reads (prometheus.io/docs/instrumenting/exposition_formats). */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Writes families in the text format, one after the other. */
export function prometheusText(families: readonly Family[]): string {
  return families.map(familyText).join('')
}

function familyText(family: Family): string {
  const { name, help, type } = family
  const lines =
    family.type === 'histogram'
      ? histogramLines(name, family.histogram)
      : family.samples.map((each) => line(name, each))
  return `# HELP ${name} ${escaped(help, /[\\\n]/g)}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

/** Here each bucket holds what the smaller ones do. */
function histogramLines(name: string, { bounds, counts, count, sum }: Histogram): readonly string[] {
  let below = 0
  const buckets = bounds.map((bound, index) => {
    below += counts[index] ?? 0
    return line(`${name}_bucket`, { labels: { le: String(bound) }, value: below })
  })
  return [
    ...buckets,
    line(`${name}_bucket`, { labels: { le: '+Inf' }, value: count }),
    line(`${name}_sum`, { value: sum }),
    line(`${name}_count`, { value: count }),
  ]
}

function line(name: string, { labels = {}, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text, /[\\\n"]/g)}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}\n`
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '"': '\\"' }

function escaped(text: string, unsafe: RegExp): string {
  return text.replace(unsafe, (character) => ESCAPES[character] ?? character)
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
