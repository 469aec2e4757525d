import { sampleOf, samples, type Sample } from 'postern/samples'
import { escapeUnprintable } from '../observe/escape.ts'
import type { CliContext } from './context.ts'
import { EXIT } from './exit-code.ts'
import { UsageError } from './usage-error.ts'

/** Prints the samples of a source, or of all. */
export function listSamples(name: string | undefined, { stdout }: Pick<CliContext, 'stdout'>): number {
  if (name !== undefined && !samples.has(name)) throw new UsageError(typesOf(name))
  for (const [source, ofSource] of samples) {
    if (name !== undefined && name !== source) continue
    stdout.write(`${source}\n${ofSource.map(describe).join('')}`)
  }
  return EXIT.ok
}

function describe({ type, scheme }: Sample): string {
  return `  ${type.padEnd(20)} ${scheme}\n`
}

/** Says which event types a source has samples of. */
export function typesOf(name: string): string {
  const types = samples.get(name)?.map((sample) => sample.type)
  if (types !== undefined) {
    const others = sampleOf(name, '') === undefined ? '' : "; any other is sent in the template's form"
    return `Samples of ${name}: ${types.join(', ')}${others}`
  }
  return `There are no samples of '${escapeUnprintable(name)}', only of ${[...samples.keys()].join(', ')}`
}
