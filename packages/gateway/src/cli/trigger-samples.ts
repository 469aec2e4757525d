import { sampleOf, samples, type Sample } from 'postern/samples'
import { escapeUnprintable } from '../observe/escape.ts'
import type { CliContext } from './context.ts'
import { EXIT } from './exit-code.ts'
import { UsageError } from './usage-error.ts'

/** A source, with the provider whose samples are its own; of a built-in provider both have the same name. */
export interface SampledSource {
  readonly name: string
  readonly provider: string
}

/** Prints the samples of a source, or of all; with `--json` an object for each source. */
export function listSamples(
  source: SampledSource | undefined,
  isJson: boolean,
  { stdout }: Pick<CliContext, 'stdout'>,
): number {
  const of = source === undefined ? undefined : samples.get(source.provider)
  if (source !== undefined && of === undefined) throw new UsageError(typesOf(source))
  const listed = source === undefined || of === undefined ? [...samples] : [[source.name, of] as const]
  for (const [name, all] of listed) stdout.write(isJson ? asJson(name, all) : asText(name, all))
  return EXIT.ok
}

function asText(source: string, all: readonly Sample[]): string {
  const width = Math.max(20, ...all.map(({ type }) => type.length))
  return `${source}\n${all.map(({ type, scheme }) => `  ${type.padEnd(width)} ${scheme}\n`).join('')}`
}

function asJson(source: string, all: readonly Sample[]): string {
  return `${JSON.stringify({ source, samples: all.map(({ type, scheme }) => ({ type, scheme })) })}\n`
}

/** Says which event types a source has samples of. */
export function typesOf({ name, provider }: SampledSource): string {
  const types = samples.get(provider)?.map((sample) => sample.type)
  const shown = escapeUnprintable(name)
  if (types === undefined)
    return `There are no samples of ${shown}; give a type, and the body with --data @file.json`
  const others = sampleOf(provider, '') === undefined ? '' : "; any other is sent in the template's form"
  return `Samples of ${shown}: ${types.join(', ')}${others}`
}
